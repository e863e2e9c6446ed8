"""Rows, and the rules about one row or one set of rows."""

from relay.models.access import ApiToken, Invitation, Scope
from relay.models.accounts import Membership, Role, User, Workspace
from relay.models.audit import ActorKind, AuditEntry
from relay.models.batches import Batch, BatchState, ReplayMode
from relay.models.connections import Connection
from relay.models.counts import Count
from relay.models.destinations import Destination, DestinationState
from relay.models.flows import Flow, FlowState, Revision, Trigger, Version
from relay.models.inbox import InboxMessage
from relay.models.issues import Issue, IssueKind, IssueState
from relay.models.lease import Lease
from relay.models.ledger import Attempt, AttemptState, Event, EventState, HeldBy, Run, RunState, Seen
from relay.models.rejections import Rejection, Unkept, Why
from relay.models.samples import Sample
from relay.models.schedules import Schedule
from relay.models.secrets import TriggerSecret
from relay.models.stepstates import Gathered, StepState
from relay.models.variables import Variable

__all__ = [
    "ActorKind",
    "ApiToken",
    "Attempt",
    "AttemptState",
    "AuditEntry",
    "Batch",
    "BatchState",
    "Connection",
    "Count",
    "Destination",
    "DestinationState",
    "Event",
    "EventState",
    "Flow",
    "FlowState",
    "Gathered",
    "HeldBy",
    "InboxMessage",
    "Invitation",
    "Issue",
    "IssueKind",
    "IssueState",
    "Lease",
    "Membership",
    "Rejection",
    "ReplayMode",
    "Revision",
    "Role",
    "Run",
    "RunState",
    "Sample",
    "Schedule",
    "Scope",
    "Seen",
    "StepState",
    "Trigger",
    "TriggerSecret",
    "Unkept",
    "User",
    "Variable",
    "Version",
    "Why",
    "Workspace",
]
