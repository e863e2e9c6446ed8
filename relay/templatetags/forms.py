"""Draws the fields of forms, all from one template."""

from __future__ import annotations

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def field(
    content: str,
    control_id: str,
    label: str,
    *,
    optional: bool = False,
    size: str = "",
    error: str = "",
    help: str = "",  # noqa: A002
) -> SafeString:
    """Puts a label above the control between `{% field %}` and `{% endfield %}`, and the error and the help below.

    `control_id` is the id of the control. The error has the id `<control_id>-error` and the help `<control_id>-help`,
    for the control's `aria-describedby`. `size` is `short`, `wide` or empty.
    """
    parts = {"control": content, "control_id": control_id, "label": label}
    return render_to_string(
        "ui/field.html", {**parts, "optional": optional, "size": size, "error": error, "help": help}
    )
