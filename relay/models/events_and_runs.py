"""Models of events, their runs and the attempts of runs."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay import ids
from relay.models import stored_trail
from relay.models.accounts import Workspace
from relay.models.fields import JsonText, MomentField, SentJson
from relay.models.flows import Flow, Version
from relay.models.json_layout import pretty
from relay.models.stored_trail import StoredEntry

# Plain SQL writes many of these rows at a time. The engine checks their parents: constraints would cost a look-up
# for each row, and lock the parent on PostgreSQL.
WITHOUT_CONSTRAINT: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


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
    """Why a run is held; its `reason` says what has to happen."""

    PAUSE = "pause", "The flow is paused"
    DESTINATION = "destination", "Its destination keeps failing"
    CREDENTIAL = "credential", "Its connection's credential is refused"
    KEY = "key", "The key of a secret that it needs is lost"
    UNKNOWN = "unknown", "Unknown outcome"
    WORKER = "worker", "It keeps ending its worker"


class AttemptState(models.TextChoices):
    SUCCEEDED = "succeeded", "Succeeded"
    RETRY = "retry", "To be retried"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"


class Event(models.Model):
    """One thing that arrived: raw bytes, headers and query. It never changes."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, related_name="events", db_index=False, **WITHOUT_CONSTRAINT)
    flow = models.ForeignKey(Flow, related_name="events", db_index=False, **WITHOUT_CONSTRAINT)
    state = models.CharField(max_length=10, choices=EventState.choices)
    received_at = MomentField()
    method = models.CharField(max_length=10)
    query = models.TextField(blank=True, default="")
    headers = JsonText()
    content_type = models.CharField(max_length=255, blank=True, default="")
    body = models.BinaryField(default=b"")
    remote = models.CharField(max_length=45, blank=True, default="")
    files = JsonText(null=True, help_text="files that are stored beside it: shape in engine/files/event_files.py")

    class Meta:
        indexes = (models.Index(fields=["flow", "id"], name="event_flow"),)

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        return ids.text(self.pk)


class Run(models.Model):
    """One event going through one version. Either final (`due_at` is null), held, or due at some time.

    A run that is held and due has an unknown outcome, about which the service is asked at that time
    (engine/walk/unknown_outcomes.py).
    """

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, related_name="runs", db_index=False, **WITHOUT_CONSTRAINT)
    flow = models.ForeignKey(Flow, related_name="runs", db_index=False, **WITHOUT_CONSTRAINT)
    version = models.ForeignKey(Version, related_name="runs", db_index=False, **WITHOUT_CONSTRAINT)
    event = models.ForeignKey(Event, related_name="runs", **WITHOUT_CONSTRAINT)
    replay_of: Any = models.ForeignKey("self", null=True, related_name="replays", db_index=False, **WITHOUT_CONSTRAINT)
    state = models.CharField(max_length=13, choices=RunState.choices, default=RunState.QUEUED)
    due_at = MomentField(null=True)
    fence = models.IntegerField(default=0)
    tries = models.IntegerField(default=0, help_text="attempts so far of the action that it waits for")
    title = models.CharField(max_length=200, blank=True, default="")
    reason = models.TextField(blank=True, default="", help_text="why it failed, waits or is held")
    trail = SentJson(null=True, help_text="the steps walked so far: shape in engine/walk/walk.py")
    finished_at = MomentField(null=True)
    held_by = models.CharField(max_length=11, choices=HeldBy.choices, blank=True, default="", db_default="")
    # The destination that holds it, or for which it is the probe.
    destination_id = models.BigIntegerField(null=True)
    # For flows with an order key: runs with the same key go one after the other.
    order_key = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null keeps it out of the index
    # The mark: an action that must not be sent twice and is about to be, and its fence (below 0: none).
    marked_step = models.CharField(max_length=64, blank=True, default="", db_default="")
    marked_fence = models.IntegerField(null=True)
    part = models.IntegerField(null=True, help_text="the number of the element of a split event, from 1")
    batch_id = models.BigIntegerField(null=True, help_text="the bulk replay that made it")
    issue_id = models.BigIntegerField(null=True, help_text="the issue that counted it last")
    suspicion = models.IntegerField(
        null=True, help_text="points for workers that died with it: engine/walk/crash_suspects.py"
    )

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
            # Written once, when a run ends; has the flow, so that its runs in a state are found in the index alone.
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
        # `due_at` doesn't say it: it is null for held runs, and for runs that wait for an earlier one of their key.
        return self.state not in {RunState.QUEUED, RunState.RUNNING, RunState.WAITING, RunState.HELD}

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.trail or []

    @property
    def entries(self) -> list[StoredEntry]:
        """The steps by the names of their fields."""
        return stored_trail.read(self.trail)

    @property
    def has_failures(self) -> bool:
        """Return whether a step failed, even if the run continued after it."""
        return any(entry.state == "failed" for entry in self.entries)


class Seen(models.Model):
    """A deduplication key of a flow: an event with the same key before `until` is a duplicate."""

    flow = models.ForeignKey(Flow, related_name="seen", db_index=False, **WITHOUT_CONSTRAINT)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the key")
    event_id = models.BigIntegerField()
    until = MomentField(db_index=True)
    count = models.IntegerField(default=0, help_text="duplicates so far")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["flow", "digest"], name="seen_once"),)

    def __str__(self) -> str:
        return self.digest


class Attempt(models.Model):
    """One try of one action: the exact request (secrets masked), the answer, and the time."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    run = models.ForeignKey(Run, related_name="attempts", **WITHOUT_CONSTRAINT)
    step = models.CharField(max_length=64)
    number = models.IntegerField()
    state = models.CharField(max_length=10, choices=AttemptState.choices)
    started_at = MomentField()
    duration_us = models.BigIntegerField(help_text="microseconds")
    request = JsonText(null=True)
    answer = JsonText(null=True)
    status = models.IntegerField(null=True)
    error = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.step} #{self.number}"

    @property
    def duration_ms(self) -> float:
        return round(self.duration_us / 1000, 1)

    @property
    def pretty_body(self) -> str:
        """Return the request's body for people: JSON indented, other text unchanged."""
        return pretty((self.request or {}).get("body") or "")

    @property
    def pretty_answer(self) -> str:
        return pretty((self.answer or {}).get("body") or "")
