"""Finds out as whom a connection is connected."""

from __future__ import annotations

from relay import masking
from relay.connectors import oauth_requests
from relay.connectors.definition import OAuth2
from relay.connectors.oauth_requests import TokenAnswer
from relay.errors import RelayError
from relay.redaction import clean
from relay.templating import compile_leaf

MAX_CHARACTERS = 200


def of_answer(auth: OAuth2, answer: TokenAnswer, sent: tuple[str, ...] = ()) -> str:
    """The name in the answer of the token endpoint; "" if it has none, or if it has a token or a secret that was sent.

    `sent`: these secrets.
    """
    if not auth.identity:
        return ""
    context = {"answer": answer.body, "claims": oauth_requests.claims_of(answer.body)}
    try:
        name = str(compile_leaf(auth.identity).render(context))
    except RelayError:
        return ""
    secrets = (answer.access_token, answer.refresh_token, *sent)
    return "" if masking.found_in([name], filter(None, secrets)) else " ".join(clean(name).split())[:MAX_CHARACTERS]
