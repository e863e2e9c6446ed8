"""Lists, adds, changes and removes variables. The value of a secret one is never shown."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay.engine.configuration import variables
from relay.errors import RelayError
from relay.models import Variable
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import confirmation, form_data
from relay.web.workspace import removal

MAX_NAME_CHARACTERS = 64


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    used = variables.flows_by_variable(request.workspace)
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
    name = variable.name if variable else form_data.text(request.POST, "name", limit=MAX_NAME_CHARACTERS).strip()
    value, error = variable.value if variable else "", ""
    secret = "secret" in request.POST
    if request.method == "POST":
        value = form_data.text(request.POST, "value", limit=variables.MAX_CHARACTERS + 1).rstrip("\n")
        error = _save(request, variable, name, value, secret=secret)
        if not error:
            messages.success(request, f"{name} was saved.")
            return redirect("variables")
    context = {
        "variable": variable,
        "name": name,
        # A refused secret isn't sent back either.
        "value": "" if secret or (variable and variable.is_secret) else value,
        "secret": secret,
        "used": variables.used_by(variable) if variable else [],
        "error": error,
        "place": "connections",
    }
    return render(request, "variables/form.html", context, status=422 if error else 200)


def _save(request: WorkspaceRequest, variable: Variable | None, name: str, value: str, *, secret: bool) -> str:
    """Save the variable, and return the error, or ""."""
    if variable is not None and variable.is_secret and not value:
        return ""
    name_error = f"There is already a variable called {name}; choose another name"
    if variable is None and request.workspace.variables.filter(name=name).exists():
        return name_error
    try:
        variables.set_variable(request.workspace, name, value, secret=secret)
    except RelayError as error:
        return str(error)
    except IntegrityError:
        return name_error
    return ""


@require_POST
@member
def remove(request: WorkspaceRequest, variable_id: int) -> HttpResponse:
    variable = get_object_or_404(request.workspace.variables, pk=variable_id)
    asked = confirmation.ask(
        request,
        f"Remove the variable {variable.name}?",
        means="Its value is deleted. A secret value can't be shown or restored.",
        button="Remove the variable",
        back=reverse("variable", args=(variable_id,)),
    )
    return asked or removal.respond(
        request, partial(variables.remove, variable), variable.name, "variable", variable_id
    )
