"""Alerts: of issues that are due the workspace's alert flow is told by an event, owners and editors by mail.

What is due is a column, and is taken by a conditional UPDATE: of two upkeeps one tells, and a crash repeats what was
under way. The event is stored in the transaction that notes it; mail is sent by a thread, so that no server that is
slow or away holds up upkeep, and it is due again until one has taken it.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.db.models.functions import Coalesce

from relay import queues
from relay.engine import alertmail, alertwords, audit, issues, mailing, sql, starting
from relay.engine.grouping import GATHERED
from relay.engine.turns import writing
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.models import Flow, Issue, Workspace

log = structlog.get_logger()

A_ROUND = 50  # issues told in one round
LOOK_EVERY = 15.0  # seconds between two looks at what is over


class Alerts:
    """What upkeep does for alerts, round by round."""

    def __init__(self) -> None:
        self._postman = alertmail.Postman()
        self._look_at = 0.0

    def go_on(self) -> None:
        """One round."""
        tell(sql.now())
        self._postman.go_on(sql.now())
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY
            issues.resolve_what_is_over(sql.now())

    def finish(self) -> None:
        """Wait a moment for the mail that is under way, and note what became of it."""
        self._postman.finish()


def tell(now: int) -> int:
    """Tell of the issues whose alert is due by `now` (microseconds since 1970); how many."""
    # Later than one can be due: the clock was set back.
    due = sql.fetch(
        f"SELECT id, alert_at FROM relay_issue WHERE alert_at <= %s OR alert_at > %s ORDER BY alert_at LIMIT {A_ROUND}",
        (now, now + 2 * GATHERED),
    )
    told = sum(_tell(number, alert_at, now) for number, alert_at in due)
    if told:
        queues.ring()
    return told


def _tell(number: int, alert_at: int, now: int) -> bool:
    with writing():
        mail_at = {"mail_at": Coalesce("mail_at", now)} if mailing.is_on() else {}
        mine = Issue.objects.filter(pk=number, alert_at=alert_at)
        if not mine.update(alert_at=None, alerted_at=now, **mail_at):
            return False
        issue = Issue.objects.select_related("flow", "workspace").filter(pk=number).first()
        if issue is not None:
            _send_event(issue)
    return True


def _send_event(issue: Issue) -> None:
    """Tell the alert flow; of its own failures it is not told, for that would go on for ever."""
    flow_id = issue.workspace.alert_flow_id
    if flow_id is None or flow_id == issue.flow_id:
        return
    flow = Flow.objects.select_related("trigger").get(pk=flow_id)
    try:
        starting.by_alert(flow, alertwords.event(issue))
    except RelayError as error:
        log.warning("alert.not_told", flow=flow_id, issue=issue.ref, reason=str(error))


def choose_flow(workspace: Workspace, flow: Flow | None) -> None:
    """Have a flow of the workspace told of issues, by events of its trigger; None: no flow."""
    if flow is not None:
        if flow.workspace_id != workspace.pk:
            raise RelayError("This flow is in another workspace")
        if flow.live_version is None:
            raise RelayError("This flow is a draft: publish it first")
        if trigger_settings(flow.live_version.document).kind == "schedule":
            raise RelayError("This flow starts by the clock; choose one that starts with a request, or by hand")
    workspace.alert_flow = flow
    workspace.save(update_fields=["alert_flow"])
    change = "Issues are told to no flow" if flow is None else f"Issues are told to “{flow}”"
    audit.note(workspace, "workspace.alert_flow", flow or "", ref=flow.pk if flow else "", change=change)


def who_is_told(workspace: Workspace) -> dict[str, Any]:
    """{"flow": {"id", "name"} or None, "mail": addresses}; no addresses where there is no mail server."""
    flow = workspace.alert_flow
    mail = alertmail.addresses(workspace.pk) if mailing.is_on() else []
    return {"flow": None if flow is None else {"id": flow.pk, "name": flow.name}, "mail": mail}


_alerts = Alerts()
go_on = _alerts.go_on
finish = _alerts.finish
