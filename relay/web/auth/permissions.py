"""Defines the role that each URL name and method requires.

A URL that isn't here can't be opened. A test compares this table with `relay.urls`.
"""

from __future__ import annotations

from enum import Enum

from relay.engine.runs import run_actions
from relay.models import Role


class Anyone(Enum):
    """Requirements that aren't roles.

    `OPEN`: none; the URL contains its own key, or leads to the sign-in page. `PERSON`: signed in, in any workspace;
    the page shows only what belongs to the person.
    """

    OPEN = "open"
    PERSON = "person"


Requirement = Role | Anyone

_OPEN_PAGE = {"GET": Anyone.OPEN}
_OPEN_FORM = {"GET": Anyone.OPEN, "POST": Anyone.OPEN}
_PERSONAL_PAGE = {"GET": Anyone.PERSON}
_PERSONAL_FORM = {"GET": Anyone.PERSON, "POST": Anyone.PERSON}
_PERSONAL_ACTION = {"POST": Anyone.PERSON}
_VIEWER_PAGE = {"GET": Role.VIEWER}
_EDITOR_FORM = {"GET": Role.EDITOR, "POST": Role.EDITOR}
_EDITOR_ACTION = {"POST": Role.EDITOR}
_OWNER_ACTION = {"POST": Role.OWNER}

REQUIRED: dict[str, dict[str, Anyone] | dict[str, Role]] = {
    "start": _OPEN_PAGE,
    "setup": _OPEN_FORM,
    "reset": _OPEN_FORM,
    "join": _OPEN_FORM,
    "account_login": _OPEN_FORM,
    "forgotten": _OPEN_FORM,
    "mfa_authenticate": _OPEN_FORM,
    "mfa_login_webauthn": _OPEN_FORM,
    "account_inactive": _OPEN_PAGE,
    "account_logout": {"POST": Anyone.OPEN},
    "account": _PERSONAL_PAGE,
    "mfa_index": _PERSONAL_PAGE,
    "end-session": _PERSONAL_ACTION,
    "end-other-sessions": _PERSONAL_ACTION,
    "account_change_password": _PERSONAL_FORM,
    "account_reauthenticate": _PERSONAL_FORM,
    "mfa_reauthenticate": _PERSONAL_FORM,
    "mfa_reauthenticate_webauthn": _PERSONAL_FORM,
    "mfa_activate_totp": _PERSONAL_FORM,
    "mfa_deactivate_totp": _PERSONAL_FORM,
    "mfa_view_recovery_codes": _PERSONAL_PAGE,
    "mfa_generate_recovery_codes": _PERSONAL_FORM,
    "mfa_add_webauthn": _PERSONAL_FORM,
    "mfa_edit_webauthn": _PERSONAL_FORM,
    "mfa_remove_webauthn": _PERSONAL_FORM,
    "flows": _VIEWER_PAGE,
    "new-flow": _EDITOR_FORM,
    "recipes": _VIEWER_PAGE,
    "recipe": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "flow": _VIEWER_PAGE,
    "edit-flow": _EDITOR_ACTION,
    "save-draft": _EDITOR_ACTION,
    "preview": _EDITOR_ACTION,
    "choices": _EDITOR_ACTION,
    "arrivals": _VIEWER_PAGE,
    "data": _VIEWER_PAGE,
    "switch-flow": _EDITOR_ACTION,
    "resume-flow": _EDITOR_FORM,
    "delete-flow": _EDITOR_ACTION,
    "secrets": _EDITOR_FORM,
    "remove-former-secrets": _EDITOR_ACTION,
    "act-on-secret": _EDITOR_ACTION,
    "subscription": _EDITOR_FORM,
    "disconnect-subscription": _EDITOR_ACTION,
    "start-flow": _EDITOR_FORM,
    "samples": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "sample": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "undo-sample": _EDITOR_ACTION,
    "dry-run": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "versions": _VIEWER_PAGE,
    "restore-version": _EDITOR_ACTION,
    "flow-runs": _VIEWER_PAGE,
    "runs": _VIEWER_PAGE,
    "newer-runs": _VIEWER_PAGE,
    "changed-runs": _VIEWER_PAGE,
    "run": _VIEWER_PAGE,
    "run-step": _VIEWER_PAGE,
    "file": _VIEWER_PAGE,
    "act-on-run": {"POST": run_actions.ROLE},
    "edit-run": _EDITOR_FORM,
    "many-runs": _EDITOR_FORM,
    "count-runs": _VIEWER_PAGE,
    "batch": _VIEWER_PAGE,
    "cancel-batch": _EDITOR_ACTION,
    "issues": _VIEWER_PAGE,
    "issue": _VIEWER_PAGE,
    "act-on-issue": _EDITOR_ACTION,
    "inbox": _VIEWER_PAGE,
    "held": _VIEWER_PAGE,
    "captured": _VIEWER_PAGE,
    "captured-event": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "rejected": _VIEWER_PAGE,
    "discard-rejected": _EDITOR_ACTION,
    "rejection": _VIEWER_PAGE,
    # Not open: it would show strangers which version runs, and what it can do.
    "help": _VIEWER_PAGE,
    "help-page": _VIEWER_PAGE,
    "filters-help": _VIEWER_PAGE,
    "workspace": {"GET": Role.VIEWER, "POST": Role.OWNER},
    "alert-flow": _EDITOR_ACTION,
    "new-workspace": _OWNER_ACTION,
    "open-workspace": {"POST": Role.VIEWER},
    "people": _VIEWER_PAGE,
    "invite": _OWNER_ACTION,
    "leave": {"POST": Role.VIEWER},
    "change-role": _OWNER_ACTION,
    "remove-member": _OWNER_ACTION,
    "member-reset-link": _OWNER_ACTION,
    "revoke-invitation": _OWNER_ACTION,
    "tokens": {"GET": Role.OWNER, "POST": Role.OWNER},
    "revoke-token": _OWNER_ACTION,
    "audit": {"GET": Role.OWNER},
    "export-audit": {"GET": Role.OWNER},
    "connections": _VIEWER_PAGE,
    "new-connection": {"GET": Role.EDITOR},
    "add-connection": _EDITOR_FORM,
    "connection": _EDITOR_FORM,
    "test-connection": _EDITOR_ACTION,
    "remove-connection": _EDITOR_ACTION,
    "connection-access": {"GET": Role.EDITOR},
    "connect": _EDITOR_ACTION,
    "renew-access": _EDITOR_ACTION,
    "disconnect": _EDITOR_ACTION,
    "authorized": {"GET": Role.EDITOR},
    # For owners only: the client decides which app at the service all editors give permissions to.
    "oauth-client": {"GET": Role.OWNER, "POST": Role.OWNER},
    "variables": _VIEWER_PAGE,
    "new-variable": _EDITOR_FORM,
    "variable": _EDITOR_FORM,
    "remove-variable": _EDITOR_ACTION,
}


def required_role(name: str, method: str) -> Requirement:
    """Return what a URL name requires. KeyError for one that is missing from the table."""
    return REQUIRED[name]["GET" if method == "HEAD" else method]
