"""Conditions as sentences: in general, and with the numbers of the case as they were reached.

What has no words is called by the name of its rule. No sentence holds code.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import rule_engine
from django.contrib.humanize.templatetags.humanize import ordinal
from django.core.exceptions import ValidationError

from audit.context import Door
from tasks.models import ApprovalRule
from tasks.parameters import Parameter, addends
from tasks.rules.conditions import Condition, Facts, Total
from tasks.rules.forms import (
    COMPARE,
    Always,
    Compared,
    Contains,
    Form,
    Joined,
    NoWords,
    OneOf,
    form_of,
    is_sum,
)
from tasks.rules.names import Names, large, moment, plain, quoted
from tasks.rules.sums import Sum
from tasks.rules.texts import deciders, either

EVERY_RUN: Final = "Every run needs approval"
NUMBERS: Final = {
    "gt": "is above {}", "ge": "is {} or more", "lt": "is below {}", "le": "is {} or less",
    "eq": "is {}", "ne": "is not {}",
}  # fmt: skip
TOTALS: Final = NUMBERS | {"gt": "exceeds {}", "eq": "is exactly {}"}
DATES: Final = {
    "gt": "is after {}", "ge": "is on or after {}", "lt": "is before {}",
    "le": "is on or before {}", "eq": "is {}", "ne": "is not {}",
}  # fmt: skip
REACHED: Final = {
    "gt": "above the limit of {}", "ge": "at or above the limit of {}", "lt": "below {}",
    "le": "at or below {}", "eq": "exactly {}", "ne": "not {}",
}  # fmt: skip
TEXTS: Final = {"eq": "is {}", "ne": "is not {}"}


def rule_in_words(rule: ApprovalRule, parameters: Sequence[Parameter]) -> str:
    """“Needs approval from Support Managers if the amount is above 100.00”."""
    whom = deciders(rule.groups.all(), rule.people.all(), 1)
    resolving = ", also to resolve an unknown outcome" if rule.for_resolving else ""
    return _needs(rule.name, rule.condition, parameters, rule.needed, f" from {whom}") + resolving


def condition_in_words(name: str, text: str, parameters: Sequence[Parameter]) -> str:
    """The same without whom: “Needs approval if the amount is above 100.00”."""
    return _needs(name, text, parameters, 1, "")


def _needs(
    name: str, text: str, parameters: Sequence[Parameter], needed: int, from_whom: str
) -> str:
    approvals = "approval" if needed == 1 else f"{needed} approvals"
    clause = clause_of(text, parameters)
    if clause == "":
        return f"Every run needs {approvals}{from_whom}"
    return f"Needs {approvals}{from_whom} if {clause or called(name)}"


def clause_of(text: str, parameters: Sequence[Parameter]) -> str | None:
    """“the amount is above 100.00”; empty for every run, None where there are no words."""
    try:
        condition = Condition.of(text, parameters)
        form = form_of(condition.rule.statement.expression)
        return "" if isinstance(form, Always) else General(parameters, condition.sums).clause(form)
    except (rule_engine.errors.EngineError, ValidationError, NoWords):
        return None


def why_it_applies(name: str, condition: Condition | None, facts: Facts, total: Total) -> str:
    """“150.00 USD, above the limit of 100.00”: for those who decide, as it is reached now."""
    try:
        if condition is None:
            raise NoWords
        form = form_of(condition.rule.statement.expression)
        if isinstance(form, Always):
            return EVERY_RUN
        return large(Case(facts, condition.sums, total).sentence(form))
    except (NoWords, ArithmeticError, LookupError, TypeError, ValueError):
        return large(called(name))


def why_in_general(name: str, text: str, parameters: Sequence[Parameter]) -> str:
    """The same without numbers: “The amount is above 100.00”."""
    clause = clause_of(text, parameters)
    return EVERY_RUN if clause == "" else large(clause or called(name))


def called(name: str) -> str:
    """A rule by its name: “Large credits” applies. Not by one that is itself code."""
    return "a rule of this task applies" if _CODE_AS_NAME.search(name) else f"“{name}” applies"


_CODE_AS_NAME: Final = re.compile(r"[<>=_{}|\\^$]|\w\(")  # “Refunds (large)” is a name


@dataclass(frozen=True, slots=True)
class Scope:
    """Which requests a sum adds up: in general, and in this case."""

    general: str
    case: str


class General:
    """Clauses without the numbers of a case."""

    def __init__(self, parameters: Sequence[Parameter], sums: Mapping[str, Sum]) -> None:
        self.names, self.sums = Names(parameters), sums
        self.addends = addends(parameters)

    def clause(self, form: Form) -> str:
        """Raises `NoWords`."""
        match form:
            case Joined(word, parts):
                return self._joined(word, parts)
            case OneOf():
                return self._one_of(form)
            case Contains():
                return self._contains(form)
            case Compared(name):
                return self._total(form) if is_sum(name) else self._compared(form)
        raise NoWords

    def _joined(self, word: str, parts: Sequence[Form]) -> str:
        inner = {"and": "either {}", "or": "{}"}[word]
        texts = [
            inner.format(self.clause(part)) if isinstance(part, Joined) else self.clause(part)
            for part in parts
        ]
        nested = any(isinstance(part, Joined) for part in parts)
        return f"{',' if nested else ''} {word} ".join(texts)

    def _one_of(self, form: OneOf) -> str:
        if form.name == "door":
            return _via(either([_door(each) for each in form.values]), holds=form.holds)
        if form.name == "requester":
            listed = either([plain(each) for each in form.values])
            return f"the requester is {'' if form.holds else 'not '}{listed}"
        listed = either([self.names.literal(form.name, each) for each in form.values])
        return f"the {self.names.called(form.name)} is {'' if form.holds else 'not '}{listed}"

    def _contains(self, form: Contains) -> str:
        if form.name == "requester_groups":
            group = plain(form.value)
            return f"the requester is {'' if form.holds else 'not '}in the group {group}"
        value, called = self.names.literal(form.name, form.value), self.names.called(form.name)
        return f"the {called} {'includes' if form.holds else 'does not include'} {value}"

    def _compared(self, form: Compared) -> str:
        if form.name in ("door", "requester"):
            if form.operator not in TEXTS:
                raise NoWords
            return self._one_of(OneOf(form.name, [form.value], form.operator == "eq"))
        if isinstance(form.value, bool):
            label = quoted(self.names[form.name].parameter.label)
            return f"{label} is {'yes' if form.value else 'no'}" + _or_empty(form)
        said = self._said(form)
        return f"the {self.names.called(form.name)} {said}{_or_empty(form)}"

    def _said(self, form: Compared) -> str:
        if form.value is None:
            return {"eq": "is empty", "ne": "is not empty"}[form.operator]
        if isinstance(form.value, Decimal) and form.operator not in TEXTS:
            return NUMBERS[form.operator].format(self.names.amount(form.name, form.value))
        kind = type(form.value)
        patterns = NUMBERS if kind is Decimal else TEXTS if kind is str else DATES
        if form.operator not in patterns:
            raise NoWords
        return patterns[form.operator].format(self.names.literal(form.name, form.value))

    def _total(self, form: Compared) -> str:
        each, limit = self.sums[form.name], _number(form.value)
        scope, span = self.scope(each, "{}"), each.span
        if not each.of:
            return _count(*_of_this_run(form, limit), each, scope, span)
        earlier = "" if self._adds(form, each) else " of earlier requests"
        said = TOTALS[form.operator].format(self.names.amount(each.of, limit))
        return (
            f"the total {self.names.called(each.of)}{earlier} {scope.general} within {span} {said}"
        )

    def _adds(self, form: Compared, each: Sum) -> bool:
        """Whether this run is in the sum. Anything else that is added to it has no words."""
        if form.adds not in (None, each.of):
            raise NoWords
        return form.adds is not None

    def scope(self, each: Sum, requester: str) -> Scope:
        """“to the same account”, “requested by the same person”."""
        names = [name for name in each.by if name not in ("requester", "task")]
        general = [self._same(each, name, "the same") for name in names]
        case = [self._same(each, name, "this") for name in names]
        if "requester" in each.by:
            by = "requested by" if each.of else "by"
            general.append(f"{by} the same person")
            case.append(f"{by} {requester}")
        if not general:
            return Scope("of all requests", "in all requests") if each.of else _ALL
        return Scope(" ".join(general), " ".join(case))

    def _same(self, each: Sum, name: str, which: str) -> str:
        to = bool(each.of) and self.names[each.of].is_money and self.names.is_somebody(name)
        return f"{'to' if to else 'for'} {which} {self.names.grouping(name)}"


_ALL: Final = Scope("for this task", "for this task")


class Case(General):
    """Clauses with the numbers of one case. Of those joined by “or”, the ones that hold."""

    def __init__(self, facts: Facts, sums: Mapping[str, Sum], total: Total) -> None:
        super().__init__(facts.parameters, sums)
        self.facts, self.total, self.values = facts, total, facts.values()

    def sentence(self, form: Form) -> str:
        """Raises `NoWords`, also where it does not hold: a rule applies, too, if it has no answer."""
        if not self._holds(form):
            raise NoWords
        return "; ".join(self.parts(form))

    def parts(self, form: Form) -> Iterator[str]:
        """Raises `NoWords`."""
        if isinstance(form, Joined):
            for part in form.parts:
                if form.word == "and" or self._holds(part):
                    yield from self.parts(part)
        else:
            yield self.clause(form)

    def _holds(self, form: Form) -> bool:
        match form:
            case Joined(word, parts):
                return (all if word == "and" else any)(map(self._holds, parts))
            case Compared():
                return COMPARE[form.operator](self._reached(form), form.value)
            case OneOf(name, values, holds):
                return (self.values[name] in values) is holds
            case Contains(name, value, holds):
                return (value in self._container(name)) is holds
        raise NoWords

    def _container(self, name: str) -> Any:  # noqa: ANN401 - a text or a list
        return self.values[name] or ()

    def _reached(self, form: Compared) -> object:
        """What is compared, as it is in this case."""
        if not is_sum(form.name):
            found = self.values[form.name]
            return form.default if found is None else found
        so_far = self.total(self.sums[form.name], self.facts)
        if form.adds is None or isinstance(form.adds, Decimal):
            return so_far + (form.adds or 0)
        return so_far + (_decimal(self.values[form.adds]) or 0)

    def _compared(self, form: Compared) -> str:
        value = self.values.get(form.name)
        if value is None or isinstance(form.value, (bool, str)) or form.value is None:
            return super()._compared(form)
        if form.operator == "eq":
            return super()._compared(form)
        limit, reached = self._limit(form.name, form.value), self._value(form.name, value)
        return f"{reached}, {limit[0][form.operator].format(limit[1])}"

    def _limit(self, name: str, value: object) -> tuple[Mapping[str, str], str]:
        if isinstance(value, Decimal):
            return REACHED, self.names.number(name, value, self.facts.frozen)
        dates = {key: text.removeprefix("is ") for key, text in DATES.items()}
        return dates, self.names.literal(name, value)

    def _value(self, name: str, value: object) -> str:
        if (number := _decimal(value)) is None:
            return f"{self.names.called(name)}: {moment(value)}"  # type: ignore[arg-type]
        return self._labelled(name, number)

    def _labelled(self, name: str, number: Decimal) -> str:
        text = self.names.amount(name, number, self.facts.frozen)
        if self.names[name].is_money and self.names.has_one_amount:
            return text
        return f"{self.names.called(name)}: {text}"

    def _total(self, form: Compared) -> str:
        each, limit = self.sums[form.name], _number(form.value)
        scope = self.scope(each, str(self.facts.requested_by)).case
        if not each.of:
            number = int(self.total(each, self.facts)) + 1
            _of_this_run(form, limit)
            return f"{ordinal(number)} request {scope} within {each.span}"
        earlier = "" if self._adds(form, each) else " in earlier requests"
        reached = self._labelled(each.of, _number(self._reached(form)))
        said = REACHED[form.operator].format(self.names.number(each.of, limit, self.facts.frozen))
        return f"{reached}{earlier} {scope} in {each.span}, {said}"


def _count(name: str, limit: int, each: Sum, scope: Scope, span: str) -> str:
    """“the same person makes more than 5 requests within 1 hour”, this one among them."""
    how_many = {"gt": "more than {}", "le": "at most {}", "eq": "exactly {}"}[name].format(limit)
    requests = "request" if limit == 1 else "requests"
    if each.by == ("requester",):
        return f"the same person makes {how_many} {requests} within {span}"
    return f"there are {how_many} {requests} {scope.general} within {span}"


def _of_this_run(form: Compared, limit: Decimal) -> tuple[str, int]:
    """What is asked of the number of requests, with this one among them. Raises `NoWords`."""
    if form.adds not in (None, Decimal(1)) or limit != int(limit):
        raise NoWords
    with_this = int(limit) + (1 if form.adds is None else 0)
    match form.operator:
        case "gt" | "le" | "eq" as same:
            return same, _at_least_none(with_this)
        case "ge":
            return "gt", _at_least_none(with_this - 1)
        case "lt":
            return "le", _at_least_none(with_this - 1)
    raise NoWords


def _at_least_none(number: int) -> int:
    if number < 0:
        raise NoWords
    return number


def _number(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    raise NoWords


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    return None


def _or_empty(form: Compared) -> str:
    """“ or empty” where an empty value counts as one for which it holds."""
    if form.default is None or type(form.default) is not type(form.value):
        return ""
    return " or empty" if COMPARE[form.operator](form.default, form.value) else ""


def _via(doors: str, *, holds: bool) -> str:
    return f"it is {'' if holds else 'not '}requested via {doors}"


def _door(value: object) -> str:
    if value not in Door.values:
        raise NoWords
    return str(Door(str(value)).label)
