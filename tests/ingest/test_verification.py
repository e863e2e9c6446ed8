"""Verification of senders over HTTP: signed requests, handshakes and unsigned requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django
from pytest_httpserver import HTTPServer

from relay import vault
from relay.connectors import registry
from relay.connectors.examples.loader import list_examples
from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.http_client import sender
from relay.ingest.application import Ingest
from relay.models import Event, Flow, Rejection, Run, RunState, TriggerSecret, Workspace, sealing
from tests.signatures.conftest import base64_of, hex_of
from tests.signatures.test_named import TOPIC, sns
from tests.support.genuine_requests import genuine_with
from tests.support.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
BODY = b'{"id": 1, "type": "order"}'
KEY = "s3cret-of-the-shop"


class IngestProcess:
    """One ingest process, which keeps its cached triggers from call to call."""

    def __init__(self) -> None:
        self._loop = asyncio.Runner()
        self._ingest = Ingest()

    def __call__(
        self, flow: Flow, body: bytes = BODY, *, method: str = "POST", query: str = "", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        path = f"/in/{flow.trigger.token}"
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        self._loop.run(self._ingest(scope, receive, send))
        names = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return sent[0]["status"], names, sent[1]["body"]

    def close(self) -> None:
        self._loop.run(self._ingest.close())
        self._loop.close()


@pytest.fixture
def ingest() -> Iterator[IngestProcess]:
    opened = IngestProcess()
    yield opened
    opened.close()


@pytest.fixture
def make(workspace: Workspace) -> Callable[..., Flow]:
    """A live flow with such a trigger and one secret, or none where it is ""."""

    def make(secret: Any = KEY, *, live: bool = True, **trigger: Any) -> Flow:
        document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [SAY]}
        flow = flow_lifecycle.import_document(workspace, document, publish_it=live)
        if secret:
            trigger_secrets.add(flow, secret if isinstance(secret, dict) else {"secret": secret})
        return flow

    return make


def github(body: bytes = BODY, key: str = KEY) -> str:
    return "sha256=" + hex_of(key, body)


def kept(ingest: IngestProcess) -> list[tuple[str, int, str]]:
    """What was turned away or answered as a handshake, once it is stored."""
    ingest.close()
    ingest.__init__()  # type: ignore[misc]
    return [(one.why, one.status, one.reason) for one in Rejection.objects.order_by("id")]


# Senders whose signature covers neither a time nor the URL.
@pytest.mark.parametrize(
    "key",
    ["asana", "github", "gitlab", "jira", "mailchimp", "mollie", "postmark", "shopify", "typeform", "woocommerce"],
)
def test_the_examples_of_a_sender_are_run(make: Callable[..., Flow], ingest: IngestProcess, key: str) -> None:
    given = list_examples(key)
    signed = [genuine_with(registry.preset(key), example.text.encode()) for example in given]
    flow = make(signed[0].secret, preset=key)

    for example, made in zip(given, signed, strict=True):
        headers = {name.replace("-", "_"): text for name, text in {**example.headers, **made.headers}.items()}
        status, _, _ = ingest(flow, made.body, query=made.query, **headers)
        assert 200 <= status < 300

    assert Run.objects.count() == len(given)
    assert Rejection.objects.count() == 0


def test_what_is_signed_is_run(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="github")

    status, _, body = ingest(flow, x_hub_signature_256=github(), x_github_event="push", x_github_delivery="1")

    assert status == 202
    assert json.loads(body) == {"event": Event.objects.get().ref}
    assert Run.objects.get().state == RunState.QUEUED


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "The header x-hub-signature-256 is missing"),
        ({"x_hub_signature_256": github(b"{}")}, "The signature does not match"),
        ({"x_hub_signature_256": "sha256="}, "The header x-hub-signature-256 holds no signature that can be read"),
    ],
)
def test_an_unsigned_request_gets_only_401(
    make: Callable[..., Flow], ingest: IngestProcess, headers: dict[str, str], reason: str
) -> None:
    flow = make(preset="github")

    status, _, body = ingest(flow, **headers)

    assert (status, body) == (401, b"")
    assert kept(ingest) == [("signature", 401, reason)]
    assert not Event.objects.exists()


@pytest.mark.parametrize("state", ["draft", "live", "paused"])
def test_every_state_verifies(make: Callable[..., Flow], ingest: IngestProcess, state: str) -> None:
    flow = make(preset="github", live=state != "draft")
    if state == "paused":
        flow_lifecycle.pause(flow)

    statuses = [ingest(flow)[0], ingest(flow, x_hub_signature_256=github())[0]]

    assert statuses == [401, 202]
    assert Event.objects.count() == 1


def test_without_a_secret_everything_is_refused(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make("", preset="github")

    status, _, _ = ingest(flow, x_hub_signature_256=github(key=""))

    assert status == 401


def test_an_unreadable_draft_refuses_every_request(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="github", live=False)
    flow_lifecycle.save_draft(flow, {**flow.draft, "trigger": {"kind": "webhook", "verify": {"scheme": 1}}})

    status, _, _ = ingest(flow, x_hub_signature_256=github())

    assert status == 401
    assert kept(ingest)[0][2] == "The trigger of this flow can't be read: open it in the editor and fix it"


def test_a_secret_that_is_changed_counts_at_once(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="github")
    assert ingest(flow, x_hub_signature_256=github())[0] == 202

    trigger_secrets.add(flow, {"secret": "another one"})
    trigger_secrets.end(TriggerSecret.objects.order_by("pk")[0])

    assert ingest(flow, x_hub_signature_256=github())[0] == 401, "its secret has ended"
    assert ingest(flow, x_hub_signature_256=github(key="another one"))[0] == 202


def test_a_lost_key_refuses_until_it_is_back(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow, keys, new = make("", preset="github"), sealing.ring(), vault.new_key()
    django.DATA.write_vault_keys([new, *keys])
    trigger_secrets.add(flow, {"secret": KEY})
    django.DATA.write_vault_keys(keys)
    sealing._rings.clear()

    without = ingest(flow, x_hub_signature_256=github())
    django.DATA.write_vault_keys([*keys, new])
    # A trigger that was read a moment ago is not read again.
    wait_until(lambda: ingest(flow, x_hub_signature_256=github())[0] == 202, what="it is verified again")
    django.DATA.write_vault_keys(keys)

    assert without[0] == 401
    assert "Put that key back" in kept(ingest)[0][2]


def test_both_secrets_count_while_one_is_being_replaced(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="github")
    trigger_secrets.add(flow, {"secret": "new one"}, until=datetime.now(UTC) + timedelta(days=1))

    statuses = [ingest(flow, x_hub_signature_256=github(key=key))[0] for key in (KEY, "new one", "third one")]

    assert statuses == [202, 202, 401]


def test_verification_that_is_switched_on_counts_for_the_very_next_request(
    make: Callable[..., Flow], ingest: IngestProcess
) -> None:
    flow = make("")
    assert ingest(flow)[0] == 202

    flow_lifecycle.save_draft(flow, {**flow.draft, "trigger": {"kind": "webhook", "preset": "github"}})
    flow_lifecycle.publish(flow)

    assert ingest(flow)[0] == 401
    assert Event.objects.count() == 1


def test_the_secret_and_the_url_survive_publishing(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="github")
    flow_lifecycle.publish(flow)

    assert ingest(flow, x_hub_signature_256=github())[0] == 202


def test_the_signed_url_is_the_public_one(make: Callable[..., Flow], ingest: IngestProcess, settings: Any) -> None:
    settings.PUBLIC_URL = "https://relay.example.com"
    flow = make(preset="square")
    signed = {
        host: base64_of(KEY.encode(), f"https://{host}/in/{flow.trigger.token}?a=1".encode() + BODY)
        for host in ("relay.example.com", "evil.example")
    }

    statuses = [
        ingest(flow, query="a=1", x_square_hmacsha256_signature=signed[host], host="evil.example")[0] for host in signed
    ]

    assert statuses == [202, 401]


def test_the_preset_deduplicates_and_answers(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="shopify")
    headers = {"x_shopify_hmac_sha256": base64_of(KEY.encode(), BODY), "x_shopify_webhook_id": "b545"}

    first, second = ingest(flow, **headers), ingest(flow, **headers)

    assert (first[0], first[2]) == (200, b"")
    assert second[1]["relay-duplicate"] == "true"
    assert Event.objects.count() == 1


def test_the_document_overrides_its_preset(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make("", preset="github", verify={"scheme": "none"}, response={"status": 201, "body": "thanks"})

    status, _, body = ingest(flow)

    assert (status, body) == (201, b"thanks")


def now() -> str:
    return str(int(time.time()))


@pytest.mark.parametrize(
    ("verify", "secret", "right", "wrong"),
    [
        ({"scheme": "header", "header": "X-Token"}, KEY, {"x_token": KEY}, {"x_token": KEY[:-1]}),
        (
            {"scheme": "basic"},
            {"username": "u", "password": "pass"},
            {"authorization": "Basic dTpwYXNz"},
            {"authorization": "Basic dTpw"},
        ),
        (
            {"scheme": "hmac", "header": "X-Sig", "algorithm": "sha512", "encoding": "base64", "prefix": "v1="},
            KEY,
            {"x_sig": "v1=" + base64_of(KEY.encode(), BODY, "sha512")},
            {"x_sig": base64_of(KEY.encode(), BODY, "sha512")},
        ),
        (
            {"scheme": "hmac", "header": "X-Sig", "signed": "{timestamp}.{body}", "timestamp": "X-At", "tolerance": 60},
            KEY,
            {"x_at": "{now}", "x_sig": "{hex}"},
            {"x_at": "1700000000", "x_sig": hex_of(KEY, b"1700000000." + BODY)},
        ),
        (
            {"scheme": "standard_webhooks"},
            "whsec_c2VjcmV0",
            {
                "webhook_id": "1",
                "webhook_timestamp": "{now}",
                "webhook_signature": "v1,{standard}",
            },
            {"webhook_id": "1"},
        ),
    ],
)
def test_generic_schemes(
    make: Callable[..., Flow],
    ingest: IngestProcess,
    verify: dict[str, Any],
    secret: Any,
    right: dict[str, str],
    wrong: dict[str, str],
) -> None:
    flow = make(secret, verify=verify)
    # Signed now: the table was read when the tests were collected.
    stamp = now()
    dotted = stamp.encode() + b"." + BODY
    filled = {"now": stamp, "hex": hex_of(KEY, dotted), "standard": base64_of(b"secret", b"1." + dotted)}
    signed = {name: value.format(**filled) for name, value in right.items()}

    assert [ingest(flow, **headers)[0] for headers in (signed, wrong, {})] == [202, 401, 401]


def test_secrets_that_are_sent_are_not_stored(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    by_header, by_query = make(preset="gitlab"), make(preset="mailchimp")

    ingest(by_header, x_gitlab_token=KEY, x_gitlab_event="Push Hook")
    ingest(by_query, query=f"a=1&secret={KEY}")
    ingest(by_query, query="secret=nearly")

    assert [event.headers.get("x-gitlab-token") for event in Event.objects.filter(flow=by_header)] == ["••••••"]
    assert [event.query for event in Event.objects.filter(flow=by_query)] == ["a=1&secret=••••••"]
    assert kept(ingest)
    assert Rejection.objects.get().query == "secret=••••••"


def test_a_tolerance_of_its_own(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    stamp = str(int(time.time()) - 200).encode()
    header = f"ts={stamp.decode()};h1={hex_of(KEY, stamp + b':' + BODY)}"
    strict, patient = make(preset="paddle"), make(preset="paddle", verify={"tolerance": 600})

    assert [ingest(flow, paddle_signature=header)[0] for flow in (strict, patient)] == [401, 200]


def test_a_handshake_is_answered_starts_nothing_and_is_shown(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="dropbox")

    status, headers, body = ingest(flow, b"", method="GET", query="challenge=abc")

    assert (status, body) == (200, b"abc")
    assert headers["content-type"].startswith("text/plain")
    assert headers["x-content-type-options"] == "nosniff"
    assert kept(ingest) == [("handshake", 200, "Dropbox asked whether this URL is yours, and was answered")]
    assert not Event.objects.exists()


def test_what_is_no_handshake_is_a_wrong_method(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="mailgun")

    assert ingest(flow, b"", method="GET")[0] == 405


def test_a_handshake_that_is_signed_is_verified_first(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make(preset="slack")
    body = b'{"type": "url_verification", "challenge": "3eZbrw1aB"}'
    stamp = now()
    signature = "v0=" + hex_of(KEY, b"v0:" + stamp.encode() + b":" + body)

    unsigned = ingest(flow, body)
    signed = ingest(flow, body, x_slack_request_timestamp=stamp, x_slack_signature=signature)

    assert unsigned[0] == 401
    assert (signed[0], signed[2]) == (200, b"3eZbrw1aB")
    assert not Event.objects.exists()


def test_metas_verify_token_is_another_secret(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make({"secret": "app", "verify_token": "tok-en"}, preset="meta")
    asked = "hub.mode=subscribe&hub.challenge=115&hub.verify_token="

    right = ingest(flow, b"", method="GET", query=asked + "tok-en")
    wrong = ingest(flow, b"", method="GET", query=asked + "app")

    assert (right[0], right[2]) == (200, b"115")
    assert wrong[0] == 403
    assert ingest(flow, x_hub_signature_256=github(key="app"))[0] == 200
    assert kept(ingest)
    assert "tok-en" not in str(list(Rejection.objects.values_list("query", flat=True)))


def test_a_secret_is_taken_from_the_first_handshake_alone(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make("", preset="asana")

    first = ingest(flow, b"{}", x_hook_secret="b537207f20cbfa02")
    second = ingest(flow, b"{}", x_hook_secret="ffffffffffffffff")
    event = ingest(flow, x_hook_signature=hex_of("b537207f20cbfa02", BODY))

    assert (first[0], first[1]["x-hook-secret"]) == (200, "b537207f20cbfa02")
    assert second[0] == 401
    assert event[0] == 200
    secret = TriggerSecret.objects.get()
    assert (secret.unseal(), secret.by_handshake) == ({"secret": "b537207f20cbfa02"}, True)
    assert kept(ingest)
    assert "b537" not in str(list(Rejection.objects.values_list("headers", flat=True)))


def test_a_token_in_the_body_is_kept_sealed_alone(make: Callable[..., Flow], ingest: IngestProcess) -> None:
    flow = make("", preset="notion")

    status, _, _ = ingest(flow, b'{"verification_token": "secret_tMrlL1qK5vuQ"}')

    assert status == 200
    assert flow.trigger.secrets.get().unseal() == {"secret": "secret_tMrlL1qK5vuQ"}
    assert kept(ingest)
    assert bytes(Rejection.objects.get().body) == '{"verification_token": "••••••"}'.encode()


@pytest.fixture
def sns_server(httpserver: HTTPServer, settings: Any) -> Iterator[HTTPServer]:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CONNECTOR_URLS = {"https://sns.eu-west-1.amazonaws.com": httpserver.url_for("").rstrip("/")}
    sender.cache_clear()
    yield httpserver
    sender.cache_clear()


def test_a_subscription_is_confirmed(make: Callable[..., Flow], ingest: IngestProcess, sns_server: HTTPServer) -> None:
    flow = make(TOPIC, preset="aws_sns")
    asked, certificate = sns(until=int(time.time()) + 60)
    sns_server.expect_oneshot_request("/SimpleNotificationService-abc.pem").respond_with_data(certificate)
    sns_server.expect_oneshot_request("/", query_string="Action=ConfirmSubscription&Token=t").respond_with_data("ok")

    status, _, _ = ingest(flow, asked.body, content_type="text/plain")

    assert status == 200
    sns_server.check_assertions()
    assert [request.path for request, _ in sns_server.log] == ["/SimpleNotificationService-abc.pem", "/"]
    assert not Event.objects.exists()


def test_a_key_that_cant_be_fetched_asks_for_patience(
    make: Callable[..., Flow], ingest: IngestProcess, sns_server: HTTPServer
) -> None:
    flow = make(TOPIC, preset="aws_sns")
    asked, _ = sns(SigningCertURL="https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-gone.pem")
    sns_server.expect_request("/SimpleNotificationService-gone.pem").respond_with_data("no", status=500)

    status, headers, _ = ingest(flow, asked.body)

    assert (status, headers["retry-after"]) == (503, "10")
    assert not Rejection.objects.exists()
