"""The database models, and the rules about one row or one set of rows."""

from relay.models.accounts import Membership, Role, User, Workspace
from relay.models.audit import ActorKind, AuditEntry
from relay.models.batches import Batch, BatchState, ReplayMode
from relay.models.cache_table import Count
from relay.models.connections import Connection, OAuthClient, PendingAuthorization
from relay.models.destinations import Destination, DestinationState
from relay.models.events_and_runs import Attempt, AttemptState, Event, EventState, HeldBy, Run, RunState, Seen
from relay.models.files import FileArea, FileChunk, StoredFile
from relay.models.flows import Flow, FlowState, Trigger, Version
from relay.models.inbox import InboxMessage
from relay.models.invitations_and_tokens import ApiToken, Invitation, Scope
from relay.models.issues import Issue, IssueKind, IssueState
from relay.models.lease import Lease
from relay.models.rejections import Rejection, Unkept, Why
from relay.models.samples import Sample
from relay.models.schedules import Schedule
from relay.models.secrets import TriggerSecret
from relay.models.stepstates import Gathered, StepState
from relay.models.subscriptions import SubscriptionState, TriggerSubscription
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
    "FileArea",
    "FileChunk",
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
    "OAuthClient",
    "PendingAuthorization",
    "Rejection",
    "ReplayMode",
    "Role",
    "Run",
    "RunState",
    "Sample",
    "Schedule",
    "Scope",
    "Seen",
    "StepState",
    "StoredFile",
    "SubscriptionState",
    "Trigger",
    "TriggerSecret",
    "TriggerSubscription",
    "Unkept",
    "User",
    "Variable",
    "Version",
    "Why",
    "Workspace",
]
