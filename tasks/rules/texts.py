"""Rules in words for people."""

from collections.abc import Iterable
from typing import Any, Final

from approvals.requests.policy import WAITS_FOR
from tasks.declaration.durations import written
from tasks.declaration.tickets import example_in_words
from tasks.models import ApprovalRule

_TYPES: Final[dict[str, str]] = {
    "FLOAT": "number",
    "STRING": "text in quotes",
    "BOOLEAN": "true or false",
    "DATETIME": 'date, written d"2026-01-31"',
    "ARRAY": "list of texts",
}


def always_holds(rule: ApprovalRule) -> bool:
    """Whether every run needs this approval."""
    return rule.condition.strip().lower() == "true"


def besides(rule: ApprovalRule) -> list[str]:
    """What a rule says beside when and whom: for how long, and how."""
    found = [f"Expires after {written(rule.expires_after or WAITS_FOR)}"]
    if rule.remind_after:
        found.append(f"reminds after {written(rule.remind_after)}")
    if rule.escalate_after:
        whom = either([str(group) for group in rule.escalate_to.all()])
        found.append(f"escalates to {whom} after {written(rule.escalate_after)}")
    if rule.fresh_proof:
        found.append("requires a password to approve")
    if rule.ticket_pattern:
        found.append(f"needs {example_in_words(rule.ticket_pattern)} ({rule.ticket_pattern})")
    if rule.may_serve_twice:
        found.append("allows the same reviewer in several stages")
    found += [text.rstrip(".").replace("Pauses", "pauses") for text in rule.limits.in_words()]
    return found


def deciders(groups: Iterable[object], people: Iterable[object], needed: int) -> str:
    """“Support Managers or Bob Example”, “2 of Support Managers”."""
    named = [str(each) for each in (*groups, *people)]
    whom = either(named) or "everybody who can approve it"
    return whom if needed == 1 else f"{needed} of {whom}"


def type_in_words(kind: Any) -> str:  # noqa: ANN401 - a type of rule-engine, which has no stubs
    """“number”, “text, or null when there is none”: what a condition compares it with."""
    if kind.name == "NULLABLE":
        return f"{type_in_words(kind.inner_type)}, or null when there is none"
    return _TYPES.get(kind.name, str(kind.name).lower())


def either(names: list[str]) -> str:
    """“A, B or C”."""
    *others, last = names or [""]
    return f"{', '.join(others)} or {last}" if others else last
