"""What a run returned, as its page shows it: each output with what its template needs."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import QueryDict

from tasks.models import Run
from tasks.outputs import charts
from tasks.outputs.json_tree import JSONTree
from tasks.outputs.markdown import html_of
from tasks.outputs.serialization import Kept, parts

ROWS: Final = 100  # of a table on one page


def outputs_of(run: Run, asked: QueryDict) -> list[dict[str, Any]]:
    """The outputs, numbered from one. `asked` says which page of which table: `page1=3`."""
    return [
        kept
        | {"number": number, "template": f"tasks/output/{kept['kind']}.html"}
        | _MORE.get(kept["kind"], _nothing)(kept, number, asked)
        for number, kept in enumerate(parts(run.output), start=1)
    ]


def _nothing(kept: Kept, number: int, asked: QueryDict) -> dict[str, Any]:
    return {}


def _markdown(kept: Kept, number: int, asked: QueryDict) -> dict[str, Any]:
    return {"html": html_of(kept["text"])}


def _json(kept: Kept, number: int, asked: QueryDict) -> dict[str, Any]:
    return {"tree": JSONTree(kept["value"])}


def _table(kept: Kept, number: int, asked: QueryDict) -> dict[str, Any]:
    name = f"page{number}"
    rows = Paginator(kept["rows"], ROWS).get_page(asked.get(name))
    numbers = set(kept.get("numbers", ()))
    elsewhere = {n: v for n, v in asked.items() if n.startswith("page") and n != name}

    def query(page: int) -> str:
        return urlencode({**elsewhere, name: page})

    return {
        "rows": rows,
        "heads": [(text, at in numbers) for at, text in enumerate(kept["columns"])],
        "cells": [[(text, at in numbers) for at, text in enumerate(row)] for row in rows],
        "count": f"{rows.paginator.count:,}",
        "of": f"{kept['of']:,}" if "of" in kept else "",
        "before": query(rows.number - 1) if rows.has_previous() else "",
        "after": query(rows.number + 1) if rows.has_next() else "",
    }


def chart_shown(kept: Kept) -> dict[str, Any]:
    """A chart that stands on a page of its own accord."""
    return kept | _chart(kept, 0, QueryDict())


def _chart(kept: Kept, number: int, asked: QueryDict) -> dict[str, Any]:
    series = charts.series_of(kept)
    draw: Callable[[Any, Any], object] = {"bar": charts.bars, "line": charts.lines}[kept["drawn"]]
    columns = [[charts.in_words(n) for n in numbers] for _, numbers in series]
    return {
        "drawing": draw(kept["labels"], series),
        "summary": charts.summary(series),
        "table": list(zip(kept["labels"], zip(*columns, strict=True), strict=True)),
    }


_MORE: Final[Mapping[str, Callable[[Kept, int, QueryDict], dict[str, Any]]]] = {
    "markdown": _markdown,
    "json": _json,
    "table": _table,
    "chart": _chart,
}
