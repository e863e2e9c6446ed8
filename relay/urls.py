"""Every address of the pages."""

from __future__ import annotations

from django.urls import path, re_path, register_converter

from relay import ids
from relay.web import (
    account,
    accounts,
    auditlog,
    connections,
    dryruns,
    editor,
    failures,
    flows,
    inbox,
    issues,
    manual,
    many,
    pausing,
    people,
    previews,
    recipes,
    rejected,
    resend,
    run,
    runs,
    samples,
    secrets,
    signing,
    starting,
    tokens,
    variables,
    versions,
    workspace,
)


class RefConverter:
    """The 13 letters of an event or a run; anything else is no address."""

    regex = "[0-9a-hjkmnp-tv-z]{13}"

    def to_python(self, value: str) -> int:
        number = ids.number(value)
        if number is None:
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        return ids.text(int(value))


register_converter(RefConverter, "ref")

handler400 = failures.bad_request
handler403 = failures.forbidden
handler404 = failures.not_found
handler429 = failures.too_many
handler500 = failures.broken

urlpatterns = [
    path("", accounts.start, name="start"),
    path("setup/<str:token>/", accounts.setup, name="setup"),
    path("reset/<int:user_id>/<str:token>/", accounts.reset, name="reset"),
    path("join/<str:token>/", people.join, name="join"),
    # The names with "_" are those by which django-allauth finds its pages; what isn't here can't be reached.
    path("sign-in/", signing.sign_in, name="account_login"),
    path("sign-in/forgotten/", accounts.forgotten, name="forgotten"),
    path("sign-in/second/", signing.second_factor, name="mfa_authenticate"),
    path("sign-in/passkey/", signing.passkey_sign_in, name="mfa_login_webauthn"),
    path("sign-in/off/", signing.inactive, name="account_inactive"),
    path("sign-out/", signing.sign_out, name="account_logout"),
    path("account/", account.show, name="account"),
    path("account/", account.show, name="mfa_index"),
    path("account/sessions/<int:session_id>/end/", account.end_session, name="end-session"),
    path("account/sessions/end-others/", account.end_others, name="end-other-sessions"),
    path("account/password/", signing.password, name="account_change_password"),
    path("account/confirm/", signing.confirm, name="account_reauthenticate"),
    path("account/confirm/code/", signing.confirm_by_code, name="mfa_reauthenticate"),
    path("account/confirm/passkey/", signing.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("account/app/on/", signing.app_on, name="mfa_activate_totp"),
    path("account/app/off/", signing.app_off, name="mfa_deactivate_totp"),
    path("account/codes/", signing.codes, name="mfa_view_recovery_codes"),
    path("account/codes/new/", signing.new_codes, name="mfa_generate_recovery_codes"),
    path("account/passkeys/add/", signing.passkey_add, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/", signing.passkey_edit, name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove/", signing.passkey_remove, name="mfa_remove_webauthn"),
    path("flows/", flows.listing, name="flows"),
    path("flows/new/", flows.new, name="new-flow"),
    path("recipes/", recipes.listing, name="recipes"),
    path("recipes/<slug:slug>/", recipes.show, name="recipe"),
    path("flows/<int:flow_id>/", editor.show, name="flow"),
    path("flows/<int:flow_id>/edit/", editor.edit, name="edit-flow"),
    path("flows/<int:flow_id>/save/", previews.save, name="save-draft"),
    path("flows/<int:flow_id>/preview/", previews.preview, name="preview"),
    path("flows/<int:flow_id>/arrivals/", previews.arrivals, name="arrivals"),
    path("flows/<int:flow_id>/switch/", pausing.switch, name="switch-flow"),
    path("flows/<int:flow_id>/resume/", pausing.resume, name="resume-flow"),
    path("flows/<int:flow_id>/samples/", samples.listing, name="samples"),
    path("flows/<int:flow_id>/samples/undo/", samples.undo, name="undo-sample"),
    path("flows/<int:flow_id>/samples/<int:sample_id>/", samples.show, name="sample"),
    path("flows/<int:flow_id>/dry-run/", dryruns.show, name="dry-run"),
    path("flows/<int:flow_id>/sample/", flows.sample, name="send-sample"),
    path("flows/<int:flow_id>/delete/", flows.delete, name="delete-flow"),
    path("flows/<int:flow_id>/secrets/", secrets.listing, name="secrets"),
    path("flows/<int:flow_id>/secrets/former/", secrets.remove_former, name="remove-former-secrets"),
    path("flows/<int:flow_id>/secrets/<int:secret_id>/", secrets.act, name="act-on-secret"),
    path("flows/<int:flow_id>/start/", starting.start, name="start-flow"),
    path("flows/<int:flow_id>/versions/", versions.listing, name="versions"),
    path("flows/<int:flow_id>/versions/<int:number>/restore/", versions.restore, name="restore-version"),
    path("flows/<int:flow_id>/runs/", runs.of_flow, name="flow-runs"),
    path("runs/", runs.listing, name="runs"),
    path("runs/newer/", runs.newer, name="newer-runs"),
    path("runs/<ref:run_id>/", run.show, name="run"),
    path("runs/<ref:run_id>/act/", run.act, name="act-on-run"),
    path("runs/<ref:run_id>/edit/", resend.edit, name="edit-run"),
    path("runs/many/", many.choose, name="many-runs"),
    path("runs/many/count/", many.count, name="count-runs"),
    path("runs/batches/<int:batch_id>/", many.show, name="batch"),
    path("runs/batches/<int:batch_id>/cancel/", many.cancel, name="cancel-batch"),
    path("issues/", issues.listing, name="issues"),
    path("issues/<ref:issue_id>/", issues.show, name="issue"),
    path("issues/<ref:issue_id>/act/", issues.act, name="act-on-issue"),
    path("inbox/", inbox.messages, name="inbox"),
    path("inbox/held/", inbox.held, name="held"),
    path("inbox/captured/", inbox.captured, name="captured"),
    path("inbox/rejected/", rejected.listing, name="rejected"),
    path("inbox/rejected/discard/", rejected.discard, name="discard-rejected"),
    path("inbox/rejected/<ref:rejection_id>/", rejected.show, name="rejection"),
    path("help/filters/", manual.filters, name="filters-help"),
    path("workspace/", workspace.show, name="workspace"),
    path("workspace/alerts/", issues.choose_flow, name="alert-flow"),
    path("workspace/new/", workspace.create, name="new-workspace"),
    path("workspace/open/<int:workspace_id>/", people.open_workspace, name="open-workspace"),
    path("workspace/people/", people.show, name="people"),
    path("workspace/people/invite/", people.invite, name="invite"),
    path("workspace/people/leave/", people.leave, name="leave"),
    path("workspace/people/<int:member_id>/role/", people.change_role, name="change-role"),
    path("workspace/people/<int:member_id>/remove/", people.remove, name="remove-member"),
    path("workspace/people/<int:member_id>/reset-link/", people.reset_link, name="member-reset-link"),
    path("workspace/invitations/<int:invitation_id>/revoke/", people.revoke, name="revoke-invitation"),
    path("workspace/tokens/", tokens.show, name="tokens"),
    path("workspace/tokens/<int:token_id>/revoke/", tokens.revoke, name="revoke-token"),
    path("workspace/audit/", auditlog.show, name="audit"),
    re_path(r"^workspace/audit\.(?P<form>csv|json)$", auditlog.export, name="export-audit"),
    path("connections/", connections.listing, name="connections"),
    path("connections/new/", connections.choose, name="new-connection"),
    path("connections/new/<slug:connector_key>/", connections.add, name="add-connection"),
    path("connections/<int:connection_id>/", connections.change, name="connection"),
    path("connections/<int:connection_id>/remove/", connections.remove, name="remove-connection"),
    path("variables/", variables.listing, name="variables"),
    path("variables/new/", variables.add, name="new-variable"),
    path("variables/<int:variable_id>/", variables.change, name="variable"),
    path("variables/<int:variable_id>/remove/", variables.remove, name="remove-variable"),
]
