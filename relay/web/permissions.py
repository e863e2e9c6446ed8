"""Who may do what: every address by its name, each method with the least that it asks for.

An address that isn't here can't be opened; a test holds every address of `relay.urls` to this table.
"""

from __future__ import annotations

from enum import Enum

from relay.models import Role


class Anyone(Enum):
    """What asks for no role: `OPEN` for all (its own key is in the address, or it leads to signing in),
    `PERSON` for who is signed in, in whichever workspace, for what is their own."""

    OPEN = "open"
    PERSON = "person"


Least = Role | Anyone

_OPEN_PAGE = {"GET": Anyone.OPEN}
_OPEN_FORM = {"GET": Anyone.OPEN, "POST": Anyone.OPEN}
_OWN_PAGE = {"GET": Anyone.PERSON}
_OWN_FORM = {"GET": Anyone.PERSON, "POST": Anyone.PERSON}
_OWN_ACT = {"POST": Anyone.PERSON}
_SEEN = {"GET": Role.VIEWER}
_FORM = {"GET": Role.EDITOR, "POST": Role.EDITOR}
_ACT = {"POST": Role.EDITOR}
_OWNED = {"POST": Role.OWNER}

LEAST: dict[str, dict[str, Anyone] | dict[str, Role]] = {
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
    "account": _OWN_PAGE,
    "mfa_index": _OWN_PAGE,
    "end-session": _OWN_ACT,
    "end-other-sessions": _OWN_ACT,
    "account_change_password": _OWN_FORM,
    "account_reauthenticate": _OWN_FORM,
    "mfa_reauthenticate": _OWN_FORM,
    "mfa_reauthenticate_webauthn": _OWN_FORM,
    "mfa_activate_totp": _OWN_FORM,
    "mfa_deactivate_totp": _OWN_FORM,
    "mfa_view_recovery_codes": _OWN_PAGE,
    "mfa_generate_recovery_codes": _OWN_FORM,
    "mfa_add_webauthn": _OWN_FORM,
    "mfa_edit_webauthn": _OWN_FORM,
    "mfa_remove_webauthn": _OWN_FORM,
    "flows": _SEEN,
    "new-flow": _FORM,
    "recipes": _SEEN,
    "recipe": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "flow": _SEEN,
    "edit-flow": _ACT,
    "save-draft": _ACT,
    "preview": _ACT,
    "arrivals": _SEEN,
    "switch-flow": _ACT,
    "resume-flow": _FORM,
    "send-sample": _ACT,
    "delete-flow": _ACT,
    "secrets": _FORM,
    "remove-former-secrets": _ACT,
    "act-on-secret": _ACT,
    "start-flow": _FORM,
    "samples": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "sample": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "undo-sample": _ACT,
    "dry-run": {"GET": Role.VIEWER, "POST": Role.EDITOR},
    "versions": _SEEN,
    "restore-version": _ACT,
    "flow-runs": _SEEN,
    "runs": _SEEN,
    "newer-runs": _SEEN,
    "run": _SEEN,
    "act-on-run": _ACT,
    "edit-run": _FORM,
    "many-runs": _FORM,
    "count-runs": _SEEN,
    "batch": _SEEN,
    "cancel-batch": _ACT,
    "issues": _SEEN,
    "issue": _SEEN,
    "act-on-issue": _ACT,
    "inbox": _SEEN,
    "held": _SEEN,
    "captured": _SEEN,
    "rejected": _SEEN,
    "discard-rejected": _ACT,
    "rejection": _SEEN,
    "filters-help": _SEEN,
    "workspace": {"GET": Role.VIEWER, "POST": Role.OWNER},
    "alert-flow": _ACT,
    "new-workspace": _OWNED,
    "open-workspace": {"POST": Role.VIEWER},
    "people": _SEEN,
    "invite": _OWNED,
    "leave": {"POST": Role.VIEWER},
    "change-role": _OWNED,
    "remove-member": _OWNED,
    "member-reset-link": _OWNED,
    "revoke-invitation": _OWNED,
    "tokens": {"GET": Role.OWNER, "POST": Role.OWNER},
    "revoke-token": _OWNED,
    "audit": {"GET": Role.OWNER},
    "export-audit": {"GET": Role.OWNER},
    "connections": _SEEN,
    "new-connection": {"GET": Role.EDITOR},
    "add-connection": _FORM,
    "connection": _FORM,
    "remove-connection": _ACT,
    "variables": _SEEN,
    "new-variable": _FORM,
    "variable": _FORM,
    "remove-variable": _ACT,
}


def least(name: str, method: str) -> Least:
    """What an address asks for; KeyError for one that nobody has decided about."""
    return LEAST[name]["GET" if method == "HEAD" else method]
