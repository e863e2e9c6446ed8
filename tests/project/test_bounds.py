"""What pages and the API make of what a tenant or a sender chose the size of: every address has its bound.

The work of a page is done by the process that acknowledges events. So whatever reads, compiles or compares there has a
limit, or is done by a helper process. An address that is added needs a line here, and so does a place that reads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern, get_resolver

ROOT = Path(__file__).parents[2] / "relay"

# What each address reads, and its bound. Of all requests: uploads.MOST bytes, Django's limits of forms, and a share of
# the workspace (engine/sandbox/workspace_shares.py). What is in no list below reads rows of fixed size, a page of
# them at a time.
HELPER = "a helper process: 2 s of CPU, 160 MB, one question of a workspace at a time (engine/sandbox/helper_pool.py)"
SERVICE = (
    "one call of a workspace at a time (service_calls/turns.py), option_source.MAX_OPTIONS, http_client.LIST_BYTES"
)
DRY_RUN = "a process of dry runs: 5 s of CPU, 256 MB, events of 2 MiB, answers of 2 MiB"
DRAFT = "documents of 512 KiB and 50,000 values, read as JSON; differences.MOST_SUBJECTS, MOST_DETAILS"
BODY = "shortbodies.MOST bytes of a body, trees.MOST_TAGS, trees.NODES"
FIELD = "posted.FIELD_LENGTH characters of each field"
PASTED = "400,000 characters (event_picker.MAX_PASTED_CHARACTERS, resend.MAX_BODY_CHARACTERS)"
DOCUMENTS = "documents of all flows, each read as JSON once"
SEARCH = "filters of 500 characters, search within its time (engine/runs/run_search.py), a page of runs"
RUN = "the trail and the attempts of one run, within the limits of a run"
SMALL = "rows of fixed size and short fields"

PAGES: dict[str, str] = {
    **dict.fromkeys(
        ("flow", "edit-flow", "save-draft", "preview", "arrivals", "data"), f"{HELPER}; {DRAFT}; {BODY}; {FIELD}"
    ),
    "choices": f"{SERVICE}; {DRAFT}; {FIELD}",
    "new-flow": HELPER,
    "flows": f"{DOCUMENTS}; flowlist.MOST_PLACES",
    "versions": f"20 versions: {DRAFT}",
    "restore-version": DRAFT,
    "recipe": HELPER,
    "recipes": "recipes of this version, none of a tenant's",
    "dry-run": f"{DRY_RUN}; traces.MOST steps, traces.NODES; {PASTED}",
    "samples": PASTED,
    "sample": BODY,
    "undo-sample": SMALL,
    "run": f"{RUN}; {BODY}",
    "run-step": "one step of a trail of 8 MiB, and its attempts (engine/runs/run_excerpts.py)",
    "file": "one chunk of a file at a time (file_store.CHUNK_BYTES), or one body with the files in it",
    "edit-run": f"{PASTED}; text_diff.MAX_CHANGES, MAX_COMPARISONS; layout.MOST_ADDED",
    **dict.fromkeys(("runs", "flow-runs", "newer-runs", "changed-runs", "many-runs", "count-runs"), SEARCH),
    **dict.fromkeys(("connections", "variables", "connection", "variable", "new-variable"), DOCUMENTS),
    **dict.fromkeys(("remove-connection", "remove-variable", "add-connection", "connection-access"), DOCUMENTS),
    "test-connection": SERVICE,
    **dict.fromkeys(("subscription", "disconnect-subscription"), f"{SERVICE}; {DRAFT}"),
    "help": "the documentation of this version, none of a tenant's; searching.MAX_WORDS, MAX_HITS",
    "help-page": "the documentation of this version, none of a tenant's",
    "inbox": "100 messages of 40,000 characters",
    "captured-event": BODY,
    "rejection": "the beginning of a body that was kept (engine/intake/rejections.py)",
    "export-audit": "auditlog.MOST entries",
}
API: dict[str, str] = {
    **dict.fromkeys(("import-flow", "publish-flow", "use-recipe"), HELPER),
    **dict.fromkeys(("dry-run", "dry-run-document", "check-samples"), f"{DRY_RUN}; given.MOST_NESTED"),
    **dict.fromkeys(("add-sample", "rename-sample"), "given.MOST_NESTED, settings.MAX_BYTES"),
    **dict.fromkeys(("resume-flow", "replay-run", "replay-issue", "start-batch", "cancel-batch"), "given.MOST_NESTED"),
    "test-connection": f"{SERVICE}; {DOCUMENTS}",
    **dict.fromkeys(("connect-subscription", "disconnect-subscription"), SERVICE),
    "choices": f"{SERVICE}; given.MOST_NESTED",
    "subscription": DRAFT,
    "connection": DOCUMENTS,
    **dict.fromkeys(("create-connection", "change-connection"), f"given.MOST_NESTED; {DOCUMENTS}"),
    "choose-alert-flow": "given.MOST_NESTED",
    "flows": DOCUMENTS,
    "flow": DRAFT,
    "runs": SEARCH,
    "run": RUN,
    "run-step": "one step of a trail of 8 MiB, and its attempts (engine/runs/run_excerpts.py)",
    "event": "one body as it is, of settings.MAX_BYTES or the flow's max_bytes: decoded, not parsed",
    "file": "one chunk of a file at a time (file_store.CHUNK_BYTES), or one body with the files in it",
    "sample": "one sample of settings.MAX_BYTES",
}
# The rest: of these nothing is read that anybody chose the size of.
SMALL_PAGES = {
    *("start", "setup", "reset", "join", "forgotten", "workspace", "new-workspace", "open-workspace", "people"),
    *("invite", "leave", "change-role", "remove-member", "member-reset-link", "revoke-invitation", "tokens"),
    *("revoke-token", "audit", "new-connection", "issues", "issue", "act-on-issue", "alert-flow", "held", "captured"),
    *("rejected", "discard-rejected", "filters-help", "act-on-run", "batch", "cancel-batch", "start-flow"),
    *("secrets", "remove-former-secrets", "act-on-secret", "switch-flow", "resume-flow", "delete-flow"),
    *("account", "end-session", "end-other-sessions"),
    # Answers of services have settings.ANSWER_BYTES, tokens oauth_requests.MAX_TOKEN_CHARACTERS.
    *("connect", "renew-access", "disconnect", "authorized", "oauth-client"),
}
SMALL_CALLS = {
    *("pause-flow", "samples", "remove-sample", "cancel-runs", "try-now-runs", "release-runs", "give-up-runs"),
    *("try-now-run", "give-up-run", "cancel-run", "release-run", "send-again-run", "it-was-done-run", "issues"),
    *("issue", "resolve-issue", "mute-issue", "unmute-issue", "alerts", "batches", "batch", "connections"),
    *("recipes", "recipe", "openapi-json", "api-root"),
}


def test_every_page_has_its_bound() -> None:
    names = {one.name for one in get_resolver().url_patterns if isinstance(one, URLPattern)}
    # django-allauth's: e-mail addresses, passwords, codes.
    own = {name for name in names if name and not name.startswith(("account_", "mfa_"))}

    assert own == PAGES.keys() | SMALL_PAGES
    assert not PAGES.keys() & SMALL_PAGES


def test_every_call_of_the_api_has_its_bound() -> None:
    from relay.api.urls import api

    names = {one.name for one in api.urls[0]}

    assert names == API.keys() | SMALL_CALLS
    assert not API.keys() & SMALL_CALLS


# What costs more than its input is long, or as much as a large input: by name, wherever it is called in these parts.
COSTLY = {
    *("parse", "parse_document", "load", "loads", "decode", "compile_leaf", "compile_tree", "compile_condition"),
    *(
        "compile_plan",
        "dry_run",
        "dry_run_events",
        "unified_diff",
        "SequenceMatcher",
        "get_close_matches",
        "uses",
        "yaml",
    ),
}
CALLED: dict[str, str] = {
    "web/ui/payload_tree.py:payloads.parse": BODY,
    "web/ui/payload_tree.py:msgspec.json.decode": "headers of an event: the head of a request",
    "web/flows/event_picker.py:payloads.parse": PASTED,
    "web/flows/sample_sending.py:payloads.parse": FIELD,
    "web/runs/resend.py:msgspec.json.decode": PASTED,
    "web/editor/simple_forms.py:loading.load": f"{FIELD}, loading.MOST_VALUES",
    "web/editor/draft_saving.py:loading.load": "draft_saving.MAX_CARD_BYTES, loading.MOST_VALUES",
    "web/editor/steps/step_text.py:loading.load": "step_text.MAX_CHARACTERS of JSON, MAX_YAML_CHARACTERS of YAML",
    "web/editor/draft_edits.py:msgspec.json.decode": "a document of 512 KiB",
    "web/editor/form_fields.py:msgspec.json.decode": FIELD,
    "web/editor/form_parser.py:msgspec.json.decode": FIELD,
    "web/runs/run_rows.py:msgspec.json.decode": "ids and states of a trail that is short enough for a list",
    "web/auth/sessions.py:self.serializer().loads": "a session, which Relay wrote itself",
    "api/request_body.py:numerals.decode": "given.MOST_NESTED",
}


_DECODE = ("json.decode", "numerals.decode")


def _calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name.rpartition(".")[2] in COSTLY and (name.rpartition(".")[2] != "decode" or name.endswith(_DECODE)):
            yield f"{path.relative_to(ROOT)}:{name}"


@pytest.mark.parametrize("part", ["web", "api"])
def test_nothing_is_read_or_compiled_without_a_bound(part: str) -> None:
    found = {call for path in sorted((ROOT / part).rglob("*.py")) for call in _calls(path)}

    assert found == {call for call in CALLED if call.startswith(part)}


# Documents are checked and walked for pages in helper processes: who else may in the engine, and where that runs.
ENGINE: dict[str, str] = {
    "engine/preview/render_task.py": "the helper process",
    "engine/dry_run/dry_run_answer.py": "the process of dry runs",
    "engine/dry_run/dry_walk.py": "the process of dry runs",
    "engine/configuration/recipes.py": "recipes of this version, none of a tenant's",
    "engine/worker/claim.py": "a worker",
}


def test_documents_are_compiled_by_helpers_and_workers_alone() -> None:
    wanted = {"parse_document", "compile_plan", "dry_run", "uses"}
    found = {
        call.partition(":")[0]
        for path in sorted((ROOT / "engine").rglob("*.py"))
        for call in _calls(path)
        if call.rpartition(":")[2].rpartition(".")[2] in wanted
    }

    assert found == set(ENGINE)
