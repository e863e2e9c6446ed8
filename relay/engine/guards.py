"""Guards: what stands at a door and says who may come in, before anything of a request is parsed or stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from relay.engine.fetching import fetch
from relay.errors import RelayError, VaultError
from relay.flows.document import TriggerSettings
from relay.flows.verification import Verification, verification
from relay.models import Trigger
from relay.signatures import Answer, Handshaker, Request, Scheme, Secret, Verdict, Wanted, verifier


@dataclass(frozen=True, slots=True)
class Judgement:
    """Let in (neither `answer` nor `reason`), answered as a handshake, or refused for a `reason`.

    `is_temporary`: it could not be decided now.
    """

    answer: Answer | None = None
    reason: str = ""
    is_temporary: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored secret; `until` in seconds since 1970."""

    value: Secret
    until: float | None


LET_IN = Judgement()


@dataclass(frozen=True, slots=True)
class Hidden:
    """Where secrets stand in requests to this door: names of headers, and of query parameters."""

    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()


NOTHING = Hidden()


class Guard:
    """Judges what comes to one door. `mark` is another whenever it would judge by anything else."""

    def __init__(self, about: Verification, tolerance: int | None, secrets: Sequence[Kept], mark: str) -> None:
        self.about = about
        self.mark = mark
        self.hidden = _hidden(about)
        self._secrets = secrets
        self._verifier = verifier(about.how, tolerance=tolerance, fetch=fetch) if about.how else None
        self._hands = Handshaker(about.handshakes)
        self.methods = self._hands.methods
        calls = any(one.call for one in about.handshakes)
        self.fetches = calls or (self._verifier is not None and self._verifier.fetches)

    def judge(self, request: Request, now: float) -> Judgement:
        """Whether `request` may come in; `now` in seconds since 1970."""
        secrets = [one.value for one in self._secrets if one.until is None or one.until > now]
        answer = self._hands.before(request, secrets, has_secret=bool(self._secrets))
        if answer is not None:
            return _answered(answer)
        if self._verifier is not None:
            verdict: Verdict = self._verifier.verify(request, secrets, now)
            if not verdict.valid:
                return Judgement(reason=verdict.reason, is_temporary=verdict.is_temporary)
        answer = self._hands.after(request, secrets)
        return LET_IN if answer is None else _answered(answer)


class Closed(Guard):
    """Lets nobody in: how its trigger verifies can't be read."""

    def __init__(self, reason: str, mark: str) -> None:
        super().__init__(Verification(), None, (), mark)
        self._reason = reason

    def judge(self, request: Request, now: float) -> Judgement:
        return Judgement(reason=self._reason)


def _answered(answer: Answer) -> Judgement:
    if answer.reason:
        return Judgement(answer, answer.reason)
    try:
        if answer.call:
            fetch(Wanted(answer.call, keep=False))
    except RelayError as error:
        return Judgement(reason=f"The address of the handshake could not be called: {error}", is_temporary=True)
    return Judgement(answer)


def hidden(settings: TriggerSettings) -> Hidden:
    """Where secrets stand in requests to a trigger of these settings; nowhere where they can't be read."""
    try:
        return _hidden(verification(settings))
    except RelayError:
        return NOTHING


def _hidden(about: Verification) -> Hidden:
    """A secret that is sent as it is stands in every request; one that signs stands in none."""
    shared = isinstance(about.how, Scheme) and about.how.kind == "shared_secret"
    sources = list(about.how.signature.sources) if shared and isinstance(about.how, Scheme) else []
    sources += [source for one in about.handshakes for source in (one.store, one.proof) if source]
    return Hidden(_names(sources, "header:"), _names(sources, "query:"))


def _names(sources: list[str], place: str) -> frozenset[str]:
    return frozenset(source.removeprefix(place).lower() for source in sources if source.startswith(place))


@dataclass(slots=True)
class _Known:
    secrets: list[Kept] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)


def guard(trigger: Trigger, settings: TriggerSettings, *, is_readable: bool) -> Guard | None:
    """The guard of a trigger; None where its flow verifies nothing and shakes no hands."""
    if not is_readable:
        return Closed("The trigger of this flow can't be read: open it in the editor and mend it", "unreadable")
    try:
        about = verification(settings)
        if about.how is None and not about.handshakes:
            return None
        known = _known(trigger, about.sender)
    except (RelayError, VaultError) as error:
        return Closed(str(error), f"closed: {error}")
    parts = (settings.preset, msgspec.json.encode(settings.verify), known.marks)
    mark = hashlib.sha256(repr(parts).encode()).hexdigest()
    return Guard(about, settings.verify.tolerance, known.secrets, mark)


def _known(trigger: Trigger, sender: str) -> _Known:
    """What is stored for the present sender."""
    known = _Known()
    for row in trigger.secrets_of(sender):
        until = row.ends_at.timestamp() if row.ends_at else None
        known.secrets.insert(0, Kept(row.unseal(), until))
        known.marks.append(f"{row.pk} {until}")
    return known
