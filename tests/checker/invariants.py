"""What an invariant is, and the list of all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.checker.evidence import Evidence

type Check = Callable[[Evidence], Iterator[str]]


@dataclass(frozen=True)
class Invariant:
    """`look` gives a text for each thing found that breaks the sentence of its docstring."""

    look: Check
    promise: int
    needs_ledger: bool

    @property
    def name(self) -> str:
        return self.look.__name__

    @property
    def sentence(self) -> str:
        return " ".join((self.look.__doc__ or "").split())


INVARIANTS: Final[dict[str, Invariant]] = {}


def invariant(promise: int, *, needs_ledger: bool = False) -> Callable[[Check], Check]:
    """Add a function to the list. `promise` is the number of the promise that it belongs to."""

    def add(look: Check) -> Check:
        INVARIANTS[look.__name__] = Invariant(look, promise, needs_ledger)
        return look

    return add
