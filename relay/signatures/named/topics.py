"""Verifies messages of a topic, signed field by field with a certificate that they name (used by AWS SNS).

Source: sns-validator 0.3.5.
"""

from __future__ import annotations

from typing import Any

from relay.signatures import publickeys
from relay.signatures.fetching import pinned
from relay.signatures.named.certified import certificate
from relay.signatures.named.verifier_input import VerifierInput, mismatch, readable
from relay.signatures.verdict import Refused

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_FIELDS = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _SUBSCRIPTION,
    "UnsubscribeConfirmation": _SUBSCRIPTION,
}
_HASHES = {"1": "sha1", "2": "sha256"}


def check(inputs: VerifierInput) -> None:
    """The secret's `topic_arn` is the accepted topic, because any customer of the sender can get a valid signature.

    `options`: `url`, a pattern of the certificate's URL, and `name`, the end of its name.
    """
    message = _message(inputs)
    by = _HASHES.get(str(message.get("SignatureVersion")))
    if by is None:
        raise Refused("The version of the signature is not one that this sender uses")
    url = pinned(message.get("SigningCertURL"), str(inputs.options["url"]))
    topic = inputs.optional_part("topic_arn") if not isinstance(inputs.secret, str) else inputs.secret
    if topic and message.get("TopicArn") != topic:
        raise Refused("The message is from another topic")
    signature = readable(str(message.get("Signature", "")).encode())
    if not publickeys.verify_by_certificate(
        certificate(inputs, url),
        str(inputs.options["name"]),
        inputs.now,
        signature=signature,
        message=_signed(message),
        by=by,
    ):
        raise mismatch()


def _message(inputs: VerifierInput) -> dict[str, Any]:
    message = inputs.request.json
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
        # Lines are joined unescaped, so with a line break in another field, two messages would have the same text.
        if name != "Message" and "\n" in value:
            raise Refused(f"The message's {name} has a line break in it")
        lines += [name, value]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
