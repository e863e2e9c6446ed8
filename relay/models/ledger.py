"""The ledger: what arrived, what became of it, and every try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.choosing import RunQuerySet
from relay.models.fields import JsonText, MomentField
from relay.models.flows import Flow, Version

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

# The ledger's rows are written by plain SQL, many at a time; their parents are checked by the engine, not by
# constraints, which cost a look-up a row and lock the parent on PostgreSQL.
_FREE: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


class EventState(models.TextChoices):
    ACCEPTED = "accepted", "Accepted"  # it has a run
    CAPTURED = "captured", "Captured"  # the flow was a draft


class RunState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    HELD = "held", "Held"
    FILTERED = "filtered", "Filtered"
    SUCCEEDED = "succeeded", "Succeeded"
    PARTLY_FAILED = "partly_failed", "Partly failed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class HeldBy(models.TextChoices):
    """Why a run is held; what has to happen is said by its `reason`."""

    PAUSE = "pause", "The flow is paused"
    DESTINATION = "destination", "Its destination keeps failing"
    CREDENTIAL = "credential", "Its connection's credential is refused"
    KEY = "key", "The key of a secret that it needs is lost"
    UNKNOWN = "unknown", "Nobody knows whether it was done"


class AttemptState(models.TextChoices):
    SUCCEEDED = "succeeded", "Succeeded"
    RETRY = "retry", "To be tried again"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"


class Event(models.Model):
    """One thing that arrived: raw bytes, headers, query. Never changed."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, related_name="events", db_index=False, **_FREE)
    flow = models.ForeignKey(Flow, related_name="events", db_index=False, **_FREE)
    state = models.CharField(max_length=10, choices=EventState.choices)
    received_at = MomentField()
    method = models.CharField(max_length=10)
    query = models.TextField(blank=True, default="")
    headers = JsonText()
    content_type = models.CharField(max_length=255, blank=True, default="")
    body = models.BinaryField(default=b"")
    remote = models.CharField(max_length=45, blank=True, default="")

    if TYPE_CHECKING:
        flow_id: int
        workspace_id: int
        runs: RelatedManager[Run]

    class Meta:
        indexes = (models.Index(fields=["flow", "id"], name="event_flow"),)

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        return ids.text(self.pk)


class Run(models.Model):
    """One event going through one version. Either final (`due_at` is null), held, or due at some time.

    Held and due: nobody knows whether its action was done, and the service is asked then (engine/doubts.py).
    """

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, related_name="runs", db_index=False, **_FREE)
    flow = models.ForeignKey(Flow, related_name="runs", db_index=False, **_FREE)
    version = models.ForeignKey(Version, related_name="runs", db_index=False, **_FREE)
    event = models.ForeignKey(Event, related_name="runs", **_FREE)
    replay_of: Any = models.ForeignKey("self", null=True, related_name="replays", db_index=False, **_FREE)
    state = models.CharField(max_length=13, choices=RunState.choices, default=RunState.QUEUED)
    due_at = MomentField(null=True)
    fence = models.IntegerField(default=0)
    tries = models.IntegerField(default=0, help_text="tries made of the action it waits for")
    title = models.CharField(max_length=200, blank=True, default="")
    reason = models.TextField(blank=True, default="", help_text="why it failed, waits or is held")
    trail = JsonText(null=True, help_text="the steps walked so far: shape in engine/walk.py")
    finished_at = MomentField(null=True)
    held_by = models.CharField(max_length=11, choices=HeldBy.choices, blank=True, default="", db_default="")
    # The destination that holds it, or for which it is the probe.
    destination_id = models.BigIntegerField(null=True)
    # Of flows that keep order: runs of one key go one after the other.
    order_key = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null keeps it out of the index
    # The action that must not be done twice and is about to be sent, and the fence under which it may be; below 0 none.
    marked_step = models.CharField(max_length=64, blank=True, default="", db_default="")
    marked_fence = models.IntegerField(null=True)
    part = models.IntegerField(null=True, help_text="which element of an event that was split, from 1")
    batch_id = models.BigIntegerField(null=True, help_text="the replay of many that made it")
    issue_id = models.BigIntegerField(null=True, help_text="the issue that it was counted in last")

    objects = RunQuerySet.as_manager()

    if TYPE_CHECKING:
        workspace_id: int
        flow_id: int
        version_id: int
        event_id: int
        replay_of_id: int | None
        attempts: RelatedManager[Attempt]
        replays: RelatedManager[Run]

    class Meta:
        indexes = (
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="run_due"),
            models.Index(fields=["workspace", "id"], name="run_workspace"),
            models.Index(fields=["flow", "id"], name="run_flow"),
            models.Index(fields=["replay_of"], condition=models.Q(replay_of__isnull=False), name="run_replay"),
            models.Index(
                fields=["destination_id", "id"],
                condition=models.Q(destination_id__isnull=False),
                name="run_destination",
            ),
            models.Index(
                fields=["flow", "order_key", "id"],
                condition=models.Q(order_key__isnull=False, finished_at__isnull=True),
                name="run_order",
            ),
            models.Index(fields=["flow", "due_at"], condition=models.Q(due_at__isnull=False), name="run_flow_due"),
            models.Index(fields=["flow", "id"], condition=models.Q(state="held"), name="run_held"),
            models.Index(fields=["batch_id"], condition=models.Q(batch_id__isnull=False), name="run_batch"),
            models.Index(fields=["issue_id", "state"], condition=models.Q(issue_id__isnull=False), name="run_issue"),
            # Written once a run, as it ends; with the flow, so that its runs of a state are told by the index alone.
            models.Index(
                fields=["workspace", "state", "id", "flow"],
                condition=models.Q(finished_at__isnull=False),
                name="run_final",
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        return ids.text(self.pk)

    @property
    def is_final(self) -> bool:
        # Not by `due_at`: held runs have none, and those that wait for their turn.
        return self.state not in {RunState.QUEUED, RunState.RUNNING, RunState.WAITING, RunState.HELD}

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.trail or []

    @property
    def has_failures(self) -> bool:
        """Whether a step failed, be it that the run went on behind it."""
        return any(entry["state"] == "failed" for entry in self.steps)


class Seen(models.Model):
    """A de-duplication key that came to a flow: what comes with it again before `until` is the same event."""

    flow = models.ForeignKey(Flow, related_name="seen", db_index=False, **_FREE)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the key")
    event_id = models.BigIntegerField()
    until = MomentField(db_index=True)
    count = models.IntegerField(default=0, help_text="how often it came again")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["flow", "digest"], name="seen_once"),)

    def __str__(self) -> str:
        return self.digest


class Attempt(models.Model):
    """One try of one action: the exact request (secrets masked), the answer, the time it took."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    run = models.ForeignKey(Run, related_name="attempts", **_FREE)
    step = models.CharField(max_length=64)
    number = models.IntegerField()
    state = models.CharField(max_length=10, choices=AttemptState.choices)
    started_at = MomentField()
    duration_us = models.BigIntegerField(help_text="microseconds")
    request = JsonText(null=True)
    answer = JsonText(null=True)
    status = models.IntegerField(null=True)
    error = models.TextField(blank=True, default="")

    if TYPE_CHECKING:
        run_id: int

    def __str__(self) -> str:
        return f"{self.step} #{self.number}"

    @property
    def duration_ms(self) -> float:
        return round(self.duration_us / 1000, 1)

    @property
    def pretty_body(self) -> str:
        """The request's body for people: JSON laid out, anything else as it is."""
        return pretty((self.request or {}).get("body") or "")

    @property
    def pretty_answer(self) -> str:
        return pretty((self.answer or {}).get("body") or "")


def pretty(text: str) -> str:
    """JSON laid out over lines; any other text as it is."""
    try:
        return msgspec.json.format(text.encode(), indent=2).decode() if text.lstrip()[:1] in ("{", "[") else text
    except (msgspec.DecodeError, RecursionError):
        return text
