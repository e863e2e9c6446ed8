"""Variables: values of a workspace that templates use by name, plain or sealed."""

from __future__ import annotations

from django.db import models

from relay.models import sealing
from relay.models.accounts import Workspace
from relay.models.sealing import SealedField


class Variable(models.Model):
    """A named text, `vars.<name>` in templates. A secret variable is sealed and never shown again."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="variables")
    name = models.CharField(max_length=64)
    value = models.TextField(blank=True, default="", help_text="of a plain variable")
    sealed = SealedField(
        null=True,
        help_text="of a secret variable",
        # The name never changes, while a row that is created again may have another id.
        owner="variable:{row.workspace_id}:{row.name}",
        what="the variable {row.name}",
        remedy="enter its value again under Variables",
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "name"], name="variable_name_once"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_secret(self) -> bool:
        return self.sealed is not None

    def seal(self, value: str) -> None:
        self.value, self.sealed = "", sealing.seal(self, "sealed", {"value": value})

    def unseal(self) -> str:
        return str(sealing.unseal(self, "sealed")["value"])
