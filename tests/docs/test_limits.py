"""The numbers on the pages about flows are those of the code."""

from __future__ import annotations

import pytest
from django.conf import settings

from relay import backoff
from relay.bodies import content_encoding, payloads
from relay.conditions import compiler
from relay.engine import http_client
from relay.engine.configuration import schedules, trigger_secrets, variables
from relay.engine.flow_control import circuit_breaker, failure_rate
from relay.engine.intake import event_data, rejections, splitting
from relay.engine.oauth import authorizations
from relay.engine.sandbox import helper_pool
from relay.engine.service_calls import option_source, service_call
from relay.engine.settle import issue_counting
from relay.engine.upkeep import retention
from relay.engine.walk import access_tokens, cpu_clock, digests, size_limits, walk
from relay.engine.walk.steps import branching, looping, stateful
from relay.flows import alerts, deadlines, forms, loading, verification
from relay.flows import compiler as flow_compiler
from relay.flows.checks import actions, senders, steps, validation
from relay.flows.checks import size_limits as document_limits
from relay.ingest import verification as ingest_verification
from relay.ingest import waiting_callers
from relay.signatures import interpreter
from relay.templating import environment, faults, fuel, patterns, rewrite
from relay.web.editor import choices
from tests.docs.reading import PAGES

DAY = 86_400
MIB = 1024 * 1024
SAID = {
    "flow-format": [
        f"| Size of the document | {loading.MAX_BYTES // 1024} KiB |",
        f"keys together | {loading.MAX_VALUES:,} |",
        f"| Nesting of the document | {loading.MAX_DEPTH} levels |",
        f"nested ones included | {steps.MAX_STEPS} |",
        f"| Paths of all branches together | {steps.MAX_PATHS} |",
        f"| Nesting of steps | {steps.MAX_DEPTH} levels |",
        f"| Loops inside loops | {steps.MAX_NESTED_LOOPS} levels |",
        f"| Templates in the document | {document_limits.MAX_TEMPLATES:,} |",
        f"| {document_limits.MAX_WORDS:,} |",
        f"up to {validation.MAX_FAULTS} faults",
        f"at most {backoff.MAX_DELAY / DAY:g} days unless",
        *(f"up to {validation.MAX_LENGTHS[name]:,} characters" for name in ("name", "description", "folder", "title")),
        f"the first {walk.MAX_TITLE_CHARACTERS} of the result",
        f"Up to {validation.MAX_CONSTANTS} values",
        f"up to {senders.MAX_NETWORKS}, such as",
        f"up to {validation.MAX_BODY_BYTES:,} and never more",
        f"from 1 to {verification.MAX_TOLERANCE_SECONDS:,}",
        f"up to `{validation.MAX_WAIT_SECONDS:g}s`",
        f"up to {forms.MAX_INPUTS}: [input keys]",
        f"Up to {actions.MAX_ID_IN_LOOP} characters inside a loop",
        f"up to `{actions.MAX_TIMEOUT_SECONDS:g}s`",
        f"up to {actions.MAX_DELAYS} of them",
        f"from 1 to {steps.MAX_ELEMENTS:,}",
        f"up to {looping.DEFAULT_MAX_ELEMENTS:,} are taken",
        f"up to {deadlines.MAX_WAIT_SECONDS / DAY:g} days",
        f"from 1 to {flow_compiler.MAX_DIGEST_RUNS:,}.",
        f"from 1 to {validation.MAX_CONCURRENCY:,}",
        f"up to {compiler.MAX_RULES} rules",
        f"up to {compiler.MAX_DEPTH} levels deep",
    ],
    "connections": [
        f"reads of one list | {option_source.MAX_OPTIONS:,}, over up to {option_source.MAX_PAGES} pages |",
        f"shows at once | {choices.MAX_SHOWN}; search",
        f"one answer of the service | {http_client.LIST_BYTES // MIB} MiB |",
        f"{service_call.CALL_SECONDS:g} seconds for each request, {option_source.LIST_SECONDS:g} seconds for all pages",
        f"at most {service_call.CALL_SECONDS:g} seconds",
        f"| 1; {helper_pool.MAX_WAITING} more wait |",
    ],
    "steps": [
        f"made {walk.MAX_SENT} requests",
        f"counted | {walk.MAX_STEPS:,} |",
        f"keep | {size_limits.MAX_TRAIL_BYTES // MIB} MiB |",
        f"{size_limits.MAX_ATTEMPT_BYTES // MIB} MiB; after that,",
        f"the first {size_limits.SHORT_BODY_CHARS:,} characters",
        f"| {cpu_clock.WHOLE_RUN:g} seconds |",
        f"more than {branching.MAX_CONDITION_SECONDS * 1000:g} ms of CPU",
        f"up to {looping.DEFAULT_MAX_ELEMENTS:,} elements",
        f"nested {steps.MAX_NESTED_LOOPS} levels deep",
        f"waits {deadlines.MAX_WAIT_SECONDS / DAY:g} days at most",
        f"{flow_compiler.MAX_DIGEST_RUNS:,} is the most",
        f"{stateful.MAX_WINDOW_SECONDS / DAY:g} days at the longest",
        f"Items have {digests.MAX_GATHERED_BYTES // MIB} MiB together",
    ],
    "triggers": [
        f"the newest {rejections.MAX_KEPT} are kept for {rejections.KEPT_SECONDS / DAY:g} days",
        f"{rejections.MAX_BODY_BYTES // 1024} KiB of their body",
        f"at most {rejections.BURST} of a flow at once and {rejections.BURST / rejections.REFILL_SECONDS:g} a second",
        f"within {settings.BODY_TIMEOUT:g} seconds",
        f"more than {splitting.MAX_RUNS:,} elements",
        f"up to {validation.MAX_WAIT_SECONDS:g} seconds",
        f"more than {waiting_callers.MAX_CALLERS:,} callers",
        f"text of up to {payloads.MAX_FILE_TEXT // 1024} KiB",
        f"| Nesting | {payloads.MAX_DEPTH} levels |",
        f"| Fields of a form | {payloads.MAX_FIELDS:,} |",
        f"| Parts of a multipart form | {payloads.MAX_PARTS} |",
        f"| Elements and attributes of XML | {payloads.MAX_XML_NODES:,} |",
        f"up to {content_encoding.MAX_LAYERS} layers",
        f"accepts {event_data.MAX_HOPS} at most",
        f"lead to {event_data.RUN_BUDGET:,} runs",
        f"more than {schedules.MAX_LATE:g} seconds late, or more than {schedules.MAX_LATE_OVERTAKEN:g} seconds late",
        f"up to {forms.MAX_INPUTS} fields, and a value up to {forms.MAX_CHARACTERS:,} characters",
    ],
    "templates": [
        f"| Length of a template | {faults.MAX_SOURCE:,} characters |",
        f"| {faults.MAX_TOKENS:,}; {document_limits.MAX_WORDS:,} in a flow |",
        f"| Nesting of a template | {rewrite.MAX_NESTING} levels |",
        f"| {fuel.TIME * 1000:g} ms |",
        f"| {fuel.WORK:,} units",
        f"| One text | {fuel.MAX_TEXT:,} characters |",
        f"together | {fuel.OUTPUT // MIB} MiB |",
        f"| Whole numbers | {fuel.MAX_BITS:,} bits |",
        f"given to filters | {fuel.MAX_NUMBER:,} |",
        f"call each other | {fuel.MAX_DEPTH} levels |",
        f"up to {environment.MAX_RANGE:,} whole numbers",
        f"up to {patterns.MAX_PATTERN:,} characters. It is found",
        f"up to {variables.MAX_VARIABLES} variables of up to {variables.MAX_CHARACTERS:,} characters",
    ],
    "senders": [
        f"| Secrets of a trigger | {trigger_secrets.MAX_SECRETS} |",
        f"| 1 second to {verification.MAX_TOLERANCE_SECONDS / DAY:g} days |",
        f"| Signatures in one request | {interpreter.MAX_SIGNATURES} |",
        f"| {interpreter.MAX_ELEMENTS:,} |",
        (
            f"| {ingest_verification.MAX_FETCHING} in a process,"
            f" {ingest_verification.MAX_FETCHING_OF_WORKSPACE} of one workspace |"
        ),
    ],
    "errors-and-retries": [
        f"{len(backoff.DEFAULT_DELAYS) + 1} tries in all".replace("7", "seven"),
        f"It is {settings.HTTP_TIMEOUT:g} seconds",
        f"first {settings.ANSWER_BYTES // 1024} KiB",
        f"at least {failure_rate.FAILURE_SHARE:.0%} of the requests",
        f"at least {failure_rate.MIN_SENDS}:",
        f"After {circuit_breaker.FIRST_PROBE_SECONDS:g} seconds",
        f"up to {circuit_breaker.MAX_PROBE_SECONDS / 60:g} minutes",
        f"up to {circuit_breaker.MAX_RELEASED:,} a second",
    ],
    "oauth": [
        f"You have {authorizations.STATE_SECONDS // 60} minutes",
        f"in the last {access_tokens.MARGIN_SECONDS / 60:g} minutes",
        f"the last {access_tokens.MARGIN_SHARE:.0%} of the lifetime".replace("20%", "fifth"),
        f"after {access_tokens.HOLD_AFTER_FAULTS} failures in a row",
    ],
    "alerts": [
        f"at most {issue_counting.MAX_ISSUES_OF_FLOW} distinct issues",
        f"about {issue_counting.ALERT_DELAY / 1e6:g} seconds",
        f"forgotten {retention.ISSUE_SECONDS / DAY:g} days",
    ],
}


@pytest.mark.parametrize(("page", "words"), [(page, words) for page, all_words in SAID.items() for words in all_words])
def test_limits_are_those_of_the_code(page: str, words: str) -> None:
    assert words in PAGES[page]


def test_the_usual_silence_is_an_hour() -> None:
    assert alerts.DEFAULT_SILENCE == "1h"
    assert "one hour by default" in PAGES["alerts"]
