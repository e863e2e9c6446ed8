"""Lists the checks of the catalogue, and runs all of them over one connector."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from relay.connectors.conformance import answer_checks, record_checks, request_checks
from relay.connectors.definition import Action, Connector
from relay.errors import RelayError

ActionCheck = Callable[[Connector, Action], Iterator[str]]
ConnectorCheck = Callable[[Connector], Iterator[str]]

CONNECTOR_CHECKS: tuple[ConnectorCheck, ...] = (record_checks.connection_faults,)
ACTION_CHECKS: tuple[ActionCheck, ...] = (
    record_checks.label_faults,
    record_checks.field_faults,
    record_checks.template_faults,
    request_checks.build_faults,
    request_checks.needed_faults,
    request_checks.limit_faults,
    request_checks.secret_faults,
    answer_checks.success_faults,
    answer_checks.failure_faults,
    answer_checks.word_faults,
    answer_checks.broken_faults,
)


def faults(connector: Connector) -> Iterator[str]:
    """Yields a sentence for everything that is wrong with a connector, with the key of its action."""
    for check_connector in CONNECTOR_CHECKS:
        yield from (f"{connector.key}: {fault}" for fault in check_connector(connector))
    for action in connector.actions:
        for check in ACTION_CHECKS:
            yield from _faults(check, connector, action)


def _faults(check: ActionCheck, connector: Connector, action: Action) -> Iterator[str]:
    name = f"{connector.key}.{action.key}"
    try:
        yield from (f"{name}: {fault}" for fault in check(connector, action))
    except RelayError as error:
        # A fault of the records, which another check describes, keeps this check from its end.
        yield f"{name}: {error}"
