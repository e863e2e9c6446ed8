"""Variables: plain ones are shown, secret ones can only be written."""

from __future__ import annotations

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.engine import variables
from relay.errors import RelayError
from relay.models import Variable
from relay.web import posted
from relay.web.access import WorkspaceRequest, member

NAME_LENGTH = 64


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    used = variables.users(request.workspace)
    rows = [
        {"variable": variable, "used": used.get(variable.name, [])}
        for variable in request.workspace.variables.order_by("name")
    ]
    return render(request, "variables/list.html", {"rows": rows, "place": "connections"})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def add(request: WorkspaceRequest) -> HttpResponse:
    return _form(request, None)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@member
def change(request: WorkspaceRequest, variable_id: int) -> HttpResponse:
    return _form(request, get_object_or_404(request.workspace.variables, pk=variable_id))


def _form(request: WorkspaceRequest, variable: Variable | None) -> HttpResponse:
    name = variable.name if variable else posted.text(request.POST, "name", limit=NAME_LENGTH).strip()
    value, error = variable.value if variable else "", ""
    secret = "secret" in request.POST
    if request.method == "POST":
        value = posted.text(request.POST, "value", limit=variables.MOST_CHARACTERS + 1).rstrip("\n")
        error = _save(request, variable, name, value, secret=secret)
        if not error:
            messages.success(request, f"{name} is kept.")
            return redirect("variables")
    context = {
        "variable": variable,
        "name": name,
        # What was to be a secret doesn't come back either.
        "value": "" if secret or (variable and variable.is_secret) else value,
        "secret": secret,
        "used": variables.used_by(variable) if variable else [],
        "error": error,
        "place": "connections",
    }
    return render(request, "variables/form.html", context, status=422 if error else 200)


def _save(request: WorkspaceRequest, variable: Variable | None, name: str, value: str, *, secret: bool) -> str:
    """What kept it from being saved, or nothing."""
    if variable is not None and variable.is_secret and not value:
        return ""
    taken = f"There is a variable called {name} already; choose another name"
    if variable is None and request.workspace.variables.filter(name=name).exists():
        return taken
    try:
        variables.set_variable(request.workspace, name, value, secret=secret)
    except RelayError as error:
        return str(error)
    except IntegrityError:
        return taken
    return ""


@require_POST
@member
def remove(request: WorkspaceRequest, variable_id: int) -> HttpResponse:
    variable = get_object_or_404(request.workspace.variables, pk=variable_id)
    name = variable.name
    try:
        variables.remove(variable)
    except RelayError as error:
        messages.error(request, str(error))
        return redirect("variable", variable_id)
    messages.success(request, f"{name} is removed.")
    return redirect("variables")
