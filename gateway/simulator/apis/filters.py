"""Processing directives: which of a type's notifications a subscription wants.

Amazon's filter expressions are CEL. Of that the simulator understands comparisons of a field with
a literal by `==` and `!=`, joined by `&&` or by `||`; whatever else is refused when the
subscription is made, as a wrong expression is. Source: Amazon's page "Filter Notification
Subscriptions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from gateway.simulator.spapi.answers import bad_input

if TYPE_CHECKING:
    from gateway.simulator.payloads import Kind, Subject

Directive: TypeAlias = Mapping[str, Any]

_EVENT_FILTER_TYPES = frozenset(
    {"ANY_OFFER_CHANGED", "ORDER_CHANGE", "SHIPMENT_TRACKING_MILESTONE_CHANGED"}
)
_FILTER_NEEDED = frozenset({"ORDER_CHANGE", "SHIPMENT_TRACKING_MILESTONE_CHANGED"})
_ORDER_CHANGE_TYPES = frozenset({"OrderStatusChange", "BuyerRequestedChange", "DeliveryTipChange"})
_PERIODS = frozenset({"FiveMinutes", "TenMinutes"})
_MAX_EXPRESSION = 256
_COMPARISON = re.compile(r"""\s*([A-Za-z][\w.]*)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|(\w+))\s*""")
_LITERALS: Mapping[str, object] = {"true": True, "false": False, "null": None}


def check_directive(type_: str, kind: Kind, directive: Directive | None) -> None:
    """Let a directive through that Amazon would take for the type.

    Raises:
        RefusalError: It is missing where one is required, or wrong.
    """
    directive = directive or {}
    event_filter, expression = directive.get("eventFilter"), directive.get("filterExpression")
    if event_filter is not None and expression is not None:
        raise bad_input("eventFilter and filterExpression exclude each other.")
    if expression is not None:
        _check_expression(kind, expression)
    elif event_filter is not None:
        _check_event_filter(type_, event_filter)
    elif type_ in _FILTER_NEEDED:
        raise bad_input("Processing Directive eventFilter must not be empty.")


def wants(directive: Directive | None, about: Subject, payload: Mapping[str, Any]) -> bool:
    """Whether a subscription with this directive is sent a notification."""
    directive = directive or {}
    event_filter = directive.get("eventFilter") or {}
    if (types := event_filter.get("orderChangeTypes")) and about.order_change_type not in types:
        return False
    if (places := event_filter.get("marketplaceIds")) and about.marketplace_id not in places:
        return False
    expression = directive.get("filterExpression")
    return expression is None or _holds(expression, payload)


def _check_event_filter(type_: str, event_filter: Any) -> None:
    if not isinstance(event_filter, dict) or type_ not in _EVENT_FILTER_TYPES:
        raise bad_input(f"{type_} takes no eventFilter.")
    if event_filter.get("eventFilterType") != type_:
        raise bad_input(f"eventFilterType must be {type_}.")
    checks: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
        "ORDER_CHANGE": _check_order_change,
        "ANY_OFFER_CHANGED": _check_offers,
        "SHIPMENT_TRACKING_MILESTONE_CHANGED": _check_tracking,
    }
    checks[type_](event_filter)


def _check_order_change(event_filter: Mapping[str, Any]) -> None:
    if "marketplaceIds" in event_filter:
        raise bad_input("ORDER_CHANGE takes no marketplaceIds.")
    types = event_filter.get("orderChangeTypes")
    if types is None:
        return
    if not isinstance(types, list) or not types or not set(types) <= _ORDER_CHANGE_TYPES:
        raise bad_input(f"orderChangeTypes takes {', '.join(sorted(_ORDER_CHANGE_TYPES))}.")


def _check_offers(event_filter: Mapping[str, Any]) -> None:
    aggregation = event_filter.get("aggregationSettings")
    if aggregation is not None and (
        not isinstance(aggregation, dict)
        or aggregation.get("aggregationTimePeriod") not in _PERIODS
    ):
        raise bad_input(f"aggregationTimePeriod takes {', '.join(sorted(_PERIODS))}.")


def _check_tracking(event_filter: Mapping[str, Any]) -> None:
    identifier = event_filter.get("trackingIdentifier")
    if not isinstance(identifier, dict) or len(identifier) != 1:
        raise bad_input("trackingIdentifier takes exactly one identifier.")


def _check_expression(kind: Kind, expression: Any) -> None:
    if kind.event_bridge:
        raise bad_input("Filter an EventBridge type by a rule of the bus.")
    if not isinstance(expression, str) or not 1 <= len(expression) <= _MAX_EXPRESSION:
        raise bad_input(f"filterExpression takes 1 to {_MAX_EXPRESSION} characters.")
    if _parsed(expression) is None:
        raise bad_input("filterExpression is invalid.", expression)


def _holds(expression: str, payload: Mapping[str, Any]) -> bool:
    parsed = _parsed(expression)
    if parsed is None:
        return False
    join, comparisons = parsed
    return join(
        (_looked_up(payload, path) == literal) is equal for path, equal, literal in comparisons
    )


def _parsed(
    expression: str,
) -> tuple[Callable[[Any], bool], list[tuple[str, bool, object]]] | None:
    """Return how an expression's comparisons are joined, and them; None where it is none."""
    if "&&" in expression and "||" in expression:
        return None
    comparisons = []
    for part in re.split(r"&&|\|\|", expression):
        match = _COMPARISON.fullmatch(part)
        if match is None:
            return None
        path, operator, single, double, bare = match.groups()
        literal: object = single if single is not None else double
        if bare is not None:
            if bare not in _LITERALS and not bare.isdigit():
                return None
            literal = _LITERALS[bare] if bare in _LITERALS else int(bare)
        comparisons.append((path, operator == "==", literal))
    return (any if "||" in expression else all), comparisons


def _looked_up(payload: Any, path: str) -> Any:
    for name in path.split("."):
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload
