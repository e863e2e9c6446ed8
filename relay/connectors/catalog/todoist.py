"""Todoist: tasks."""

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
    Reply,
)

TASK = Field(
    "task_id", "Task", required=True, pattern="[0-9A-Za-z]{1,40}", example="6X7rM8997g3RQmvh", help="The task's id."
)

TODOIST = Connector(
    key="todoist",
    label="Todoist",
    docs="https://developer.todoist.com/api/v1/",
    help="Creates, completes and finds tasks.",
    categories=("tasks",),
    hosts=("api.todoist.com",),
    base_url="https://api.todoist.com/api/v1",
    auth=BearerAuth(),
    connection=(
        Field(
            "token",
            "API token",
            required=True,
            secret=True,
            pattern="[0-9a-zA-Z_-]{20,100}",
            example="0123456789abcdef0123456789abcdef01234567",
            help="In Todoist, under Settings, Integrations, Developer.",
        ),
    ),
    reply=Reply(error="error", refused=(401,)),
    test=ConnectionTest(
        Call("test", "Test the token", url="/user"), identity="{{ body.full_name }} ({{ body.email }})"
    ),
    sources=(
        OptionSource(
            "projects",
            Call("projects", "List the projects", url="/projects", query={"limit": "200"}),
            rows="results",
            paging=Paging(cursor="next_cursor", parameter="cursor"),
        ),
        OptionSource(
            "sections",
            Call(
                "sections",
                "List the sections",
                url="/sections",
                query={"project_id": "{{ inputs.project_id }}", "limit": "200"},
            ),
            rows="results",
            needs=("project_id",),
            paging=Paging(cursor="next_cursor", parameter="cursor"),
        ),
    ),
    actions=(
        Action(
            key="create_task",
            label="Create a task",
            inputs=(
                Field("content", "Name", required=True, max_length=500, example="Pack order 1001"),
                Field(
                    "description", "Description", kind="text", max_length=16_383, example="Two boxes", help="Markdown."
                ),
                Field(
                    "project_id",
                    "Project",
                    source="projects",
                    pattern="[0-9A-Za-z]{1,40}",
                    example="6Jf8VQXxpwv56VQ7",
                    help="The project's id. If empty, the inbox.",
                ),
                Field(
                    "section_id", "Section", source="sections", pattern="[0-9A-Za-z]{1,40}", example="3Ty8VQXxpwv28PK3"
                ),
                Field("labels", "Labels", kind="list", example=["shop"], help="Names of labels."),
                Field(
                    "priority",
                    "Priority",
                    kind="integer",
                    minimum=1,
                    maximum=4,
                    example=4,
                    help="1 is normal, 4 is urgent.",
                ),
                Field(
                    "due_string",
                    "Due",
                    max_length=150,
                    example="tomorrow at 9:00",
                    help="As you would type it in Todoist.",
                ),
            ),
            url="/tasks",
            json={
                "content": "{{ inputs.content }}",
                "description": "{{ inputs.description }}",
                "project_id": "{{ inputs.project_id }}",
                "section_id": "{{ inputs.section_id }}",
                "labels": "{{ inputs.labels }}",
                "priority": "{{ inputs.priority }}",
                "due_string": "{{ inputs.due_string }}",
            },
            outputs=(Output("id", "Task id", "id", example="6X7rM8997g3RQmvh"),),
            repeatable=False,
            docs="https://developer.todoist.com/api/v1/#tag/Tasks/operation/create_task_api_v1_tasks_post",
        ),
        Action(
            key="complete_task",
            label="Complete a task",
            help="A recurring task moves to its next date, so completing it is not repeated.",
            inputs=(TASK,),
            url="/tasks/{{ inputs.task_id | urlencode }}/close",
            repeatable=False,
            docs="https://developer.todoist.com/api/v1/#tag/Tasks/operation/close_task_api_v1_tasks__task_id__close_post",
        ),
        Action(
            key="add_comment",
            label="Comment on a task",
            inputs=(
                TASK,
                Field("content", "Comment", kind="text", required=True, max_length=15_000, example="Sent at noon"),
            ),
            url="/comments",
            json={"task_id": "{{ inputs.task_id }}", "content": "{{ inputs.content }}"},
            outputs=(Output("id", "Comment id", "id", example="6XGgm6PHrGgMpCFX"),),
            repeatable=False,
            docs="https://developer.todoist.com/api/v1/#tag/Comments/operation/create_comment_api_v1_comments_post",
        ),
        Action(
            key="list_due_tasks",
            label="Find tasks that are due soon",
            help="Lists up to 200 open tasks of all projects that are due within the given number of hours.",
            inputs=(
                Field("hours", "Hours", kind="integer", default=24, minimum=1, maximum=8760, example=24),
                Field("overdue", "Include overdue tasks", kind="boolean", default=False, example=False),
            ),
            method="GET",
            url="/tasks/filter",
            query={
                "query": "due before: +{{ inputs.hours }} hours{{ '' if inputs.overdue else ' & !overdue' }}",
                "lang": "en",
                "limit": "200",
            },
            outputs=(
                Output(
                    "tasks",
                    "Tasks",
                    "results",
                    example=[{"id": "6X7rM8997g3RQmvh", "content": "Pack order 1001", "due": {"date": "2026-01-31"}}],
                ),
            ),
            docs="https://developer.todoist.com/api/v1/#tag/Tasks/operation/get_tasks_by_filter_api_v1_tasks_filter_get",
        ),
    ),
)
