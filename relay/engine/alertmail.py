"""Alerts by mail: what is due of a workspace goes in one letter, sent by a thread and noted by upkeep."""

from __future__ import annotations

import threading
from collections.abc import Container
from dataclasses import dataclass

import structlog

from relay.engine import alertwords, mailing, sql
from relay.errors import RelayError
from relay.models import Issue, Membership, Role, Workspace

log = structlog.get_logger()

# Who sends a letter has it for so long; after a crash it is sent again then.
LEASE = 120_000_000  # microseconds
# A server that doesn't take it is asked again after this, and then after twice as long each time, up to an hour.
FIRST_DELAY = 60_000_000
LONGEST_DELAY = 3_600_000_000
# A workspace gets no more than one letter in this time: what fails in a row goes in the next one.
REST = 60_000_000
LAST_WAIT = 5.0  # seconds for which the end of Relay waits for a letter under way
# Later than one can be due: the clock was set back.
_DUE = "(mail_at <= %s OR mail_at > %s)"


@dataclass(slots=True)
class Letter:
    """One mail under way. `until`: the end of its lease, which its issues carry."""

    workspace_id: int
    issues: list[int]
    tries: int
    until: int
    thread: threading.Thread | None = None
    error: str = "it broke off"


class Postman:
    """Sends one letter at a time."""

    def __init__(self) -> None:
        self._letter: Letter | None = None
        self._resting: dict[int, int] = {}  # workspaces that were written to lately, and when

    def go_on(self, now: int) -> None:
        """Note what became of the letter under way, and send the next one that is due by `now`."""
        if self._letter is not None and not self._is_done(self._letter, now):
            return
        self._resting = {workspace: at for workspace, at in self._resting.items() if 0 <= now - at < REST}
        self._letter = _next(now, self._resting) if mailing.is_on() else None
        if self._letter is not None:
            self._resting[self._letter.workspace_id] = now

    def finish(self, seconds: float = LAST_WAIT) -> None:
        """Wait so long for the letter under way, and note what became of it."""
        if self._letter is None:
            return
        if self._letter.thread is not None:
            self._letter.thread.join(seconds)
        if self._is_done(self._letter, sql.now()):
            self._letter = None

    def _is_done(self, letter: Letter, now: int) -> bool:
        if letter.thread is not None and letter.thread.is_alive():
            if letter.until - now < LEASE // 2:
                _renew(letter, now)
            return False
        _note(letter, now)
        return True


def _next(now: int, resting: Container[int]) -> Letter | None:
    """Take what is due of one workspace, but for those that rest, and send it; None where nothing is."""
    limits = (now, now + 2 * LONGEST_DELAY)
    due = sql.fetch(f"SELECT workspace_id FROM relay_issue WHERE {_DUE} GROUP BY workspace_id", limits)
    workspace_id = next((row[0] for row in due if row[0] not in resting), None)
    if workspace_id is None:
        return None
    until = now + LEASE
    mine = f"SELECT id FROM relay_issue WHERE workspace_id = %s AND {_DUE}{sql.locking()}"
    taken = sql.fetch(
        f"UPDATE relay_issue SET mail_at = %s WHERE id IN ({mine}) RETURNING id, mail_tries",
        (until, workspace_id, *limits),
    )
    if not taken:
        return None  # another upkeep was quicker
    letter = Letter(workspace_id, [row[0] for row in taken], max(row[1] for row in taken), until)
    _send(letter)
    return letter


def _send(letter: Letter) -> None:
    rows = Issue.objects.filter(pk__in=letter.issues).select_related("flow").order_by("-count", "pk")
    found = list(rows)
    to = addresses(letter.workspace_id)
    if not found or not to:
        letter.error = ""
        return
    workspace = Workspace.objects.get(pk=letter.workspace_id)
    subject, text = alertwords.subject(workspace, found), alertwords.letter(workspace, found)
    letter.thread = threading.Thread(target=_deliver, args=(letter, to, subject, text), name="mail", daemon=True)
    letter.thread.start()


def addresses(workspace_id: int) -> list[str]:
    """Of those who can do something about it."""
    able = Membership.objects.filter(workspace_id=workspace_id, role__in=(Role.OWNER, Role.EDITOR))
    return list(able.filter(user__is_active=True).order_by("pk").values_list("user__email", flat=True))


def _deliver(letter: Letter, addresses: list[str], subject: str, text: str) -> None:
    """In a thread, which touches no database."""
    try:
        mailing.send_alert(addresses, subject, text)
    except RelayError as error:
        letter.error = str(error)
    except Exception as error:
        log.exception("alert.mail_broke")
        letter.error = type(error).__name__
    else:
        letter.error = ""


def _renew(letter: Letter, now: int) -> None:
    until, letter.until = letter.until, now + LEASE
    _change(letter, until, "mail_at = %s", (letter.until,))


def _note(letter: Letter, now: int) -> None:
    if not letter.error:
        _change(letter, letter.until, "mail_at = NULL, mail_tries = 0", ())
        return
    delay = min(FIRST_DELAY << min(letter.tries, 10), LONGEST_DELAY)
    log.warning("alert.mail_waits", issues=len(letter.issues), tries=letter.tries + 1, seconds=delay // 1_000_000)
    _change(letter, letter.until, "mail_at = %s, mail_tries = %s", (now + delay, letter.tries + 1))


def _change(letter: Letter, until: int, change: str, values: tuple[int, ...]) -> None:
    """Change what still is this letter's: not what was resolved or muted meanwhile."""
    still = f"mail_at = %s AND id IN ({sql.marks(len(letter.issues))})"
    sql.execute(
        f"UPDATE relay_issue SET {change} WHERE id IN (SELECT id FROM relay_issue WHERE {still}{sql.locking()})",
        (*values, until, *letter.issues),
    )
