"""Messages of a topic, signed field by field with a certificate that they name (AWS SNS sends so).

Source: sns-validator 0.3.5.
"""

from __future__ import annotations

from typing import Any

from relay.signatures import publickeys
from relay.signatures.fetching import pinned
from relay.signatures.named.asked import Asked, mismatch, readable
from relay.signatures.named.certified import certificate
from relay.signatures.verdict import Refused

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_FIELDS = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _SUBSCRIPTION,
    "UnsubscribeConfirmation": _SUBSCRIPTION,
}
_HASHES = {"1": "sha1", "2": "sha256"}


def check(asked: Asked) -> None:
    """The secret's `topic_arn` says whose messages: a valid signature alone, any customer of the sender can send.

    `options`: `url` that the certificate's must match, and `name` that it ends with.
    """
    message = _message(asked)
    by = _HASHES.get(str(message.get("SignatureVersion")))
    if by is None:
        raise Refused("The version of the signature is not one that this sender uses")
    url = pinned(message.get("SigningCertURL"), str(asked.options["url"]))
    topic = asked.given("topic_arn") if not isinstance(asked.secret, str) else asked.secret
    if topic and message.get("TopicArn") != topic:
        raise Refused("The message is from another topic")
    signature = readable(str(message.get("Signature", "")).encode())
    if not publickeys.verify_by_certificate(
        certificate(asked, url),
        str(asked.options["name"]),
        asked.now,
        signature=signature,
        message=_signed(message),
        by=by,
    ):
        raise mismatch()


def _message(asked: Asked) -> dict[str, Any]:
    message = asked.request.json
    if not isinstance(message, dict) or str(message.get("Type")) not in _FIELDS:
        raise Refused("The body is not a message of a topic")
    return message


def _signed(message: dict[str, Any]) -> bytes:
    lines: list[str] = []
    for name in _FIELDS[str(message["Type"])]:
        value = message.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise Refused(f"The message has no {name}")
        lines += [name, value]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
