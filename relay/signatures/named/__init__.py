"""Verifies senders whose signatures need code, with the interface of the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from relay.signatures.fetching import Fetch
from relay.signatures.keys import Secret
from relay.signatures.named import canonical, certified, claims, notifications, published, serialized, topics
from relay.signatures.named.verifier_input import VerifierInput
from relay.signatures.oracles import Answerable
from relay.signatures.request import SenderRequest
from relay.signatures.scheme import Handshake, Named
from relay.signatures.verdict import Refused, Undecided, Verdict

VERIFIERS: dict[str, Callable[[VerifierInput], None]] = {
    "canonical_request": canonical.check,
    "certified_transmission": certified.check,
    "hashed_claims": claims.check_shared_secret,
    "keyed_claims": claims.check_fetched_key,
    "notification_tokens": notifications.check,
    "published_keys": published.check,
    "serialized_form": serialized.check,
    "signed_body": claims.check_token_body,
    "topic_message": topics.check,
}


class NamedVerifier:
    """Verifies requests by one of VERIFIERS. `fetch` gets keys and certificates; without it, none are fetched."""

    fetches = True

    def __init__(
        self,
        how: Named,
        tolerance: int | None = None,
        fetch: Fetch | None = None,
        handshakes: Sequence[Handshake] = (),
    ) -> None:
        Answerable(how, handshakes)
        self._how = how
        self._check = VERIFIERS[how.verifier]
        self._tolerance = how.tolerance if tolerance is None else tolerance
        self._fetch = fetch

    def verify(self, request: SenderRequest, secrets: Sequence[Secret], now: float) -> Verdict:
        """Whether `request` comes from the sender, by any of `secrets`."""
        reason: Refused = Refused("No secret is stored that can be used; without one everything is refused")
        for secret in secrets or ([{}] if self._how.keyless else []):
            try:
                self._check(VerifierInput(request, secret, now, self._tolerance, self._how.options, self._fetch))
            except Refused as refused:
                reason = refused
            else:
                return Verdict(valid=True)
        return Verdict(valid=False, reason=str(reason), is_temporary=isinstance(reason, Undecided))
