"""Models of flows, their numbered versions and their triggers."""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.db import models

from relay.errors import VaultError
from relay.models import sealing
from relay.models.accounts import User, Workspace
from relay.models.fields import JsonText
from relay.models.sealing import SealedField

TOKEN_BYTES = 24  # 192 random bits
TOKEN_LENGTH = TOKEN_BYTES * 4 // 3  # characters


class FlowState(models.TextChoices):
    DRAFT = "draft", "Draft"
    LIVE = "live", "Live"
    PAUSED = "paused", "Paused"


class Flow(models.Model):
    """What a person builds: one draft and numbered versions, one of them live."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="flows")
    name = models.CharField(max_length=200)
    folder = models.CharField(max_length=100, blank=True)
    draft = JsonText(help_text="the flow document being edited: docs/flow-format.md")
    draft_saved_at = models.DateTimeField(auto_now_add=True)
    draft_saved_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    # Counts saves, so that a save can detect another one in between.
    draft_revision = models.PositiveIntegerField(default=1)
    # The random id of the editor page that saved last: saves of one page never conflict with each other.
    draft_page = models.CharField(max_length=32, default="")
    live_version = models.ForeignKey("Version", on_delete=models.PROTECT, null=True, related_name="+")
    paused = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> FlowState:
        if self.live_version_id is None:
            return FlowState.DRAFT
        return FlowState.PAUSED if self.paused else FlowState.LIVE

    @property
    def has_unpublished_changes(self) -> bool:
        return self.live_version is None or self.live_version.document != self.draft


class Version(models.Model):
    """One published document of a flow. It never changes."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = JsonText()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["flow", "number"], name="version_number_once"),)

    def __str__(self) -> str:
        return f"{self.flow} v{self.number}"


def digest(token: str) -> str:
    """Return the key by which a URL's token is looked up; the token itself is stored only sealed."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class Trigger(models.Model):
    """How a flow starts: its URL outlives every version."""

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, related_name="trigger")
    token_digest = models.CharField(max_length=64, unique=True)
    token_sealed = SealedField(
        owner="trigger:{row.flow_id}",
        what="the URL of the flow “{row.flow}” of {row.flow.workspace}",
        remedy="continue without seeing it: what is sent to it still arrives",
    )

    # Counts changes of what ingest caches: the draft if nothing is live, publishing, pausing, secrets.
    revision = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"trigger of {self.flow}"

    @classmethod
    def with_new_token(cls, flow: Flow) -> Trigger:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        trigger = cls(flow=flow, token_digest=digest(token))
        trigger.token_sealed = sealing.seal(trigger, "token_sealed", {"token": token})
        return trigger

    @classmethod
    def note_change(cls, flow_id: int) -> None:
        """Make every ingest process reload a flow's trigger; call this in the transaction of the change."""
        cls.objects.filter(flow_id=flow_id).update(revision=models.F("revision") + 1)

    @property
    def token(self) -> str:
        return str(sealing.unseal(self, "token_sealed")["token"])

    @property
    def url(self) -> str:
        return f"{settings.INGEST_URL or settings.PUBLIC_URL}/in/{self.token}"

    @property
    def known_url(self) -> str:
        """Return the URL, or "" if the key that sealed it is lost."""
        try:
            return self.url
        except VaultError:
            return ""
