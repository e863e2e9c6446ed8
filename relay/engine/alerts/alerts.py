"""Sends alerts for issues: an event to the workspace's alert flow, and mail to owners and editors.

Whether an alert is due is a column, which a conditional UPDATE claims: of two upkeeps only one sends it, and after a
crash it is sent again. The event is stored in the transaction that claims the alert. A thread sends the mail, so that
a slow or unreachable mail server does not delay upkeep; it is retried until a server has accepted it.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
import structlog
from django.db.models.functions import Coalesce

from relay import queues
from relay.engine import audit
from relay.engine.alerts import alert_mail, alert_messages, issues
from relay.engine.database import statements
from relay.engine.database.write_lock import write_transaction
from relay.engine.intake import internal_events
from relay.engine.intake.event_data import EventData
from relay.engine.people import mailer
from relay.engine.settle.issue_counting import ALERT_DELAY
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.models import Event, Flow, Issue, Run, Workspace

log = structlog.get_logger()

ROUND_ISSUES = 50  # alerts of one round
RESOLVE_EVERY = 15.0  # seconds between two searches for issues that can be resolved


class Alerts:
    """The work of upkeep on alerts, in rounds."""

    def __init__(self) -> None:
        self._mailer = alert_mail.AlertMailer()
        self._resolve_at = 0.0

    def tick(self) -> None:
        """Do one round."""
        send_due(statements.now())
        self._mailer.tick(statements.now())
        if time.monotonic() >= self._resolve_at:
            self._resolve_at = time.monotonic() + RESOLVE_EVERY
            issues.resolve_finished(statements.now())

    def finish(self) -> None:
        """Wait a moment for the mail that is being sent, and store its result."""
        self._mailer.finish()


def send_due(now: int) -> int:
    """Send the alerts that are due by `now` (microseconds since 1970); return their number."""
    # An alert that is due too far ahead was stored before the clock was set back.
    due = statements.fetch(
        "SELECT id, alert_at FROM relay_issue WHERE alert_at <= %s OR alert_at > %s"
        f" ORDER BY alert_at LIMIT {ROUND_ISSUES}",
        (now, now + 2 * ALERT_DELAY),
    )
    sent = sum(_send(issue_id, alert_at, now) for issue_id, alert_at in due)
    if sent:
        queues.wake_worker()
    return sent


def _send(issue_id: int, alert_at: int, now: int) -> bool:
    with write_transaction():
        mail_at = {"mail_at": Coalesce("mail_at", now)} if mailer.is_on() else {}
        claimable = Issue.objects.filter(pk=issue_id, alert_at=alert_at)
        if not claimable.update(alert_at=None, alerted_at=now, **mail_at):
            return False
        issue = Issue.objects.select_related("flow", "workspace").filter(pk=issue_id).first()
        if issue is not None:
            _send_event(issue)
    return True


def _send_event(issue: Issue) -> None:
    """Send an event to the alert flow, except about its own failures, which would never end."""
    flow_id = issue.workspace.alert_flow_id
    if flow_id is None or flow_id == issue.flow_id:
        return
    flow = Flow.objects.select_related("trigger").get(pk=flow_id)
    try:
        internal_events.start_by_alert(flow, alert_messages.event_body(issue), _cause(issue))
    except RelayError as error:
        log.warning("alert.event_not_sent", flow=flow_id, issue=issue.ref, reason=str(error))


def _cause(issue: Issue) -> EventData | None:
    """The event of the newest run that the issue counts."""
    event_id = Run.objects.filter(issue_id=issue.pk).order_by("-id").values_list("event_id", flat=True).first()
    row = Event.objects.filter(pk=event_id).first() if event_id else None
    if row is None:
        return None
    headers = msgspec.json.encode(row.headers).decode()
    return EventData(row.pk, row.method, row.query, headers, row.content_type, b"", 0)


def set_alert_flow(workspace: Workspace, flow: Flow | None) -> None:
    """Send the workspace's alerts to a flow, as events of its trigger; None: to no flow."""
    if flow is not None:
        if flow.workspace_id != workspace.pk:
            raise RelayError("This flow is in another workspace")
        if flow.live_version is None:
            raise RelayError("This flow is a draft: publish it first")
        if trigger_settings(flow.live_version.document).kind == "schedule":
            raise RelayError("This flow starts on a schedule; choose one that starts with a request, or by hand")
    workspace.alert_flow = flow
    workspace.save(update_fields=["alert_flow"])
    change = "Alerts go to no flow" if flow is None else f"Alerts go to “{flow}”"
    audit.note(workspace, "workspace.alert_flow", flow or "", ref=flow.pk if flow else "", change=change)


def recipients(workspace: Workspace) -> dict[str, Any]:
    """Who gets alerts: {"flow": {"id", "name"} or None, "mail": addresses}; no addresses without a mail server."""
    flow = workspace.alert_flow
    mail = alert_mail.addresses(workspace.pk) if mailer.is_on() else []
    return {"flow": None if flow is None else {"id": flow.pk, "name": flow.name}, "mail": mail}


_alerts = Alerts()
tick = _alerts.tick
finish = _alerts.finish
