"""GitHub: issues and workflows, and events by webhook."""

from dataclasses import replace

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
    Wait,
)
from relay.signatures import Handshake, Scheme, Signature, When

REPOSITORY = Field(
    "repository",
    "Repository",
    required=True,
    source="repositories",
    pattern=r"[A-Za-z0-9-]{1,100}/[A-Za-z0-9._-]{1,100}",
    example="acme/shop",
    help="The owner and the name, such as acme/shop.",
)
NUMBER = Field("number", "Issue", kind="integer", required=True, minimum=1, example=42, help="The number of the issue.")
LABELS = Field(
    "labels", "Labels", kind="list", source="labels", max_items=100, example=["bug"], help="Names of labels."
)
PATH = "/repos/{{ inputs.repository | before('/') | urlencode }}/{{ inputs.repository | after('/') | urlencode }}"
ISSUE = PATH + "/issues/{{ inputs.number | urlencode }}"
ISSUES = "https://docs.github.com/en/rest/issues"
CHANGED = (
    Output("number", "Issue number", "number", example=42),
    Output("url", "Issue URL", "html_url", example="https://github.com/acme/shop/issues/42"),
    Output("state", "State", "state", example="open"),
)
LINKS = Paging(link="header")

GITHUB = Connector(
    key="github",
    label="GitHub",
    docs="https://docs.github.com/en/rest",
    help="Creates, changes and finds issues, and starts workflows.",
    categories=("development",),
    hosts=("api.github.com",),
    base_url="https://api.github.com",
    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    auth=BearerAuth(),
    connection=(
        Field(
            "token",
            "Access token",
            required=True,
            secret=True,
            pattern=r"(ghp_|gho_|ghs_|github_pat_)[0-9A-Za-z_]{16,250}",
            example="github_pat_0123456789abcdefghij",
            help="A fine-grained token with read and write access to issues and, for starting workflows, to actions.",
        ),
    ),
    # A limit is answered with 403 or 429; only the message tells it from a missing permission.
    reply=Reply(
        error="message",
        refused=(401,),
        retry=("rate limit",),
        wait=(Wait("x-ratelimit-reset", "unix", only_if=("x-ratelimit-remaining", "0")),),
    ),
    test=ConnectionTest(Call("test", "Test the token", url="/user"), identity="{{ body.login }}"),
    sources=(
        OptionSource(
            "repositories",
            Call(
                "repositories", "List the repositories", url="/user/repos", query={"sort": "pushed", "per_page": "100"}
            ),
            value="{{ row.full_name }}",
            label="{{ row.full_name }}",
            paging=LINKS,
        ),
        OptionSource(
            "labels",
            Call("labels", "List the labels", url=PATH + "/labels", query={"per_page": "100"}),
            value="{{ row.name }}",
            needs=("repository",),
            paging=LINKS,
        ),
        OptionSource(
            "assignees",
            Call("assignees", "List the people", url=PATH + "/assignees", query={"per_page": "100"}),
            value="{{ row.login }}",
            label="{{ row.login }}",
            needs=("repository",),
            paging=LINKS,
        ),
        OptionSource(
            "workflows",
            Call("workflows", "List the workflows", url=PATH + "/actions/workflows", query={"per_page": "100"}),
            rows="workflows",
            needs=("repository",),
            paging=LINKS,
        ),
    ),
    presets=(
        Preset(
            key="github",
            label="GitHub",
            body_types=("json", "form"),
            form_fields=("payload",),
            verify=Scheme(
                kind="hmac", signature=Signature("header:x-hub-signature-256", "lower_hex", prefix="sha256=")
            ),
            secret=(
                Field("secret", "Secret", required=True, secret=True, help="The secret of the webhook, chosen by you."),
            ),
            handshakes=(
                Handshake(key="github_ping", when=When(equals={"header:x-github-event": "ping"}), auth="signed"),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.headers['x-github-event'] }}",
            example="push",
            caution="Only the body is signed, not the type of event, the delivery id or a time. Deliveries with "
            "the same body within a day count as one event; a recorded one can be sent again later.",
            docs="https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
            subscription=Subscription(
                subscribe=Call(
                    "subscribe",
                    "Create the webhook",
                    "POST",
                    PATH + "/hooks",
                    json={
                        "name": "web",
                        "active": True,
                        "events": "{{ inputs.events }}",
                        "config": {"url": "{{ url }}", "content_type": "json", "secret": "{{ secret }}"},
                    },
                    repeatable=False,
                ),
                unsubscribe=Call(
                    "unsubscribe",
                    "Delete the webhook",
                    "DELETE",
                    PATH + "/hooks/{{ subscription.id | urlencode }}",
                    absent=(404,),
                ),
                existing=Call("hooks", "Webhooks", url=PATH + "/hooks", query={"per_page": "100"}),
                match="{{ row.config.url == url }}",
                makes_secret=True,
                inputs=(
                    REPOSITORY,
                    Field(
                        "events",
                        "Events",
                        kind="list",
                        required=True,
                        default=["push"],
                        example=["push", "issues"],
                        max_items=100,
                        help="Their names in GitHub's documentation, such as push, issues, release; * for all.",
                    ),
                ),
                docs="https://docs.github.com/en/rest/repos/webhooks#create-a-repository-webhook",
                help="The token needs the repository permission “Webhooks”, read and write.",
            ),
        ),
    ),
    actions=(
        Action(
            key="create_issue",
            label="Create an issue",
            inputs=(
                REPOSITORY,
                Field("title", "Title", required=True, max_length=256, example="Stock is counted twice"),
                Field("body", "Text", kind="text", max_length=65_536, example="Since Monday.", help="Markdown."),
                LABELS,
                Field(
                    "assignees",
                    "Assigned to",
                    kind="list",
                    source="assignees",
                    max_items=10,
                    example=["ada"],
                    help="User names.",
                ),
            ),
            url=PATH + "/issues",
            json={
                "title": "{{ inputs.title }}",
                "body": "{{ inputs.body }}",
                "labels": "{{ inputs.labels }}",
                "assignees": "{{ inputs.assignees }}",
            },
            outputs=CHANGED,
            repeatable=False,
            proof="spec",
            docs=ISSUES + "/issues#create-an-issue",
        ),
        Action(
            key="add_comment",
            label="Comment on an issue",
            help="Also comments on pull requests, which are numbered together with issues.",
            inputs=(
                REPOSITORY,
                NUMBER,
                Field("body", "Comment", kind="text", required=True, max_length=65_536, example="Fixed in 1.2."),
            ),
            url=ISSUE + "/comments",
            json={"body": "{{ inputs.body }}"},
            outputs=(
                Output("id", "Comment id", "id", example=1999999999),
                Output(
                    "url", "Comment URL", "html_url", example="https://github.com/acme/shop/issues/42#issuecomment-1"
                ),
            ),
            repeatable=False,
            proof="spec",
            docs=ISSUES + "/comments#create-an-issue-comment",
        ),
        Action(
            key="close_issue",
            label="Close an issue",
            inputs=(
                REPOSITORY,
                NUMBER,
                Field(
                    "reason",
                    "Reason",
                    kind="choice",
                    options=("completed", "not_planned"),
                    default="completed",
                    example="completed",
                ),
            ),
            method="PATCH",
            url=ISSUE,
            json={"state": "closed", "state_reason": "{{ inputs.reason }}"},
            outputs=CHANGED,
            docs=ISSUES + "/issues#update-an-issue",
        ),
        Action(
            key="reopen_issue",
            label="Reopen an issue",
            inputs=(REPOSITORY, NUMBER),
            method="PATCH",
            url=ISSUE,
            json={"state": "open"},
            outputs=CHANGED,
            docs=ISSUES + "/issues#update-an-issue",
        ),
        Action(
            key="add_labels",
            label="Add labels to an issue",
            help="GitHub creates labels that don't exist.",
            inputs=(REPOSITORY, NUMBER, replace(LABELS, required=True)),
            url=ISSUE + "/labels",
            json={"labels": "{{ inputs.labels }}"},
            docs=ISSUES + "/labels#add-labels-to-an-issue",
        ),
        Action(
            key="find_issue",
            label="Find an issue",
            help="Searches titles and texts. A new issue is found only after some seconds.",
            inputs=(
                REPOSITORY,
                Field(
                    "text",
                    "Words",
                    required=True,
                    max_length=150,
                    example="counted twice",
                    help="You can use GitHub's search syntax, such as in:title and label:bug.",
                ),
                Field(
                    "state",
                    "State",
                    kind="choice",
                    options=("open", "closed", "any"),
                    default="open",
                    example="open",
                ),
            ),
            method="GET",
            url="/search/issues",
            query={
                "q": "repo:{{ inputs.repository }} is:issue"
                "{{ '' if inputs.state == 'any' else ' is:' ~ inputs.state }} {{ inputs.text }}",
                "per_page": "10",
            },
            outputs=(
                Output("count", "Issues found", "total_count", example=1),
                Output("number", "Number of the first", "items.0.number", example=42),
                Output("url", "URL of the first", "items.0.html_url", example="https://github.com/acme/shop/issues/42"),
                Output("issues", "Issues", "items", example=[{"number": 42, "title": "Stock is counted twice"}]),
            ),
            docs="https://docs.github.com/en/rest/search/search#search-issues-and-pull-requests",
        ),
        Action(
            key="dispatch_workflow",
            label="Start a workflow",
            help="The workflow must have the trigger workflow_dispatch.",
            inputs=(
                REPOSITORY,
                Field(
                    "workflow",
                    "Workflow",
                    required=True,
                    source="workflows",
                    pattern=r"[0-9]{1,20}|[\w .-]{1,100}\.ya?ml",
                    example="deploy.yml",
                    help="The workflow's id, or the name of its file.",
                ),
                Field("ref", "Branch or tag", required=True, max_length=250, default="main", example="main"),
                Field(
                    "inputs",
                    "Inputs",
                    kind="json",
                    example={"environment": "test"},
                    help="Values for up to 25 inputs that the workflow declares, by their names.",
                ),
            ),
            url=PATH + "/actions/workflows/{{ inputs.workflow | urlencode }}/dispatches",
            json={"ref": "{{ inputs.ref }}", "inputs": "{{ inputs.inputs }}"},
            repeatable=False,
            docs="https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event",
        ),
    ),
)
