"""Shows the members of a workspace, changes their roles, and invites people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.engine.people import mailer, members, password_resets
from relay.errors import RelayError
from relay.models import Invitation, Membership, Role, User
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import confirmation, form_data
from relay.web.ui.middleware import WORKSPACE_KEY

DEFAULT_DAYS = 7


@require_GET
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: WorkspaceRequest, *, link: str = "", says: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    """Render the page. `link`: a new link, which is shown only in this response. `says`: its purpose."""
    people = request.workspace.memberships.select_related("user").order_by("user__email")
    invitations = request.workspace.invitations.open() if request.role.allows(Role.OWNER) else []
    context = {
        "people": people,
        "invitations": invitations,
        "roles": Role.choices,
        "days": form_data.text(request.POST, "days", limit=3) or DEFAULT_DAYS,
        "note": form_data.text(request.POST, "note", limit=100),
        "link": link,
        "says": says,
        "error": error,
        "mails": mailer.is_on(),
        "place": "workspace",
        "tab": "people",
    }
    return render(request, "workspace/people.html", context, status=status)


@require_POST
@member
def invite(request: WorkspaceRequest) -> HttpResponse:
    days = _days(request)
    try:
        role, address = _role(request), _address(request)
        note = form_data.text(request.POST, "note", limit=100) or address
        link = members.invite(request.workspace, role, days=days, note=note, by=request.user)
    except RelayError as error:
        return _page(request, error=str(error), status=422)
    says = f"Send this link to one person. It works once, for {days} days. Role: {role.label.lower()}."
    if not address:
        return _page(request, link=link, says=says)
    until = timezone.now() + timedelta(days=days)
    send = partial(
        mailer.send_invitation, address, link, workspace=request.workspace.name, role=role.label, until=until
    )
    return _mailed(request, send, address, link=link, says=says)


def _days(request: WorkspaceRequest) -> int:
    days = form_data.text(request.POST, "days", limit=3).strip()
    return int(days) if days.isascii() and days.isdigit() else 0


def _address(request: WorkspaceRequest) -> str:
    """Return the address to mail an invitation to, or ""."""
    address = form_data.text(request.POST, "email", limit=254).strip() if mailer.is_on() else ""
    if address:
        mailer.check_address(address)
    return address


def _mailed(request: WorkspaceRequest, send: Callable[[], None], address: str, *, link: str, says: str) -> HttpResponse:
    """Send a mail and redirect. If it can't be sent, show the link on the page."""
    try:
        send()
    except RelayError as error:
        return _page(request, error=str(error), link=link, says=says, status=502)
    messages.success(request, f"The link is on its way to {address}.")
    return redirect("people")


def _role(request: WorkspaceRequest) -> Role:
    word = form_data.text(request.POST, "role", limit=10)
    if word not in Role.values:
        raise RelayError("Choose a role")
    return Role(word)


@require_POST
@member
def revoke(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    try:
        members.revoke(get_object_or_404(request.workspace.invitations, pk=invitation_id))
        messages.success(request, "Invitation revoked. Its link no longer works.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("people")


def _membership(request: WorkspaceRequest, member_id: int) -> Membership:
    memberships = request.workspace.memberships.select_related("user")
    return get_object_or_404(memberships, pk=member_id)


@require_POST
@member
def change_role(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    membership = _membership(request, member_id)
    try:
        role = _role(request)
        members.change_role(membership, role)
        messages.success(request, f"{membership.user} now has the role {role.label.lower()}.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("people")


@require_POST
@member
def remove(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    membership = _membership(request, member_id)
    asked = confirmation.ask(
        request,
        f"Remove {membership.user} from {request.workspace.name}?",
        means="They can't open this workspace any more, and their API tokens for it stop working. What they built "
        "stays.",
        button="Remove",
        back=reverse("people"),
    )
    if asked:
        return asked
    try:
        members.remove(membership, by=request.user)
        messages.success(request, f"{membership.user} is no longer a member.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("start" if membership.user_id == request.user.pk else "people")


@require_POST
@member
def leave(request: WorkspaceRequest) -> HttpResponse:
    asked = confirmation.ask(
        request,
        f"Leave {request.workspace.name}?",
        means="You can't open this workspace any more until an owner invites you again.",
        button="Leave",
        back=reverse("people"),
    )
    if asked:
        return asked
    try:
        members.remove(request.workspace.memberships.get(user=request.user), by=request.user)
        messages.success(request, f"You have left {request.workspace.name}.")
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("people")
    return redirect("account")


@require_POST
@member
def reset_link(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """Make a link for a new password. RelayError unless the owner owns all workspaces of the member."""
    membership = _membership(request, member_id)
    try:
        link = password_resets.make_link(membership.user, by=request.user)
    except RelayError as error:
        return _page(request, error=str(error), status=422)
    says = f"Send this link to {membership.user}. It sets a new password, once, within a day."
    if not mailer.is_on():
        return _page(request, link=link, says=says)
    address = membership.user.email
    return _mailed(request, partial(mailer.send_reset_link, address, link), address, link=link, says=says)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation, with the signed-in account or a new one."""
    invitation = members.find_invitation(token)
    if invitation is None:
        return render(request, "accounts/invitation_used.html", status=404)
    error = email = ""
    if request.method == "POST":
        email = form_data.text(request.POST, "email", limit=254)
        try:
            return _joined(request, invitation, email)
        except RelayError as refused:
            error = str(refused)
    context = {"invitation": invitation, "error": error, "email": email}
    return render(request, "accounts/join.html", context, status=422 if error else 200)


def _joined(request: HttpRequest, invitation: Invitation, email: str) -> HttpResponse:
    response: HttpResponse
    if isinstance(request.user, User):
        members.join(invitation, request.user)
        response = redirect("flows")
    else:
        user = members.join_as_new(invitation, email, form_data.text(request.POST, "password"))
        response = perform_login(request, user)
    request.session[WORKSPACE_KEY] = invitation.workspace_id
    messages.success(request, f"Welcome to {invitation.workspace.name}.")
    return response


@require_POST
@member
def open_workspace(request: WorkspaceRequest, workspace_id: int) -> HttpResponse:
    """Switch to another workspace of the signed-in person."""
    membership = get_object_or_404(Membership, user=request.user, workspace_id=workspace_id)
    request.session[WORKSPACE_KEY] = membership.workspace_id
    return redirect("flows")
