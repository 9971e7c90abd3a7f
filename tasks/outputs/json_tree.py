"""JSON as HTML that a reader folds and unfolds, with nothing but the browser's own <details>."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

MOST_SHOWN: Final = 2_000  # values on the page; the download has all
OPEN_LEVELS: Final = 2
OPEN_ENTRIES: Final = 25  # one that holds more is closed, unless it is the first


class JSONTree:
    """A value on the page. `is_cut` says whether some of it is left out there."""

    def __init__(self, value: object) -> None:
        self._left = MOST_SHOWN
        self.html = self._node(value, 0)
        self.is_cut = self._left < 0

    def _node(self, value: Any, level: int) -> SafeString:  # noqa: ANN401 - JSON
        if isinstance(value, dict) and value:
            names = ((format_html("<b>{}</b>: ", name), each) for name, each in value.items())
            return self._fold(names, len(value), "{}", level)
        if isinstance(value, list) and value:
            return self._fold((("", each) for each in value), len(value), "[]", level)
        return format_html("<code>{}</code>", json.dumps(value, ensure_ascii=False))

    def _fold(
        self, entries: Iterable[tuple[str, object]], count: int, brackets: str, level: int
    ) -> SafeString:
        is_open = level < OPEN_LEVELS and (level == 0 or count <= OPEN_ENTRIES)
        return format_html(
            "<details{}><summary>{} {}</summary><ul>{}</ul></details>",
            SafeString(" open") if is_open else "",
            brackets,
            "1 entry" if count == 1 else f"{count:,} entries",
            format_html_join("", "<li>{}{}</li>", self._items(entries, level)),
        )

    def _items(
        self, entries: Iterable[tuple[str, object]], level: int
    ) -> Iterator[tuple[str, SafeString]]:
        for name, value in entries:
            self._left -= 1
            if self._left < 0:
                yield "", SafeString("…")
                return
            yield name, self._node(value, level + 1)
