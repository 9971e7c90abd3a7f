"""What a rule says: as JSON that can be sealed, read back from it, and in rows of before and after."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from approvals.requests.policy import WAITS_FOR
from tasks.declaration.durations import written
from tasks.rules.evaluation import MANY, RuleSpec
from tasks.rules.texts import either

if TYPE_CHECKING:
    from audit.seals import Json
    from backoffice.models import User

SPANS: Final = ("expires_after", "remind_after", "escalate_after")
PLAIN: Final = (
    "name", "condition", "needed", "position", "for_resolving", "may_serve_twice", "fresh_proof",
    "ticket_pattern", "first_items", "stop_after_failures", "stop_above_percent",
)  # fmt: skip


def as_json(spec: RuleSpec) -> "dict[str, Json]":
    """What a rule says. Groups and people are their keys, times are seconds, amounts are texts."""
    found: dict[str, Json] = {name: getattr(spec, name) for name in PLAIN}
    for name in SPANS:
        span: timedelta | None = getattr(spec, name)
        found[name] = None if span is None else int(span.total_seconds())
    for name in MANY:
        found[name] = sorted(each.pk for each in getattr(spec, name))
    amount = spec.stop_above_amount
    found["stop_above_amount"] = None if amount is None else f"{amount.normalize():f}"
    return found


def from_json(content: Mapping[str, Any]) -> RuleSpec:
    """The rule that was stored. Raises `ValidationError` where a group of it is gone."""
    values = {name: content[name] for name in PLAIN}
    for name in SPANS:
        seconds = content[name]
        values[name] = None if seconds is None else timedelta(seconds=seconds)
    values["people"] = list(get_user_model().objects.filter(pk__in=content["people"]))
    for name in ("groups", "escalate_to"):
        values[name] = list(Group.objects.filter(pk__in=content[name]).order_by("name"))
        if len(values[name]) != len(content[name]):
            raise ValidationError("A group of this rule no longer exists.")
    amount = content["stop_above_amount"]
    return RuleSpec(**values, stop_above_amount=None if amount is None else Decimal(amount))


def differences(before: RuleSpec | None, after: RuleSpec | None) -> list[list[str]]:
    """What differs between two rules, in words: what, before, after. None is no rule."""
    return list(_differences(before, after))


def _differences(before: RuleSpec | None, after: RuleSpec | None) -> Iterator[list[str]]:
    for label, in_words in WORDS.items():
        old, new = (in_words(spec) if spec else "" for spec in (before, after))
        if old != new:
            yield [label, old, new]


def _people(people: "list[User]") -> list[str]:
    return [f"{person} ({person.get_username()})" for person in people]


def _deciders(spec: RuleSpec) -> str:
    named = [*map(str, spec.groups), *_people(list(spec.people))]
    return either(sorted(named)) or "Everybody who can approve the task"


def _span(span: timedelta | None) -> str:
    return written(span) if span else ""


def _yes(value: bool) -> str:
    return "Yes" if value else ""


def _number(value: int) -> str:
    return str(value) if value else ""


WORDS: Final[dict[str, Callable[[RuleSpec], str]]] = {
    "Name": lambda spec: spec.name,
    "Condition": lambda spec: spec.condition,
    "Reviewers": _deciders,
    "Approvals needed": lambda spec: str(spec.needed),
    "Stage": lambda spec: str(spec.position),
    "Also require approval to resolve a run whose outcome is unknown": lambda spec: _yes(
        spec.for_resolving
    ),
    "Allow the same reviewer in several stages": lambda spec: _yes(spec.may_serve_twice),
    "Require password to approve": lambda spec: _yes(spec.fresh_proof),
    "Ticket format": lambda spec: spec.ticket_pattern,
    "Expires after": lambda spec: written(spec.expires_after or WAITS_FOR),
    "Send a reminder after": lambda spec: _span(spec.remind_after),
    "Escalate after": lambda spec: _span(spec.escalate_after),
    "Escalate to": lambda spec: either(sorted(map(str, spec.escalate_to))),
    "Pause for review after the first items": lambda spec: _number(spec.first_items),
    "Pause after failed items": lambda spec: _number(spec.stop_after_failures),
    "Pause when failures exceed (%)": lambda spec: _number(spec.stop_above_percent),
    "Pause before the total exceeds": lambda spec: (
        "" if spec.stop_above_amount is None else f"{spec.stop_above_amount.normalize():f}"
    ),
}
