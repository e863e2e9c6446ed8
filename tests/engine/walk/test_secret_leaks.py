"""Secrets are masked by position: no part of a secret is stored, shown or logged, however a template transforms it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.engine.alerts import alert_messages
from relay.engine.configuration import connections, variables
from relay.engine.dry_run import dry_runs
from relay.engine.flow_control.limiter import Limiter
from relay.engine.intake.event_data import EventData
from relay.engine.people import api_tokens
from relay.engine.preview import preview
from relay.engine.upkeep import search_index
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Event, Flow, Issue, Membership, Role, Run, Scope, User, Workspace
from relay.outbound import Sender
from tests.support.browsing import Browser
from tests.support.examples import a_few
from tests.support.leaks import leaked, rows

pytestmark = pytest.mark.django_db(transaction=True)

JSON = dict[str, Any]
SECRET = 'qZ7^xK@w"ö 8%Jv&Tq/3#Wj'
# A hyphen in every four characters: random ids and tokens on the pages then hardly ever hold a piece by chance.
HOST = "qz7-kwj-38v-tq5"
EVENT = b'{"id": 1, "list": ["a", "b"]}'

# Those of the finding, and more of the kind: errors that quote a value, encoders of URLs, texts within texts, pieces.
TEMPLATES = [
    "{{ vars.k }}",
    "{{ vars.k | reverse | date_add(days=1) }}",
    "{{ vars.k | upper | phone }}",
    "{{ vars.k | base64_decode }}",
    "{{ vars.k | parse_json }}",
    "{{ vars.k | money('EUR') }}",
    "{{ 3 | money(vars.k) }}",
    "{{ '2026-01-01' | date_zone(vars.k) }}",
    "{{ '2026-01-01' | date_format(vars.k) }}",
    "{{ 1234.5 | thousands(locale=vars.k) }}",
    "{{ [1, 2] | map(vars.k | upper) | list }}",
    "{{ event.body[vars.k] }}",
    "{{ {'q': 1}[vars.k] }}",
    "{{ {vars.k: 1}['x'] }}",
    "{{ vars.k.name }}",
    "{{ vars.k + 1 }}",
    "{{ vars.k | int + '' }}",
    "{{ vars.k % 3 }}",
    "{{ vars.k[:3] }}{{ vars.k[3:6] }}",
    "{{ vars.k | list | join('-') }}",
    "{% for letter in vars.k %}{{ letter }}.{% endfor %}",
    "{% set x %}{{ vars.k }}{% endset %}{{ x | upper }}",
    "{% set v = vars %}{{ v.k | lower }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(vars.k) }}",
    "{% filter upper %}{{ vars.k }}{% endfilter %}",
    "{% if vars.k[0] == 'q' %}{{ vars.k[1:9] }}{% endif %}",
    "{{ vars['k'] }} {{ vars['k'] | lower }}",
    "{{ vars | tojson }}",
    "{{ {'a': {'b': [vars.k]}} | tojson | tojson }}",
    '{"a": {{ vars.k | tojson }} }',
    "{{ vars.k | urlencode | urlencode }}",
    "{{ vars.k | replace('^', '') }}",
    "{{ 'x' ~ vars.k ~ '/../' ~ vars.k }}",
    "{{ (vars.k ~ 'x') | base64_encode | base64_encode }}",
    "{{ vars.k | escape }}",
    "{{ vars.k | truncate(9) }}",
    "{{ vars.k == 'guess' }} {{ vars.k | length }}",
]


# One of each kind; the others are exhaustive.
FEW = {
    "{{ vars.k }}",
    "{{ vars.k | reverse | date_add(days=1) }}",
    "{{ vars.k | parse_json }}",
    "{{ [1, 2] | map(vars.k | upper) | list }}",
    "{{ event.body[vars.k] }}",
    "{{ vars.k[:3] }}{{ vars.k[3:6] }}",
    "{% set x %}{{ vars.k }}{% endset %}{{ x | upper }}",
    "{% if vars.k[0] == 'q' %}{{ vars.k[1:9] }}{% endif %}",
    "{{ vars['k'] }} {{ vars['k'] | lower }}",
    "{{ (vars.k ~ 'x') | base64_encode | base64_encode }}",
}

# Of these, requests are really sent.
PLACED = ["{{ vars.k }}", "{{ vars['k'] }} {{ vars['k'] | lower }}", "{{ vars.k[:3] }}{{ vars.k[3:6] }}"]


@pytest.fixture
def walkers(httpserver: HTTPServer) -> WalkThreads:
    """Those that take one name for the server of the test, and know of no other."""
    here = httpserver.url_for("").rstrip("/")
    sender = Sender(("127.0.0.0/8",), {f"https://{HOST}.example": here}, timeout=2.0)
    return WalkThreads(sender, most=8, limiter=Limiter(threads=16))


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is asked of a server of names."""

    known = socket.getaddrinfo

    def unknown(host: str, *more: Any, **names: Any) -> Any:
        if host in ("localhost", "127.0.0.1"):
            return known(host, *more, **names)
        raise OSError(-2, f"Name or service not known: {host}")

    monkeypatch.setattr("relay.outbound.resolver.socket.getaddrinfo", unknown)


@pytest.fixture
def owner(workspace: Workspace) -> Browser:
    user = User.objects.create_user("ada@example.com", "correct horse battery")
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    browser = Browser()
    browser.force_login(user)
    return browser


def places(url: str, template: str) -> list[JSON]:
    """The inputs of requests with a template at every place that a value can go to."""
    quoted = json.dumps({"a": template})
    return [
        {"url": f"{url}/{template}/x", "method": "GET"},
        {"url": f"{url}/x?a={template}", "method": "GET"},
        {"url": template},
        {"url": f"https://{template}.example/"},
        {"url": url, "method": template},
        {"url": url, "headers": {"X-One": template}, "query": {"q": [template]}},
        {"url": url, "headers": template, "query": template},
        {"url": url, "body": {"json": {"deep": [{"a": template}, 1]}}},
        {"url": url, "body": {"json": template}},
        {"url": url, "body": {"json": {"text": quoted}}},
        {"url": url, "body": {"form": {"a": template}}},
        {"url": url, "body": {"text": f"<a b='{template}'>{template}</a>", "type": "text/xml"}},
        {"url": url, "body": template},
        {"url": url, "body": '{"json": {"a": "' + template + '"}}'},
    ]


def document(inputs: list[JSON], **step: Any) -> JSON:
    """A flow that continues after any failure, and ends as failed."""
    usual = {"kind": "action", "action": "http.request", "retry": {"delays": []}, "on_error": "continue", **step}
    steps = [{"id": f"s{number}", **usual, "inputs": one} for number, one in enumerate(inputs)]
    steps.append(
        {"id": "post", **usual, "action": "inbox.post", "inputs": {"text": "{{ vars.k }} {{ vars.k | upper }}"}}
    )
    steps.append({"id": "told", "kind": "set", "values": {"all": "{{ steps | tojson }}"}})
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": steps}


def told(flow: Flow, run: Run, owner: Browser, caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """All that anybody gets to see of a run, and of a dry run and of previews of its flow; and all that is stored."""
    search_index.index_some(5.0)
    token = api_tokens.create(flow.workspace, f"T{run.pk}", Scope.READ, days=0)
    calls = Browser().get(f"/api/v1/runs/{run.ref}", headers={"Authorization": f"Bearer {token}"})
    pages = {path: owner.get(path).content.decode() for path in (f"/runs/{run.ref}/", "/runs/", "/issues/", "/inbox/")}
    assert calls.status_code == 200
    assert run.ref in pages["/runs/"]
    event = EventData(1, "POST", "", "{}", "application/json", EVENT, 0)
    found = [("api", calls.content.decode()), *pages.items(), *rows()]
    found.append(("dry run", repr(dry_runs.run(flow.draft, event, dry_runs.context_for(flow)))))
    stored = Event.objects.get(pk=run.event_id)
    found += [("preview", repr(preview.preview(flow, flow.draft, step["id"], stored))) for step in flow.draft["steps"]]
    found.append(("mail", alert_messages.mail_text(flow.workspace, list(Issue.objects.select_related("flow")))))
    records = [record for record in caplog.records if record.name != "werkzeug"]
    return [*found, *(("log", f"{record.getMessage()} {record.exc_text or ''}") for record in records)]


def answer(request: Request) -> Response:
    """By the path, and with what was called in no form that a secret could be found by."""
    return Response("no", 500 if "bad" in request.path else 200)


@pytest.mark.parametrize("template", a_few(TEMPLATES, FEW))
def test_no_piece_of_a_secret_is_kept_or_told(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    httpserver: HTTPServer,
    owner: Browser,
    caplog: pytest.LogCaptureFixture,
    template: str,
) -> None:
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(answer)
    variables.set_variable(workspace, "k", SECRET, secret=True)
    inputs = places(httpserver.url_for("/ok" if len(template) % 2 else "/bad").rstrip("/"), template)
    flow = live(document(inputs))
    (run,) = arrive(flow, EVENT)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert run.is_final
    assert run.attempts.count() == len(inputs) + 1
    assert template not in PLACED or httpserver.log
    assert leaked(SECRET, told(flow, run, owner, caplog)) == []


_WORDS = st.sampled_from(
    ["vars.k", "vars['k']", "(vars.k ~ 'x')", "vars.k[:3]", "vars.k[2:7]", "vars.k[::-1]", "[vars.k]"]
)
_FILTERS = st.sampled_from(
    "upper lower reverse trim urlencode base64_encode base64_decode tojson parse_json length list int float first last"
    " sha256 escape phone money('EUR') date_zone('UTC') title capitalize string lines default('x') replace('q','')"
    " date_add(days=1)"
    " join('/') map('upper') select('string') sort unique batch(2) truncate(7)".split()
)
_EXPRESSIONS = st.builds(lambda word, filters: " | ".join([word, *filters]), _WORDS, st.lists(_FILTERS, max_size=3))
_PARTS = st.one_of(
    st.sampled_from(["x", "/../", "?a=", "{{ event.body.id }}", "{{ vars.k }}", '"', "%", " "]),
    st.builds("{{{{ {} }}}}".format, _EXPRESSIONS),
    st.builds("{{% set a = {} %}}{{{{ a }}}}{{{{ a[0] }}}}".format, _EXPRESSIONS),
    st.builds("{{% for one in {} %}}{{{{ one }}}},{{% endfor %}}".format, _EXPRESSIONS),
    st.builds(
        "{{% if {} == 1 %}}{{{{ vars.k }}}}{{% else %}}{{{{ vars.k | lower }}}}{{% endif %}}".format, _EXPRESSIONS
    ),
    st.builds("{{{{ event.body[{}] }}}}".format, _EXPRESSIONS),
)
_TEMPLATES = st.lists(_PARTS, min_size=1, max_size=3).map(lambda parts: "".join(["{{ '' }}", *parts]))


@settings(
    max_examples=6,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(templates=st.lists(_TEMPLATES, min_size=1, max_size=1))
def test_no_piece_is_kept_or_told_of_what_any_template_makes(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    httpserver: HTTPServer,
    owner: Browser,
    caplog: pytest.LogCaptureFixture,
    templates: list[str],
) -> None:
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(answer)
    variables.set_variable(workspace, "k", SECRET, secret=True)
    url = httpserver.url_for("/ok").rstrip("/")
    flow = live(document([one for template in templates for one in places(url, template)]))
    (run,) = arrive(flow, EVENT)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert leaked(SECRET, told(flow, run, owner, caplog)) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_a_host_that_a_secret_went_into_is_neither_kept_nor_told(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    httpserver: HTTPServer,
    owner: Browser,
    caplog: pytest.LogCaptureFixture,
    *,
    is_there: bool,
) -> None:
    """Not by the request, nor by errors, nor by the list of destinations for which runs are held."""
    httpserver.expect_request("/").respond_with_data("down", 503)
    variables.set_variable(workspace, "k", HOST, secret=True)
    host = "{{ vars.k }}.example" if is_there else "{{ vars.k | upper }}.gone.example"
    waiting = {"retry": {"delays": ["1h"]}, "on_error": "stop"}
    flow = live(document([{"url": f"https://{host}/"}], **waiting))
    runs = arrive(flow, *[EVENT] * 30)

    work(walkers=walkers, linger=0)

    seen = [*told(flow, runs[0], owner, caplog), *told(flow, runs[-1], owner, caplog)]
    assert leaked(HOST, seen) == []
    assert {origin.partition("#")[0] for origin in workspace.destinations.values_list("origin", flat=True)} == {
        "https://••••••.example" if is_there else "https://••••••"
    }


@pytest.mark.parametrize("status", [200, 400, 503])
def test_of_what_a_connection_holds_nothing_is_kept_or_told(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    httpserver: HTTPServer,
    owner: Browser,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    """In URLs, queries, Basic and bearer headers, and as a signature; a service says it again in its own way."""
    word = "Zq7xKw8Jv3Tq5Wj9"
    hook = f"https://hooks.slack.com/services/T000/B000/{word}"

    def echo(request: Request) -> Response:
        return Response(
            json.dumps({"id": 1, "you": f"{request.full_path} {request.headers.get('Authorization')}"}), status
        )

    httpserver.expect_request(re.compile("/.*")).respond_with_handler(echo)
    names = ("hooks.slack.com", "api.trello.com", "api.twilio.com", "api.postmarkapp.com", "acme.zendesk.com")
    here = httpserver.url_for("").rstrip("/")
    sender = Sender(("127.0.0.0/8",), {f"https://{name}": here for name in names}, timeout=2.0)
    for name, connector, values in [
        ("Hook", "slack", {"webhook_url": hook}),
        ("Board", "trello", {"key": word, "token": word}),
        ("Phone", "twilio", {"account_sid": "AC" + "0" * 32, "auth_token": word}),
        ("Signs", "http", {"signing_secret": f"whsec_{word}{word}"}),
    ]:
        connections.set_connection(workspace, name, connector, values)
    signed = {"url": f"{here}/signed", "body": {"json": {"x": 1}}, "sign": "standard-webhooks"}
    texted = {"to": "+15005550006", "from": "+15005550001", "body": "hello"}
    source = document([])
    source["steps"] = [
        {**source["steps"][0], "id": f"s{number}", "action": action, "connection": connection, "inputs": inputs}
        for number, (action, connection, inputs) in enumerate(
            [
                ("slack.post_message", "Hook", {"text": "hello"}),
                ("trello.create_card", "Board", {"list_id": "5abbe4b7ddc1b351ef961414", "name": "Pack"}),
                ("http.request", "Signs", signed),
                ("twilio.send_sms", "Phone", texted),
            ]
        )
    ] + source["steps"][1:]
    flow = live(source)
    (run,) = arrive(flow, EVENT)

    work(walkers=WalkThreads(sender, most=8, limiter=Limiter(threads=16)), linger=0)

    assert leaked(word, told(flow, run, owner, caplog)) == []
    urls = {one.step: one.request["url"] for one in run.attempts.all()}
    assert urls["s0"] == "••••••"
    assert urls["s1"] == "https://api.trello.com/1/cards?key=••••••&token=••••••"
    assert urls["s2"] == f"{here}/signed"


def test_a_guess_is_masked_nowhere(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    httpserver: HTTPServer,
) -> None:
    """So that what a person writes doesn't tell whether it equals a secret: neither in dry runs nor in runs."""
    guesses = " ".join(f"{number:04}" for number in range(4_700, 4_720))
    httpserver.expect_request("/ok").respond_with_data("fine")
    connections.set_connection(workspace, "Signs", "http", {"signing_secret": "4711"})
    variables.set_variable(workspace, "pin", "4712", secret=True)
    sent = {
        "url": httpserver.url_for("/ok"),
        "body": {"text": f"{guesses} {{{{ vars.pin == '4712' }}}}{{{{ vars.pin }}}}"},
    }
    source = document([sent, {"url": httpserver.url_for("/ok"), "body": {"json": {"a": guesses, "n": 4712}}}])
    source["steps"][1]["connection"] = "Signs"
    source["steps"][-2]["inputs"] = {"text": "{{ event.body.guesses }}"}
    source["steps"].append({"id": "v", "kind": "set", "values": {"x": guesses, "y": 4711, "z": "{{ event.body }}"}})
    flow = live(source)
    body = json.dumps({"guesses": guesses, "n": [4711, 4712]}).encode()
    (run,) = arrive(flow, body)

    work(walkers=walkers, linger=0)

    dry = dry_runs.run(
        flow.draft, EventData(1, "POST", "", "{}", "application/json", body, 0), dry_runs.context_for(flow)
    )
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert dry["state"] == "succeeded"
    attempts = {one.step: one.request["body"] for one in run.attempts.all()}
    kept = {step["id"]: step for step in dry["steps"]}
    # Of the text that uses the secret, nothing is shown; of all others all is.
    assert attempts["s0"] == kept["s0"]["request"]["body"] == "••••••"
    assert (
        attempts["s1"] == kept["s1"]["request"]["body"] == json.dumps({"a": guesses, "n": 4712}, separators=(",", ":"))
    )
    assert json.loads(attempts["post"]) == json.loads(kept["post"]["request"]["body"]) == {"text": guesses}
    assert run.steps[-1]["outputs"] == kept["v"]["outputs"] == {"x": guesses, "y": 4711, "z": json.loads(body)}


def test_later_steps_see_a_mask_where_a_service_repeats_a_secret(
    workspace: Workspace,
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    httpserver: HTTPServer,
    owner: Browser,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """So that nothing that they make of it is kept; JSON may have it with its letters escaped."""

    def echo(request: Request) -> Response:
        text = request.get_data(as_text=True)
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in text)
        return Response(f'{{"you": "{escaped}", "n": 1}}', content_type="application/json")

    httpserver.expect_request("/ok").respond_with_handler(echo)
    variables.set_variable(workspace, "k", SECRET, secret=True)
    source = document([{"url": httpserver.url_for("/ok"), "body": {"text": "{{ vars.k }}"}}])
    source["title"] = "{{ event.body.id }}"
    source["steps"] += [
        {
            "id": "v",
            "kind": "set",
            "values": {"x": "{{ steps.s0.body.you | reverse | upper }}", "n": "{{ steps.s0.body.n }}"},
        },
        {"id": "f", "kind": "set", "values": {"x": "{{ steps.s0.body.you | reverse | date_add(days=1) }}"}},
    ]
    flow = live(source)
    (run,) = arrive(flow, EVENT)

    work(walkers=walkers, linger=0)

    assert leaked(SECRET, told(flow, run, owner, caplog)) == []
    run.refresh_from_db()
    (entry,) = (one for one in run.steps if one["id"] == "v")
    assert entry["outputs"] == {"x": "••••••", "n": 1}
    assert "needs a date, but got the text '••••••'" in run.reason
