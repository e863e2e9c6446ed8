"""Verifies the sender of a request before anything of it is parsed or stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from relay.bodies import body_types
from relay.engine.intake.key_fetcher import fetch
from relay.errors import RelayError, VaultError
from relay.flows.document import TriggerSettings
from relay.flows.verification import Verification, verification
from relay.models import Trigger
from relay.signatures import HandshakeAnswer, Handshaker, KeyDocument, Scheme, Secret, SenderRequest, Verdict, verifier


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is accepted (neither `answer` nor `reason`), answered as a handshake, or refused (`reason`).

    `is_temporary`: it is refused because the sender could not be verified now.
    """

    answer: HandshakeAnswer | None = None
    reason: str = ""
    is_temporary: bool = False


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret of a trigger. `until`: when it expires, in seconds since 1970."""

    value: Secret
    until: float | None


ACCEPTED = Decision()


@dataclass(frozen=True, slots=True)
class SecretPlaces:
    """The headers and query parameters in which requests to a trigger carry secrets, by lowercase name."""

    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()


NO_PLACES = SecretPlaces()


class RequestVerifier:
    """Verifies requests to one trigger. `fingerprint` changes whenever the settings or secrets it uses change."""

    def __init__(
        self, verification: Verification, tolerance: int | None, secrets: Sequence[StoredSecret], fingerprint: str
    ) -> None:
        self.verification = verification
        self.fingerprint = fingerprint
        self.secret_places = _secret_places(verification)
        self._secrets = secrets
        how, handshakes = verification.how, verification.handshakes
        self._verifier = verifier(how, handshakes, tolerance=tolerance, fetch=fetch) if how else None
        self._handshaker = Handshaker(handshakes)
        self._body_types = verification.body_types
        self.methods = self._handshaker.methods
        makes_calls = any(handshake.call for handshake in handshakes)
        self.fetches = makes_calls or (self._verifier is not None and self._verifier.fetches)

    def verify(self, request: SenderRequest, now: float) -> Decision:
        """Decide whether to accept `request`; `now` in seconds since 1970."""
        secrets = [secret.value for secret in self._secrets if secret.until is None or secret.until > now]
        header = request.headers.get("content-type", "")
        form_fields = self.verification.form_fields
        request.content_type = body_types.decide(header, self._body_types, request.body, form_fields)
        answer = self._handshaker.before(request, secrets, has_secret=bool(self._secrets))
        if answer is not None:
            return _handshake_decision(answer)
        if self._verifier is not None:
            verdict: Verdict = self._verifier.verify(request, secrets, now)
            if not verdict.valid:
                return Decision(reason=verdict.reason, is_temporary=verdict.is_temporary)
        answer = self._handshaker.after(request, secrets)
        return ACCEPTED if answer is None else _handshake_decision(answer)


class ClosedTrigger(RequestVerifier):
    """Refuses every request, because the settings or secrets of its trigger can't be read."""

    def __init__(self, reason: str, fingerprint: str) -> None:
        super().__init__(Verification(), None, (), fingerprint)
        self._reason = reason

    def verify(self, request: SenderRequest, now: float) -> Decision:
        return Decision(reason=self._reason)


def _handshake_decision(answer: HandshakeAnswer) -> Decision:
    if answer.reason:
        return Decision(answer, answer.reason)
    try:
        if answer.call:
            fetch(KeyDocument(answer.call, keep=False))
    except RelayError as error:
        return Decision(reason=f"The address of the handshake could not be called: {error}", is_temporary=True)
    return Decision(answer)


def secret_places(settings: TriggerSettings) -> SecretPlaces:
    """Where requests to a trigger with these settings carry secrets; no places if the settings can't be read."""
    try:
        return _secret_places(verification(settings))
    except RelayError:
        return NO_PLACES


def _secret_places(verification: Verification) -> SecretPlaces:
    """A shared secret is sent in every request; a secret that signs is sent in none."""
    how = verification.how
    sources = list(how.signature.sources) if isinstance(how, Scheme) and how.kind == "shared_secret" else []
    sources += [source for shake in verification.handshakes for source in (shake.store, shake.proof) if source]
    return SecretPlaces(_names(sources, "header:"), _names(sources, "query:"))


def _names(sources: list[str], prefix: str) -> frozenset[str]:
    return frozenset(source.removeprefix(prefix).lower() for source in sources if source.startswith(prefix))


@dataclass(slots=True)
class _StoredSecrets:
    secrets: list[StoredSecret] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)


def request_verifier(trigger: Trigger, settings: TriggerSettings, *, is_readable: bool) -> RequestVerifier | None:
    """The verifier of a trigger; None if it neither verifies senders nor answers handshakes."""
    if not is_readable:
        return ClosedTrigger("The trigger of this flow can't be read: open it in the editor and fix it", "unreadable")
    try:
        verifying = verification(settings)
        if verifying.how is None and not verifying.handshakes:
            return None
        stored = _stored_secrets(trigger, verifying.sender)
    except (RelayError, VaultError) as error:
        return ClosedTrigger(str(error), f"closed: {error}")
    parts = (settings.preset, settings.body_type, msgspec.json.encode(settings.verify), stored.fingerprints)
    fingerprint = hashlib.sha256(repr(parts).encode()).hexdigest()
    return RequestVerifier(verifying, settings.verify.tolerance, stored.secrets, fingerprint)


def _stored_secrets(trigger: Trigger, sender: str) -> _StoredSecrets:
    """The secrets of a trigger for its current sender, newest first."""
    stored = _StoredSecrets()
    for row in trigger.secrets.for_senders(sender):
        until = row.ends_at.timestamp() if row.ends_at else None
        stored.secrets.insert(0, StoredSecret(row.unseal(), until))
        stored.fingerprints.append(f"{row.pk} {until}")
    return stored
