"""Rows, and the rules about one row or one set of rows."""

from relay.models.accounts import Membership, Role, User, Workspace
from relay.models.connections import Connection
from relay.models.flows import Flow, FlowState, Revision, Trigger, Version
from relay.models.inbox import InboxMessage
from relay.models.lease import Lease
from relay.models.ledger import Attempt, AttemptState, Event, EventState, Run, RunState

__all__ = [
    "Attempt",
    "AttemptState",
    "Connection",
    "Event",
    "EventState",
    "Flow",
    "FlowState",
    "InboxMessage",
    "Lease",
    "Membership",
    "Revision",
    "Role",
    "Run",
    "RunState",
    "Trigger",
    "User",
    "Version",
    "Workspace",
]
