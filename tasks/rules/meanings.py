"""What the names of a condition can be, as far as that is known when it is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from audit.context import Door
from tasks.parameters import Parameter
from tasks.parameters.currencies import PLACES
from tasks.parameters.kinds.objects import ObjectKind
from tasks.rules.texts import type_in_words

MOST_LISTED: Final = 8
EXAMPLES: Final = {"FLOAT": "{} > 100", "STRING": '{} == "…"', "BOOLEAN": "not {}"}
# Where requests come from. Nobody requests anything by the other doors.
DOORS: Final = tuple(str(door) for door in Door if door not in (Door.WORKER, Door.DEPLOY))


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one name can be: `options` are all of its values, where these are few.

    `model` is that of an object, of which a condition knows the key alone. Not all who write a
    condition may see a list of the groups, so that is not `listed`.
    """

    name: str
    can_be: Callable[[object], bool]
    options: Callable[[], Sequence[object] | None] = lambda: None
    model: type | None = None
    listed: bool = True

    def can_contain(self, value: object) -> bool:
        """Whether a text can stand in one of its values, as far as these are known."""
        options = self.options()
        return options is None or any(str(value) in str(each) for each in options)

    def in_words(self) -> str:
        """“one of "USD", "EUR"”; empty where nothing is known of it."""
        if self.model is not None:
            return "an object: totals can go by it, but it cannot be compared with a value"
        options = self.options()
        if options is None or len(options) > MOST_LISTED:
            return ""
        listed = ", ".join(map(shown, options))
        return f"one of {listed}" if len(options) > 1 else f"always {listed}"


type Meanings = Mapping[str, Meaning]


def meanings_of(parameters: Iterable[Parameter], *, with_people: bool = True) -> Meanings:
    """What the parameters, the door and, where the database may be asked, the requester can be."""
    found = {each.name: each for p in parameters for each in _of_parameter(p)}
    found["door"] = _one_of("door", DOORS)
    if with_people:
        found["requester"] = Meaning("requester", _is_somebody)
        found["requester_groups"] = Meaning("requester_groups", _is_group, _groups, listed=False)
    return found


def currencies_of(names: Iterable[str]) -> Meanings:
    """Names that are currencies of whatever a task returns."""
    return {name: Meaning(name, lambda value: value in PLACES) for name in names}


def names_in_words(parameters: Sequence[Parameter], types: Mapping[str, Any]) -> dict[str, str]:
    """Each name with what it is compared with: “number”, “one of "a", "b"”."""
    meanings = meanings_of(parameters, with_people=False)
    known = {name: each.in_words() for name, each in meanings.items()}
    return {name: _in_words(known.get(name, ""), kind) for name, kind in types.items()}


def _in_words(known: str, kind: Any) -> str:  # noqa: ANN401 - a type of rule-engine, which has no stubs
    inner = kind.inner_type if kind.name == "NULLABLE" else kind
    if not known:
        return type_in_words(kind)
    null = "" if inner is kind else ", or null when there is none"
    return f"{'list, each ' if inner.name == 'ARRAY' else ''}{known}{null}"


def example_for(meaning: Meaning, kind: Any) -> str:  # noqa: ANN401 - a type of rule-engine
    """A condition on this name; empty where none is obvious."""
    options = meaning.options()
    if meaning.model is not None or kind.name not in EXAMPLES:
        return ""
    if options:
        return f"{meaning.name} == {shown(options[0])}"
    return EXAMPLES[kind.name].format(meaning.name)


def shown(value: object) -> str:
    """A value as it is written in a condition."""
    if isinstance(value, datetime):
        return f'd"{value:%Y-%m-%d}"' if value.time() == time.min else f'd"{value:%Y-%m-%dT%H:%M}"'
    return f'"{value}"' if isinstance(value, str) else str(value)


def _of_parameter(parameter: Parameter) -> Iterable[Meaning]:
    kind = parameter.kind
    for name in kind.rule_types(parameter.name):
        part = name.removeprefix(parameter.name).lstrip("_")
        yield Meaning(
            name,
            partial(kind.can_meet, part),
            partial(kind.rule_options, part),
            kind.model if isinstance(kind, ObjectKind) else None,
        )


def _one_of(name: str, values: Sequence[object]) -> Meaning:
    return Meaning(name, lambda value: value in values, lambda: values)


def _is_somebody(value: object) -> bool:
    return get_user_model().objects.filter(username=value).exists()


def _is_group(value: object) -> bool:
    return Group.objects.filter(name=value).exists()


def _groups() -> list[str]:
    return list(Group.objects.order_by("name").values_list("name", flat=True))
