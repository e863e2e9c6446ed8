"""Flows, their numbered versions and their triggers."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from relay.errors import VaultError
from relay.models import sealing
from relay.models.accounts import User, Workspace
from relay.models.fields import JsonText
from relay.models.sealing import SealedField

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from relay.models.ledger import Event, Run
    from relay.models.samples import SampleQuerySet
    from relay.models.secrets import TriggerSecret

TOKEN_BYTES = 24  # 192 random bits


class FlowState(models.TextChoices):
    DRAFT = "draft", "Draft"
    LIVE = "live", "Live"
    PAUSED = "paused", "Paused"


class Flow(models.Model):
    """What a person builds: one draft and numbered versions, one of them live."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="flows")
    name = models.CharField(max_length=200)
    folder = models.CharField(max_length=100, blank=True)
    draft = JsonText(help_text="The flow document being edited; shared/flow-format.md")
    draft_saved_at = models.DateTimeField(auto_now_add=True)
    live_version = models.ForeignKey("Version", on_delete=models.PROTECT, null=True, related_name="+")
    paused = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    if TYPE_CHECKING:
        workspace_id: int
        live_version_id: int | None
        trigger: Trigger
        versions: RelatedManager[Version]
        runs: RelatedManager[Run]
        events: RelatedManager[Event]
        samples: SampleQuerySet

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
    """One published document of a flow; never changed."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = JsonText()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    if TYPE_CHECKING:
        flow_id: int

    class Meta:
        constraints = (models.UniqueConstraint(fields=["flow", "number"], name="version_number_once"),)

    def __str__(self) -> str:
        return f"{self.flow} v{self.number}"


def digest(token: str) -> str:
    """The one key by which a URL's token is looked up; the token itself is kept only sealed."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class Trigger(models.Model):
    """How a flow starts: its URL outlives every version."""

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, related_name="trigger")
    token_digest = models.CharField(max_length=64, unique=True)
    token_sealed = SealedField(
        owner="trigger:{row.flow_id}",
        what="the URL of the flow “{row.flow}” of {row.flow.workspace}",
        remedy="go on without seeing it: what is sent to it still arrives",
    )

    if TYPE_CHECKING:
        flow_id: int
        secrets: RelatedManager[TriggerSecret]

    def __str__(self) -> str:
        return f"trigger of {self.flow}"

    @classmethod
    def with_new_token(cls, flow: Flow) -> Trigger:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        trigger = cls(flow=flow, token_digest=digest(token))
        trigger.token_sealed = sealing.seal(trigger, "token_sealed", {"token": token})
        return trigger

    def secrets_of(self, *senders: str) -> models.QuerySet[TriggerSecret]:
        """Secrets that count for one of these senders."""
        return self.secrets.filter(sender__in=("", *senders))

    def secrets_of_others(self, *senders: str) -> models.QuerySet[TriggerSecret]:
        """Secrets that count for none of these senders."""
        return self.secrets.exclude(sender__in=("", *senders))

    @property
    def token(self) -> str:
        return str(sealing.unseal(self, "token_sealed")["token"])

    @property
    def url(self) -> str:
        return f"{settings.PUBLIC_URL}/in/{self.token}"

    @property
    def known_url(self) -> str:
        """The URL, or "" where the key that sealed it is lost."""
        try:
            return self.url
        except VaultError:
            return ""


class Revision(models.Model):
    """One row that counts every change of what ingest remembers: triggers, publishing, pausing."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)

    @classmethod
    def bump(cls) -> None:
        """Tell every ingest process, inside the transaction of the change itself."""
        if not cls.objects.filter(pk=1).update(number=models.F("number") + 1):
            cls.objects.create(pk=1, number=1)
