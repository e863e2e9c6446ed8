"""Asana: tasks, and events by webhook."""

from relay.connectors.definition import (
    Action,
    BearerAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OptionSource,
    Output,
    Paging,
    Preset,
    Reply,
    Subscription,
    Success,
)
from relay.signatures import Handshake, Respond, Scheme, Signature, When

GID = "[0-9]{1,32}"
NEXT = Paging(cursor="next_page.offset", parameter="offset")
TASK = Field("task", "Task", required=True, pattern=GID, example="1204619611402340", help="The task's id.")
PROJECT = Field("project", "Project", required=True, source="projects", pattern=GID, example="1204619611402300")
DETAILS = (
    Field("notes", "Description", kind="text", max_length=65_535, example="Two boxes"),
    Field(
        "assignee",
        "Assigned to",
        source="users",
        max_length=320,
        example="ada@example.com",
        help="The id or e-mail address of a person, or the word me.",
    ),
    Field("due_on", "Due date", kind="date", example="2026-01-31", help="Leave it empty if there is a time."),
    # https://developers.asana.com/reference/tasks: due_on and due_at should not be used together.
    Field("due_at", "Due date and time", kind="datetime", example="2026-01-31T12:00:00Z", excludes="due_on"),
)
CHANGED = (
    Output("id", "Task id", "data.gid", example="1204619611402340"),
    Output(
        "url", "Task URL", "data.permalink_url", example="https://app.asana.com/0/1204619611402300/1204619611402340"
    ),
)

ASANA = Connector(
    key="asana",
    label="Asana",
    docs="https://developers.asana.com/reference/rest-api-reference",
    help="Creates, changes and finds tasks.",
    categories=("tasks",),
    hosts=("app.asana.com",),
    base_url="https://app.asana.com/api/1.0",
    auth=BearerAuth(),
    connection=(
        Field(
            "token",
            "Personal access token",
            required=True,
            secret=True,
            pattern="[0-9A-Za-z/:_-]{16,300}",
            example="2/1204619611402300/1204619611402301:0123456789abcdef",
            help="Create one under My apps in Asana's developer console.",
        ),
    ),
    reply=Reply(error="errors.0.message", refused=(401,)),
    test=ConnectionTest(Call("test", "Test the token", url="/users/me"), identity="{{ body.data.name }}"),
    sources=(
        OptionSource(
            "projects",
            Call(
                "projects",
                "List the projects",
                url="/projects",
                query={"archived": "false", "opt_fields": "name", "limit": "100"},
            ),
            rows="data",
            value="{{ row.gid }}",
            paging=NEXT,
        ),
        OptionSource(
            "workspaces",
            Call("workspaces", "List the workspaces", url="/workspaces", query={"limit": "100"}),
            rows="data",
            value="{{ row.gid }}",
            paging=NEXT,
        ),
        OptionSource(
            "users",
            Call("users", "List the people", url="/users", query={"opt_fields": "name", "limit": "100"}),
            rows="data",
            value="{{ row.gid }}",
            paging=NEXT,
        ),
    ),
    presets=(
        Preset(
            key="asana",
            label="Asana",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-hook-signature", "hex")),
            secret=(Field("secret", "Hook secret", required=True, secret=True, help="Set by the handshake."),),
            handshakes=(
                Handshake(
                    key="asana_handshake",
                    when=When(present=("header:x-hook-secret",)),
                    auth="setup_only",
                    store="header:x-hook-secret",
                    shapes={"header:x-hook-secret": "[!-~]{8,256}"},
                    respond=Respond(headers={"X-Hook-Secret": "{header:x-hook-secret}"}),
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.events[0].action }}",
            example="changed",
            help="The handshake sets it when the webhook is created; nothing needs to be entered.",
            success=Success(200, ""),
            docs="https://developers.asana.com/docs/webhooks-guide",
            subscription=Subscription(
                subscribe=Call(
                    "subscribe",
                    "Create the webhook",
                    "POST",
                    "/webhooks",
                    json={"data": {"resource": "{{ inputs.project }}", "target": "{{ url }}"}},
                    repeatable=False,
                ),
                unsubscribe=Call(
                    "unsubscribe",
                    "Delete the webhook",
                    "DELETE",
                    "/webhooks/{{ subscription.id | urlencode }}",
                    absent=(404,),
                ),
                id="data.gid",
                existing=Call(
                    "webhooks",
                    "Webhooks",
                    url="/webhooks",
                    query={
                        "workspace": "{{ inputs.workspace }}",
                        "resource": "{{ inputs.project }}",
                        "opt_fields": "target",
                        "limit": "100",
                    },
                ),
                rows="data",
                match="{{ row.target == url }}",
                row_id="gid",
                inputs=(
                    Field(
                        "workspace",
                        "Workspace",
                        required=True,
                        source="workspaces",
                        pattern=GID,
                        example="1204619611402200",
                        help="The one that the project is in.",
                    ),
                    PROJECT,
                ),
                docs="https://developers.asana.com/reference/createwebhook",
            ),
        ),
    ),
    actions=(
        Action(
            key="create_task",
            label="Create a task",
            inputs=(
                PROJECT,
                Field("name", "Name", required=True, max_length=1024, example="Pack order 1001"),
                *DETAILS,
            ),
            url="/tasks",
            json={
                "data": {
                    "projects": ["{{ inputs.project }}"],
                    "name": "{{ inputs.name }}",
                    "notes": "{{ inputs.notes }}",
                    "assignee": "{{ inputs.assignee }}",
                    "due_on": "{{ inputs.due_on }}",
                    "due_at": "{{ inputs.due_at }}",
                }
            },
            outputs=CHANGED,
            repeatable=False,
            proof="spec",
            docs="https://developers.asana.com/reference/createtask",
        ),
        Action(
            key="update_task",
            label="Change a task",
            help="Empty fields stay as they are.",
            inputs=(TASK, Field("name", "Name", max_length=1024, example="Pack order 1001"), *DETAILS),
            method="PUT",
            url="/tasks/{{ inputs.task | urlencode }}",
            json={
                "data": {
                    "name": "{{ inputs.name }}",
                    "notes": "{{ inputs.notes }}",
                    "assignee": "{{ inputs.assignee }}",
                    "due_on": "{{ inputs.due_on }}",
                    "due_at": "{{ inputs.due_at }}",
                }
            },
            outputs=CHANGED,
            docs="https://developers.asana.com/reference/updatetask",
        ),
        Action(
            key="complete_task",
            label="Complete a task",
            inputs=(TASK,),
            method="PUT",
            url="/tasks/{{ inputs.task | urlencode }}",
            json={"data": {"completed": True}},
            outputs=CHANGED,
            docs="https://developers.asana.com/reference/updatetask",
        ),
        Action(
            key="add_comment",
            label="Comment on a task",
            inputs=(
                TASK,
                Field("text", "Comment", kind="text", required=True, max_length=65_535, example="Sent at noon"),
            ),
            url="/tasks/{{ inputs.task | urlencode }}/stories",
            json={"data": {"text": "{{ inputs.text }}"}},
            outputs=(Output("id", "Comment id", "data.gid", example="1204619611402399"),),
            repeatable=False,
            docs="https://developers.asana.com/reference/createstoryfortask",
        ),
        Action(
            key="list_due_tasks",
            label="Find tasks that are due soon",
            help="Of the first 100 open tasks of a project, lists those that are due within the given number of hours. "
            "A task that has only a date is due on that day in UTC.",
            inputs=(
                PROJECT,
                Field("hours", "Hours", kind="integer", default=24, minimum=1, maximum=8760, example=24),
                Field("overdue", "Include overdue tasks", kind="boolean", default=False, example=False),
            ),
            method="GET",
            url="/projects/{{ inputs.project | urlencode }}/tasks",
            query={
                "completed_since": "now",
                "opt_fields": "name,due_on,due_at,completed,permalink_url,assignee.name,assignee.email",
                "limit": "100",
            },
            outputs=(
                Output(
                    "tasks",
                    "Tasks",
                    "data",
                    value="{{ (body.data | where('due_at')"
                    " | selectattr('due_at', 'ge', '' if inputs.overdue else now())"
                    " | selectattr('due_at', 'le', now() | date_add(inputs.hours, 'hours')) | list)"
                    " + (body.data | rejectattr('due_at') | where('due_on')"
                    " | selectattr('due_on', 'ge', '' if inputs.overdue else now() | first(10))"
                    " | selectattr('due_on', 'le', now() | date_add(inputs.hours, 'hours') | first(10)) | list) }}",
                    example=[{"gid": "1204619611402340", "name": "Pack order 1001", "due_on": "2026-01-31"}],
                ),
            ),
            docs="https://developers.asana.com/reference/gettasksforproject",
        ),
    ),
)
