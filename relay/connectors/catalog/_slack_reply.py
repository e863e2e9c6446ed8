"""How the answers of Slack's API are read, and what its words mean."""

from relay.connectors.definition import Reply

REPLY = Reply(
    ok="ok",
    error="error",
    retry=(
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "message_limit_exceeded",
    ),
    permanent=("channel_not_found", "is_archived", "not_in_channel", "msg_too_long", "invalid_blocks"),
    meanings={
        "invalid_auth": "Slack doesn't know this bot token",
        "not_authed": "The connection has no bot token",
        "account_inactive": "The bot or its workspace was deactivated",
        "token_revoked": "The bot token was revoked; the app's page OAuth & Permissions shows the current one",
        "token_expired": "The bot token has expired; the app's page OAuth & Permissions shows the current one",
        "missing_scope": "The app lacks a permission: add the scope on its page OAuth & Permissions and reinstall it",
        "channel_not_found": "There is no such channel, or the bot can't see it: check the channel's id, and invite "
        "the bot to a private channel",
        "is_archived": "The channel is archived: choose another one",
        "not_in_channel": "The bot is not a member of the channel: invite it there",
        "msg_too_long": "The message is too long: shorten it, for example with | truncate(4000)",
        "invalid_blocks": "The blocks are not as Block Kit expects them: try them in Slack's Block Kit Builder",
        "users_not_found": "Nobody in the workspace has this e-mail address",
        "user_not_found": "There is no such person in the workspace",
        "message_not_found": "The bot has posted no such message in this channel",
    },
    refused=(401,),
    refusing=(
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
    ),
)
