"""The people of a workspace: members and their roles, invitations, and joining by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.engine import accounts, mailing, members
from relay.errors import RelayError
from relay.models import Invitation, Membership, Role, User
from relay.web import posted
from relay.web.access import WorkspaceRequest, member
from relay.web.middleware import CHOSEN

DAYS = 7


@require_GET
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: WorkspaceRequest, *, link: str = "", says: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    """The page; `link` is a link that was just made and is shown this once, `says` what it is for."""
    people = request.workspace.memberships.select_related("user").order_by("user__email")
    invitations = request.workspace.invitations.open() if request.role.allows(Role.OWNER) else []
    context = {
        "people": people,
        "invitations": invitations,
        "roles": Role.choices,
        "days": posted.text(request.POST, "days", limit=3) or DAYS,
        "note": posted.text(request.POST, "note", limit=100),
        "link": link,
        "says": says,
        "error": error,
        "mails": mailing.is_on(),
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
        note = posted.text(request.POST, "note", limit=100) or address
        link = members.invite(request.workspace, role, days=days, note=note, by=request.user)
    except RelayError as error:
        return _page(request, error=str(error), status=422)
    says = f"Send this link to whom you invite. It makes one person {role.label.lower()}, once, within {days} days."
    if not address:
        return _page(request, link=link, says=says)
    until = timezone.now() + timedelta(days=days)
    send = partial(
        mailing.send_invitation, address, link, workspace=request.workspace.name, role=role.label, until=until
    )
    return _mailed(request, send, address, link=link, says=says)


def _days(request: WorkspaceRequest) -> int:
    days = posted.text(request.POST, "days", limit=3).strip()
    return int(days) if days.isascii() and days.isdigit() else 0


def _address(request: WorkspaceRequest) -> str:
    """Where an invitation is mailed to; "" where nothing is mailed."""
    address = posted.text(request.POST, "email", limit=254).strip() if mailing.is_on() else ""
    if address:
        mailing.check_address(address)
    return address


def _mailed(request: WorkspaceRequest, send: Callable[[], None], address: str, *, link: str, says: str) -> HttpResponse:
    """What became of a mail; where it could not be sent, the page has the link."""
    try:
        send()
    except RelayError as error:
        return _page(request, error=str(error), link=link, says=says, status=502)
    messages.success(request, f"The link is on its way to {address}.")
    return redirect("people")


def _role(request: WorkspaceRequest) -> Role:
    word = posted.text(request.POST, "role", limit=10)
    if word not in Role.values:
        raise RelayError("Choose a role")
    return Role(word)


@require_POST
@member
def revoke(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    try:
        members.revoke(get_object_or_404(request.workspace.invitations, pk=invitation_id))
        messages.success(request, "The invitation is revoked: its link opens nothing any more.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("people")


def _membership(request: WorkspaceRequest, member_id: int) -> Membership:
    found = request.workspace.memberships.select_related("user")
    return get_object_or_404(found, pk=member_id)


@require_POST
@member
def change_role(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    one = _membership(request, member_id)
    try:
        role = _role(request)
        members.change_role(one, role)
        messages.success(request, f"{one.user} is {role.label.lower()} now.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("people")


@require_POST
@member
def remove(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    one = _membership(request, member_id)
    try:
        members.remove(one, by=request.user)
        messages.success(request, f"{one.user} is no member any more.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("start" if one.user_id == request.user.pk else "people")


@require_POST
@member
def leave(request: WorkspaceRequest) -> HttpResponse:
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
    """A link for a new password, for a member of whom the owner owns all workspaces."""
    one = _membership(request, member_id)
    if not members.may_reset(request.user, one.user):
        where = f"relay user reset-link {one.user.email}"
        return _page(request, error=f"{one.user} is also in a workspace that isn't yours: use `{where}`", status=422)
    says = f"Send this link to {one.user}. It opens a page for a new password, once, within a day."
    link = accounts.reset_link(one.user)
    if not mailing.is_on():
        return _page(request, link=link, says=says)
    address = one.user.email
    return _mailed(request, partial(mailing.send_reset_link, address, link), address, link=link, says=says)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Become a member by an invitation: with the account that is signed in, or with a new one."""
    invitation = members.invitation(token)
    if invitation is None:
        return render(request, "accounts/invitation_used.html", status=404)
    error = email = ""
    if request.method == "POST":
        email = posted.text(request.POST, "email", limit=254)
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
        user = members.join_as_new(invitation, email, posted.text(request.POST, "password"))
        response = perform_login(request, user)
    request.session[CHOSEN] = invitation.workspace_id
    messages.success(request, f"Welcome to {invitation.workspace.name}.")
    return response


@require_POST
@member
def open_workspace(request: WorkspaceRequest, workspace_id: int) -> HttpResponse:
    """Work in another workspace of one's own from now on."""
    membership = get_object_or_404(Membership, user=request.user, workspace_id=workspace_id)
    request.session[CHOSEN] = membership.workspace_id
    return redirect("flows")
