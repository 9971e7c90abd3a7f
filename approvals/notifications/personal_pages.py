"""Pages beside the preferences on which people set what is their own. The packages above add theirs."""

from typing import Final

_pages: Final[dict[str, str]] = {}


def add(label: str, address: str) -> None:
    """A page by what people read and the name of its address."""
    _pages[address] = label


def every() -> list[tuple[str, str]]:
    """Name of the address and label of each, in the order in which they were added."""
    return list(_pages.items())
