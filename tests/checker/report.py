"""All invariants over one look, and what they found in words."""

from collections.abc import Iterator, Mapping

from tests.checker import (
    consent,
    guards,
    history,
    money,
    pausing,
    proposed,
    resolving,
    seals,
    telling,
    waiting,
)
from tests.checker.evidence import Evidence
from tests.checker.invariants import INVARIANTS

MODULES = (
    money,
    waiting,
    consent,
    resolving,
    pausing,
    proposed,
    seals,
    history,
    telling,
    guards,
)  # each adds its invariants
SHOWN = 20


def check(evidence: Evidence) -> dict[str, list[str]]:
    """The names of the broken invariants, with a text for each thing found."""
    looked = {
        name: list(each.look(evidence))
        for name, each in INVARIANTS.items()
        if evidence.ledger is not None or not each.needs_ledger
    }
    return {name: texts for name, texts in looked.items() if texts}


def told(found: Mapping[str, list[str]]) -> Iterator[str]:
    """Lines for people: the broken sentence, and below it what breaks it."""
    for name, texts in found.items():
        broken = INVARIANTS[name]
        yield f"{name} (promise {broken.promise}): {broken.sentence}"
        yield from (f"  - {text}" for text in texts[:SHOWN])
        if len(texts) > SHOWN:
            yield f"  - … and {len(texts) - SHOWN} more."
