"""What an author says of an object beside its name: the customer behind a payment's number.

It is frozen with the values when a run is requested, so that everybody reads what reviewers saw.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from audit.texts.hidden import with_hidden_characters_shown
from tasks.parameters.faults import kept_apart, told_in_a_sentence
from tasks.parameters.kinds.base import Json
from tasks.parameters.signature import Parameter

LONGEST: Final = 200  # characters of one fact


def with_facts(
    parameters: Iterable[Parameter], values: Mapping[str, Any], frozen: Mapping[str, Json]
) -> dict[str, Json]:
    """The frozen values, each object with what `about` says of it.

    Raises `AuthorsFault` where one of its functions fails.
    """
    found = dict(frozen)
    for p in parameters:
        stored, value = frozen.get(p.name), values.get(p.name)
        if p.param.about and isinstance(stored, dict) and value is not None:
            with told_in_a_sentence(f"What stands beside {p.label} could not be found"):
                found[p.name] = {**stored, "about": _facts(p, value)}
    return found


def facts_in(parameter: Parameter, frozen: Json) -> list[tuple[str, str]]:
    """The labels and texts that stand beside a frozen object.

    Only where its author says something of it: what a person typed may have the same shape.
    """
    stored: Any = frozen
    about = stored.get("about") if parameter.param.about and isinstance(stored, dict) else None
    return [(str(label), str(text)) for label, text in about or ()]


def _facts(parameter: Parameter, value: object) -> list[Json]:
    with kept_apart():
        texts = {label: of(value) for label, of in parameter.param.about.items()}
    return [[label, _text(text)] for label, text in texts.items() if text not in (None, "")]


def _text(value: object) -> str:
    text = " ".join(str(value).split())
    return with_hidden_characters_shown(f"{text[:LONGEST]}…" if len(text) > LONGEST else text)
