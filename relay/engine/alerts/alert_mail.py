"""Sends the due alerts of a workspace in one mail, from a thread; upkeep stores the result."""

from __future__ import annotations

import threading
from collections.abc import Container
from dataclasses import dataclass

import structlog

from relay.engine.alerts import alert_messages
from relay.engine.database import statements
from relay.engine.people import mailer
from relay.errors import RelayError
from relay.models import Issue, Membership, Role, Workspace

log = structlog.get_logger()

# Times are in microseconds.
# The time for which a mail belongs to the process that sends it; after a crash it is sent again then.
LEASE = 120_000_000
# A failed mail is retried after this delay, which doubles with each try up to an hour.
FIRST_DELAY = 60_000_000
MAX_DELAY = 3_600_000_000
# A workspace gets at most one mail in this time; issues that become due meanwhile go into the next one.
MAIL_INTERVAL = 60_000_000
SHUTDOWN_SECONDS = 5.0  # for which a process that ends waits for the mail that is being sent
# A time that is too far ahead was stored before the clock was set back.
_DUE = "(mail_at <= %s OR mail_at > %s)"


@dataclass(slots=True)
class AlertMail:
    """A mail that is being sent. `until`: the end of its lease, which is also stored in its issues."""

    workspace_id: int
    issues: list[int]
    tries: int
    until: int
    thread: threading.Thread | None = None
    error: str = "it was interrupted"


class AlertMailer:
    """Sends one mail at a time."""

    def __init__(self) -> None:
        self._mail: AlertMail | None = None
        self._last_sent: dict[int, int] = {}  # times by workspace

    def tick(self, now: int) -> None:
        """Store the result of the mail that was being sent, and send the next one that is due by `now`."""
        if self._mail is not None and not self._is_done(self._mail, now):
            return
        self._last_sent = {
            workspace_id: at for workspace_id, at in self._last_sent.items() if 0 <= now - at < MAIL_INTERVAL
        }
        self._mail = _next(now, self._last_sent) if mailer.is_on() else None
        if self._mail is not None:
            self._last_sent[self._mail.workspace_id] = now

    def finish(self, seconds: float = SHUTDOWN_SECONDS) -> None:
        """Wait up to `seconds` for the mail that is being sent, and store its result."""
        if self._mail is None:
            return
        if self._mail.thread is not None:
            self._mail.thread.join(seconds)
        if self._is_done(self._mail, statements.now()):
            self._mail = None

    def _is_done(self, mail: AlertMail, now: int) -> bool:
        if mail.thread is not None and mail.thread.is_alive():
            if mail.until - now < LEASE // 2:
                _renew(mail, now)
            return False
        _store_result(mail, now)
        return True


def _next(now: int, excluded: Container[int]) -> AlertMail | None:
    """Claim and send the due alerts of one workspace that is not excluded; None if nothing is due."""
    limits = (now, now + 2 * MAX_DELAY)
    due = statements.fetch_values(f"SELECT workspace_id FROM relay_issue WHERE {_DUE} GROUP BY workspace_id", limits)
    workspace_id = next((due_id for due_id in due if due_id not in excluded), None)
    if workspace_id is None:
        return None
    until = now + LEASE
    mine = f"SELECT id FROM relay_issue WHERE workspace_id = %s AND {_DUE}{statements.lock_clause()}"
    taken = statements.fetch(
        f"UPDATE relay_issue SET mail_at = %s WHERE id IN ({mine}) RETURNING id, mail_tries",
        (until, workspace_id, *limits),
    )
    if not taken:
        return None  # another upkeep has claimed them
    mail = AlertMail(workspace_id, [issue_id for issue_id, _ in taken], max(tries for _, tries in taken), until)
    _send(mail)
    return mail


def _send(mail: AlertMail) -> None:
    rows = Issue.objects.filter(pk__in=mail.issues).select_related("flow").order_by("-count", "pk")
    issues = list(rows)
    to = addresses(mail.workspace_id)
    if not issues or not to:
        mail.error = ""
        return
    workspace = Workspace.objects.get(pk=mail.workspace_id)
    subject, text = alert_messages.subject(workspace, issues), alert_messages.mail_text(workspace, issues)
    mail.thread = threading.Thread(target=_deliver, args=(mail, to, subject, text), name="mail", daemon=True)
    mail.thread.start()


def addresses(workspace_id: int) -> list[str]:
    """The addresses of owners and editors, who can act on an alert."""
    members = Membership.objects.filter(workspace_id=workspace_id, role__in=(Role.OWNER, Role.EDITOR))
    return list(members.filter(user__is_active=True).order_by("pk").values_list("user__email", flat=True))


def _deliver(mail: AlertMail, addresses: list[str], subject: str, text: str) -> None:
    """Send a mail and keep its error. Runs in a thread, which must not use the database."""
    try:
        mailer.send_alert(addresses, subject, text)
    except RelayError as error:
        mail.error = str(error)
    except Exception as error:
        log.exception("alert.mail_broke")
        mail.error = type(error).__name__
    else:
        mail.error = ""


def _renew(mail: AlertMail, now: int) -> None:
    until, mail.until = mail.until, now + LEASE
    _update(mail, until, "mail_at = %s", (mail.until,))


def _store_result(mail: AlertMail, now: int) -> None:
    if not mail.error:
        _update(mail, mail.until, "mail_at = NULL, mail_tries = 0", ())
        return
    delay = min(FIRST_DELAY << min(mail.tries, 10), MAX_DELAY)
    log.warning("alert.mail_waits", issues=len(mail.issues), tries=mail.tries + 1, seconds=delay // 1_000_000)
    _update(mail, mail.until, "mail_at = %s, mail_tries = %s", (now + delay, mail.tries + 1))


def _update(mail: AlertMail, until: int, change: str, values: tuple[int, ...]) -> None:
    """Update the issues that still belong to this mail: not those that were resolved or muted meanwhile."""
    still = f"mail_at = %s AND id IN ({statements.marks(len(mail.issues))})"
    statements.execute(
        f"UPDATE relay_issue SET {change}"
        f" WHERE id IN (SELECT id FROM relay_issue WHERE {still}{statements.lock_clause()})",
        (*values, until, *mail.issues),
    )
