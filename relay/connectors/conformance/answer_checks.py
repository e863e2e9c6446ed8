"""Checks what answers mean to an action: success, permanent errors, rate limits, and answers that are no answers."""

from __future__ import annotations

from collections.abc import Iterator

from relay.connectors import response_rules
from relay.connectors.conformance import samples
from relay.connectors.definition import Action, Connector, Reply
from relay.outbound import Answer

MESSAGE = "The list does not exist"
HTML = b"<!doctype html><html><head><title>Bad gateway</title></head><body><h1>502</h1></body></html>"


def success_faults(connector: Connector, action: Action) -> Iterator[str]:
    """The answer that the records describe is a success, with all outputs."""
    if action.target != "http":
        return
    verdict = response_rules.judge(action, samples.answer_of(action))
    if verdict.kind != "succeeded":
        yield f"the expected answer counts as {verdict.kind}: {verdict.message}"
    for output in action.outputs:
        if not output.value and not output.call and output.key not in verdict.outputs:
            yield f"outputs.{output.key}: is not at {output.path}"


def failure_faults(connector: Connector, action: Action) -> Iterator[str]:
    """Each kind of failure has its outcome, and a sentence with the service's own message."""
    if action.target != "http":
        return
    reply = action.reply or Reply()
    cases = [
        (404, "refused" if 404 in reply.refused else "failed"),
        (401, "refused" if 401 in reply.refused else "failed"),
        (429, "retry"),
        (500, "retry"),
        (503, "retry"),
    ]
    for status, kind in cases:
        verdict = response_rules.judge(action, samples.error_answer(action, status, MESSAGE))
        if verdict.kind != kind:
            yield f"an answer with the status {status} counts as {verdict.kind}, not as {kind}"
        if MESSAGE not in verdict.message or not verdict.message.startswith(f"The answer was {status}"):
            yield f"an answer with the status {status} is described as: {verdict.message}"


def word_faults(connector: Connector, action: Action) -> Iterator[str]:
    """The words that decide over a failure decide as they should."""
    reply = action.reply or Reply()
    for words, status, kind in (
        (reply.refusing, 400, "refused"),
        (reply.permanent, 500, "failed"),
        (reply.retry, 400, "retry"),
    ):
        for word in words:
            verdict = response_rules.judge(action, samples.error_answer(action, status, word))
            if kind != "retry" and word not in reply.meanings:
                yield f"“{word}”: say in `meanings` what it means and what to do"
            if verdict.kind != kind:
                yield f"“{word}” with the status {status} counts as {verdict.kind}, not as {kind}"


def broken_faults(connector: Connector, action: Action) -> Iterator[str]:
    """Malformed, empty and HTML answers have an outcome; where a body has to say that it was done, all fail."""
    if action.target != "http":
        return
    reply = action.reply or Reply()
    kind = "failed" if reply.body or reply.ok or reply.says else "succeeded"
    for body, media_type in ((b'{"id": ', "application/json"), (b"", "application/json"), (HTML, "text/html")):
        answer = Answer(200, {"content-type": media_type}, body, truncated=False, seconds=0.1)
        verdict = response_rules.judge(action, answer)
        if verdict.kind != kind:
            yield f"a broken answer ({body[:8]!r}) counts as {verdict.kind}: {verdict.message}"
    gateway = Answer(502, {"content-type": "text/html; charset=utf-8"}, HTML, truncated=False, seconds=0.1)
    verdict = response_rules.judge(action, gateway)
    if verdict.kind != "retry" or "<" in verdict.message or "Bad gateway" not in verdict.message:
        yield f"an HTML page of a gateway is described as: {verdict.message}"
    for word, meaning in reply.meanings.items():
        if not meaning[:1].isupper() or meaning.endswith("."):
            yield f"meanings: “{word}” needs a sentence without a full stop"
