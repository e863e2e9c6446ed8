"""Defines every URL of the pages."""

from __future__ import annotations

from django.urls import path, re_path, register_converter

from relay import ids
from relay.engine.oauth.clients import REDIRECT_PATH
from relay.web.auth import account, setup, sign_in
from relay.web.editor import choice_pages, editor_pages, live_preview, subscription_pages, trigger_secrets
from relay.web.flows import (
    captured_pages,
    dry_run_pages,
    flow_pages,
    manual_start,
    pause,
    recipe_pages,
    sample_pages,
    versions,
)
from relay.web.help import help_pages
from relay.web.inbox import inbox_pages, rejected
from relay.web.issues import issue_pages
from relay.web.runs import bulk_pages, file_pages, resend, run_detail, run_list
from relay.web.ui import error_pages
from relay.web.workspace import (
    api_tokens,
    audit_log,
    connection_pages,
    oauth_pages,
    people,
    variable_pages,
    workspace_settings,
)


class RefConverter:
    """Matches the reference of an event or a run, 13 letters."""

    regex = "[0-9a-hjkmnp-tv-z]{13}"

    def to_python(self, value: str) -> int:
        number = ids.number(value)
        if number is None:
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        return ids.text(int(value))


register_converter(RefConverter, "ref")

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler429 = error_pages.too_many
handler500 = error_pages.broken

urlpatterns = [
    path("", setup.start, name="start"),
    path("setup/<str:token>/", setup.setup, name="setup"),
    path("reset/<int:user_id>/<str:token>/", setup.reset, name="reset"),
    path("join/<str:token>/", people.join, name="join"),
    # django-allauth finds its pages by the names with "_"; its other pages can't be reached.
    path("sign-in/", sign_in.sign_in, name="account_login"),
    path("sign-in/forgotten/", setup.forgotten, name="forgotten"),
    path("sign-in/second/", sign_in.second_factor, name="mfa_authenticate"),
    path("sign-in/passkey/", sign_in.passkey_sign_in, name="mfa_login_webauthn"),
    path("sign-in/off/", sign_in.inactive, name="account_inactive"),
    path("sign-out/", sign_in.sign_out, name="account_logout"),
    path("account/", account.show, name="account"),
    path("account/", account.show, name="mfa_index"),
    path("account/sessions/<int:session_id>/end/", account.end_session, name="end-session"),
    path("account/sessions/end-others/", account.end_others, name="end-other-sessions"),
    path("account/password/", sign_in.password, name="account_change_password"),
    path("account/confirm/", sign_in.confirm, name="account_reauthenticate"),
    path("account/confirm/code/", sign_in.confirm_by_code, name="mfa_reauthenticate"),
    path("account/confirm/passkey/", sign_in.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("account/app/on/", sign_in.app_on, name="mfa_activate_totp"),
    path("account/app/off/", sign_in.app_off, name="mfa_deactivate_totp"),
    path("account/codes/", sign_in.codes, name="mfa_view_recovery_codes"),
    path("account/codes/new/", sign_in.new_codes, name="mfa_generate_recovery_codes"),
    path("account/passkeys/add/", sign_in.passkey_add, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/", sign_in.passkey_edit, name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove/", sign_in.passkey_remove, name="mfa_remove_webauthn"),
    path("flows/", flow_pages.listing, name="flows"),
    path("flows/new/", flow_pages.new, name="new-flow"),
    path("recipes/", recipe_pages.listing, name="recipes"),
    path("recipes/<slug:slug>/", recipe_pages.show, name="recipe"),
    path("flows/<int:flow_id>/", editor_pages.show, name="flow"),
    path("flows/<int:flow_id>/edit/", editor_pages.edit, name="edit-flow"),
    path("flows/<int:flow_id>/save/", live_preview.save, name="save-draft"),
    path("flows/<int:flow_id>/preview/", live_preview.preview, name="preview"),
    path("flows/<int:flow_id>/choices/", choice_pages.choices, name="choices"),
    path("flows/<int:flow_id>/data/", live_preview.data, name="data"),
    path("flows/<int:flow_id>/arrivals/", live_preview.arrivals, name="arrivals"),
    path("flows/<int:flow_id>/switch/", pause.switch, name="switch-flow"),
    path("flows/<int:flow_id>/resume/", pause.resume, name="resume-flow"),
    path("flows/<int:flow_id>/samples/", sample_pages.listing, name="samples"),
    path("flows/<int:flow_id>/samples/undo/", sample_pages.undo, name="undo-sample"),
    path("flows/<int:flow_id>/samples/<int:sample_id>/", sample_pages.show, name="sample"),
    path("flows/<int:flow_id>/dry-run/", dry_run_pages.show, name="dry-run"),
    path("flows/<int:flow_id>/delete/", flow_pages.delete, name="delete-flow"),
    path("flows/<int:flow_id>/secrets/", trigger_secrets.listing, name="secrets"),
    path("flows/<int:flow_id>/secrets/former/", trigger_secrets.remove_former, name="remove-former-secrets"),
    path("flows/<int:flow_id>/secrets/<int:secret_id>/", trigger_secrets.act, name="act-on-secret"),
    path("flows/<int:flow_id>/subscription/", subscription_pages.show, name="subscription"),
    path("flows/<int:flow_id>/subscription/disconnect/", subscription_pages.disconnect, name="disconnect-subscription"),
    path("flows/<int:flow_id>/start/", manual_start.start, name="start-flow"),
    path("flows/<int:flow_id>/versions/", versions.listing, name="versions"),
    path("flows/<int:flow_id>/versions/<int:number>/restore/", versions.restore, name="restore-version"),
    path("flows/<int:flow_id>/runs/", run_list.of_flow, name="flow-runs"),
    path("runs/", run_list.listing, name="runs"),
    path("runs/newer/", run_list.newer, name="newer-runs"),
    path("runs/rows/", run_list.changed_rows, name="changed-runs"),
    path("runs/<ref:run_id>/", run_detail.show, name="run"),
    path("runs/<ref:run_id>/steps/<str:step>/", run_detail.step, name="run-step"),
    path("runs/<ref:run_id>/act/", run_detail.act, name="act-on-run"),
    path("files/<str:file_id>/", file_pages.download, name="file"),
    path("runs/<ref:run_id>/edit/", resend.edit, name="edit-run"),
    path("runs/many/", bulk_pages.choose, name="many-runs"),
    path("runs/many/count/", bulk_pages.count, name="count-runs"),
    path("runs/batches/<int:batch_id>/", bulk_pages.show, name="batch"),
    path("runs/batches/<int:batch_id>/cancel/", bulk_pages.cancel, name="cancel-batch"),
    path("issues/", issue_pages.listing, name="issues"),
    path("issues/<ref:issue_id>/", issue_pages.show, name="issue"),
    path("issues/<ref:issue_id>/act/", issue_pages.act, name="act-on-issue"),
    path("inbox/", inbox_pages.messages, name="inbox"),
    path("inbox/held/", inbox_pages.held, name="held"),
    path("inbox/captured/", captured_pages.listing, name="captured"),
    path("inbox/captured/<ref:event_id>/", captured_pages.show, name="captured-event"),
    path("inbox/rejected/", rejected.listing, name="rejected"),
    path("inbox/rejected/discard/", rejected.discard, name="discard-rejected"),
    path("inbox/rejected/<ref:rejection_id>/", rejected.show, name="rejection"),
    path("help/", help_pages.start, name="help"),
    path("help/filters/", help_pages.filters, name="filters-help"),
    path("help/<slug:page>/", help_pages.page, name="help-page"),
    path("workspace/", workspace_settings.show, name="workspace"),
    path("workspace/alerts/", issue_pages.choose_flow, name="alert-flow"),
    path("workspace/new/", workspace_settings.create, name="new-workspace"),
    path("workspace/open/<int:workspace_id>/", people.open_workspace, name="open-workspace"),
    path("workspace/people/", people.show, name="people"),
    path("workspace/people/invite/", people.invite, name="invite"),
    path("workspace/people/leave/", people.leave, name="leave"),
    path("workspace/people/<int:member_id>/role/", people.change_role, name="change-role"),
    path("workspace/people/<int:member_id>/remove/", people.remove, name="remove-member"),
    path("workspace/people/<int:member_id>/reset-link/", people.reset_link, name="member-reset-link"),
    path("workspace/invitations/<int:invitation_id>/revoke/", people.revoke, name="revoke-invitation"),
    path("workspace/tokens/", api_tokens.show, name="tokens"),
    path("workspace/tokens/<int:token_id>/revoke/", api_tokens.revoke, name="revoke-token"),
    path("workspace/audit/", audit_log.show, name="audit"),
    re_path(r"^workspace/audit\.(?P<form>csv|json)$", audit_log.export, name="export-audit"),
    path("connections/", connection_pages.listing, name="connections"),
    path("connections/new/", connection_pages.choose, name="new-connection"),
    path("connections/new/<slug:connector_key>/", connection_pages.add, name="add-connection"),
    path("connections/<int:connection_id>/", connection_pages.change, name="connection"),
    path("connections/<int:connection_id>/test/", connection_pages.test, name="test-connection"),
    path("connections/<int:connection_id>/remove/", connection_pages.remove, name="remove-connection"),
    path("connections/<int:connection_id>/access/", oauth_pages.show, name="connection-access"),
    path("connections/<int:connection_id>/access/connect/", oauth_pages.start, name="connect"),
    path("connections/<int:connection_id>/access/renew/", oauth_pages.renew, name="renew-access"),
    path("connections/<int:connection_id>/access/disconnect/", oauth_pages.disconnect, name="disconnect"),
    path(REDIRECT_PATH.removeprefix("/"), oauth_pages.authorized, name="authorized"),
    path("connections/clients/<slug:connector_key>/", oauth_pages.client, name="oauth-client"),
    path("variables/", variable_pages.listing, name="variables"),
    path("variables/new/", variable_pages.add, name="new-variable"),
    path("variables/<int:variable_id>/", variable_pages.change, name="variable"),
    path("variables/<int:variable_id>/remove/", variable_pages.remove, name="remove-variable"),
]
