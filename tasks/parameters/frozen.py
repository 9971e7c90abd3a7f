"""Typed values to JSON and back, the same bytes each time; and what people and rules see of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import rule_engine

from audit.texts.hidden import with_hidden_characters_shown
from tasks.parameters.errors import DoesNotFit
from tasks.parameters.facts import facts_in
from tasks.parameters.kinds import Keep, Load
from tasks.parameters.kinds.base import Json, RuleType
from tasks.parameters.signature import Parameter
from tasks.parameters.types import File, Secret
from tasks.parameters.words import words

type Frozen = Mapping[str, Any]


def freeze(
    parameters: Iterable[Parameter],
    values: Mapping[str, Any],
    *,
    store_secret: Callable[[str], str] | None = None,
    store_file: Callable[[File], None] | None = None,
) -> dict[str, Any]:
    """Typed values as JSON, from which `thaw` makes the same values again.

    `store_secret` stores a secret and gives a reference, `store_file` stores a file's content: the
    JSON holds only the reference, and the file's SHA-256. Raises DoesNotFit when there is a
    secret or a file and nobody to keep it.
    """
    keep = Keep(secret=store_secret, file=store_file)
    return {
        p.name: None if values[p.name] is None else p.kind.freeze(values[p.name], keep)
        for p in parameters
    }


def thaw(
    parameters: Sequence[Parameter],
    frozen: Frozen,
    *,
    files: Callable[[str], bytes] | None = None,
    secrets: Callable[[str], str] | None = None,
) -> dict[str, Any]:
    """The typed values behind JSON that `freeze` made. Objects are fetched from the database.

    `files` gives the content for a SHA-256, `secrets` the text for a reference. Raises DoesNotFit
    when the code asks for other parameters by now, ObjectGone when an object was deleted.
    """
    names = {p.name for p in parameters}
    if names != frozen.keys():
        changed = ", ".join(sorted(names ^ frozen.keys()))
        raise DoesNotFit(f"The task's form has changed ({changed}). Request it again.")
    load = Load(secret=secrets, file=files)
    return {p.name: _thawed(p, frozen[p.name], load) for p in parameters}


def display(parameters: Iterable[Parameter], frozen: Frozen) -> list[tuple[str, str]]:
    """Labels and values for people, "" for no value. Secrets stay dots.

    It also shows what an older version of the code asked for. A question that did not arise is
    left out.
    """
    known = {p.name: p for p in parameters}
    shown = [
        pair
        for p in known.values()
        if p.name in frozen and not (p.param.only_if and frozen[p.name] is None)
        for pair in ((p.label, _text(p, frozen[p.name])), *facts_in(p, frozen[p.name]))
    ]
    return shown + [(words(n), _plain(v)) for n, v in frozen.items() if n not in known]


def in_short(parameters: Iterable[Parameter], frozen: Frozen) -> list[str]:
    """The values that there are, as texts: an object with the first fact that stands beside it."""
    texts = []
    for p in parameters:
        first = [text for _, text in facts_in(p, frozen.get(p.name))[:1]]
        own = _text(p, frozen.get(p.name))
        if own:
            texts.append(" · ".join([own, *(text for text in first if text not in own)]))
    return texts


def rule_values(parameters: Iterable[Parameter], frozen: Frozen) -> dict[str, object]:
    """What conditions of approval rules see: decimals exact, days as midnight UTC."""
    values: dict[str, object] = {}
    for p in parameters:
        values |= p.kind.rule_values(p.name, frozen.get(p.name))
    return values


def rule_types(parameters: Iterable[Parameter]) -> dict[str, RuleType]:
    """The names that conditions may use. What may be missing is nullable."""
    types: dict[str, RuleType] = {}
    for p in parameters:
        for name, rule_type in p.kind.rule_types(p.name).items():
            types[name] = rule_engine.DataType.NULLABLE(rule_type) if p.may_be_none else rule_type
    return types


def _thawed(parameter: Parameter, frozen: Json, load: Load) -> object:
    if frozen is None:
        if not parameter.may_be_none:
            raise DoesNotFit(f"“{parameter.label}” is new and has no value. Request it again.")
        return None
    return parameter.kind.thaw(frozen, load)


def _text(parameter: Parameter, frozen: Json) -> str:
    if frozen is None:
        return ""
    try:
        return parameter.kind.text(frozen)
    except ValueError:  # stored by an older version of the code
        return _plain(frozen)


def _plain(frozen: Json) -> str:
    """A stored value of which the kind is not known any more."""
    if isinstance(frozen, dict):
        if "secret" in frozen:
            return str(Secret(""))
        parts = frozen.get("label") or frozen.get("name") or frozen.get("value")
        return _plain(parts or " ".join(map(str, frozen.values())))
    if isinstance(frozen, list):
        return ", ".join(map(_plain, frozen))
    if isinstance(frozen, bool):
        return "Yes" if frozen else "No"
    return "" if frozen is None else with_hidden_characters_shown(str(frozen))
