"""What people read keeps to the glossary, which is where the retired words are read from.

`python -m pytest tests/test_words.py` says how many are left in each file, and where.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import models

from approvals.models import ApprovalRequest
from approvals.models.deliveries import Delivery
from tasks.models import Effect, Run

ROOT: Final = Path(__file__).resolve().parent.parent
GLOSSARY: Final = ROOT / "docs" / "reference" / "glossary.md"
FILLED_IN: Final = "…"  # stands for a value in a template, an f-string or a format
CODE: Final = "□"
AREAS: Final = {
    "tasks and fixtures": ("tasks", "fixtures"),
    "approvals": ("approvals",),
    "backoffice and audit": ("backoffice", "audit"),
}
ALLOWED: Final = {
    r"asked to confirm": "it is no request for a run",
    r"payments have settled": "a bank's word for money that has arrived",
    r"door !=.*": "the name of a fact in a condition",
    r"The customer asked for it": "a customer asks the company, not the product",
    r"Asks for all fees of the year back": "the same, in a reason of the demo",
}
STATES: Final = {
    "Run": Run.Status,
    "Request": ApprovalRequest.Status,
    "item": Effect.State,
    "delivery": Delivery.Status,
}


@dataclass(frozen=True, slots=True)
class Hit:
    file: str
    line: int
    word: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: “{self.word}” in “{self.text}”"


def tables() -> Iterator[list[dict[str, str]]]:
    """The tables of the glossary, each row by the names of its columns."""
    lines = iter(GLOSSARY.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith("|"):
            names = cells(line)
            rows = takewhile(lambda row: row.startswith("|"), lines)
            yield [dict(zip(names, cells(row), strict=True)) for row in list(rows)[1:]]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


@cache
def retired(*columns: str) -> re.Pattern[str]:
    """The words of these columns as one pattern."""
    rows = [row for table in tables() for row in table]
    words = [
        word
        for row in rows
        for column in columns
        for word in re.findall(r"`([^`]+)`", row.get(column, ""))
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(by_first_letter(words))})(?!\w)")


def by_first_letter(words: list[str]) -> Iterator[str]:
    """Patterns that fail early, because most letters of a text begin no retired word."""
    for letter, same in groupby(sorted(words), key=lambda word: word[0]):
        rests = "|".join(as_pattern(word[1:]) for word in same)
        yield f"{letter}(?:{rests})"


def as_pattern(words: str) -> str:
    spaced = r"\s+".join(re.escape(part) for part in words.split(" "))
    return spaced.replace(re.escape("*"), "[a-z]*")


def hits(file: str, text: str, first_line: int, pattern: re.Pattern[str]) -> Iterator[Hit]:
    text = re.sub("|".join(ALLOWED), "", text)
    for found in pattern.finditer(text.lower()):
        line = first_line + text.count("\n", 0, found.start())
        around = text[max(0, found.start() - 40) : found.end() + 40]
        yield Hit(file, line, " ".join(found[0].split()), " ".join(around.split()))


def in_templates(folder: str) -> Iterator[tuple[Path, int, str]]:
    for path in sorted((ROOT / folder).rglob("templates/**/*")):
        if path.suffix in {".html", ".txt"}:
            yield path, 1, text_of_template(path.read_text(encoding="utf-8"))


def text_of_template(source: str) -> str:
    """What people read of it: text, labels of attributes, and texts handed to other templates."""
    text = blank(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", source)
    text = blank(r"<(script|style)\b.*?</\1>", text)
    text = re.sub(r"\{\{.*?\}\}", words_in_quotes, text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}", words_in_quotes, text, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", labels, text)


def words_in_quotes(tag: re.Match[str]) -> str:
    kept = re.findall(r'"([^"]*[a-z] [a-z][^"]*)"', tag[0])
    return "\n" * tag[0].count("\n") + (FILLED_IN if tag[0][1] == "{" else " ") + " ".join(kept)


def labels(tag: re.Match[str]) -> str:
    kept = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', tag[0])
    return "\n" * tag[0].count("\n") + (f" {' '.join(kept)} " if kept else "")


def blank(pattern: str, text: str) -> str:
    return re.sub(pattern, lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)


def in_code(folder: str) -> Iterator[tuple[Path, int, str]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from ((path, line, text) for line, text in strings(tree) if is_prose(text))


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text in the code but docstrings, names in `__all__` and those in annotations."""
    skipped = {id(part) for node in ast.walk(tree) for part in not_read(node)}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr():
                yield node.lineno, "".join(map(part_of_f_string, node.values))
            case ast.Constant(value=str(text)) if id(node) not in skipped:
                yield node.lineno, re.sub(r"\{[^}]*\}", FILLED_IN, text)


def part_of_f_string(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else FILLED_IN


def not_read(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.JoinedStr():
            yield from (part for part in node.values if isinstance(part, ast.Constant))
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            yield from ast.walk(node.value)
        case ast.Expr(value=ast.Constant()):
            yield node.value
        case ast.arg(annotation=ast.expr() as hint) | ast.FunctionDef(returns=ast.expr() as hint):
            yield from ast.walk(hint)
        case ast.Subscript() | ast.AnnAssign():
            yield from ast.walk(node.slice if isinstance(node, ast.Subscript) else node.annotation)


def is_prose(text: str) -> bool:
    sql = re.match(r"\s*(SELECT|UPDATE|INSERT|DELETE|WITH|CREATE|DROP|ALTER|SET|LISTEN)\b", text)
    return not sql and bool(re.search(r"[a-z…,.:] [\w“…]|^[A-Z][a-z]", text))


def in_models(area: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The names of models and fields, which the change history shows."""
    for model in apps.get_models():
        module = model.__module__
        if module.startswith(area) and not hasattr(model, "instance_type"):
            meta = model._meta
            yield module, f"{meta.verbose_name}, {meta.verbose_name_plural}"
            yield from ((module, str(name)) for name in names_of_fields(model))


def names_of_fields(model: type[models.Model]) -> Iterator[Any]:
    for field in [*model._meta.fields, *model._meta.many_to_many]:
        yield field.verbose_name
        yield from (label for _, label in field.flatchoices)


def in_area(area: str) -> Iterator[Hit]:
    pattern = retired("Retired", "Not on pages")
    for folder in AREAS[area]:
        for path, line, text in [*in_templates(folder), *in_code(folder)]:
            yield from hits(str(path.relative_to(ROOT)), text, line, pattern)
    for module, name in in_models(AREAS[area]):
        yield from hits(f"names in {module}", name, 0, pattern)


def in_documentation() -> Iterator[Hit]:
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        if path != GLOSSARY:
            text = text_of_page(path.read_text(encoding="utf-8"))
            yield from hits(str(path.relative_to(ROOT)), text, 1, retired("Retired"))


def text_of_page(source: str) -> str:
    text = re.sub(r"^```.*?^```", keep_lines, source, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]*`", keep_lines, text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def keep_lines(code: re.Match[str]) -> str:
    return CODE + "\n" * code[0].count("\n")


def check(found: list[Hit]) -> None:
    if found:
        pytest.fail(report(found), pytrace=False)


def report(found: list[Hit]) -> str:
    counts = Counter(hit.file for hit in found).most_common()
    by_file = "\n".join(f"{count:5} {file}" for file, count in counts)
    listed = "\n".join(map(str, found))
    use = GLOSSARY.relative_to(ROOT)
    return f"{len(found)} retired words are left:\n{by_file}\n\n{listed}\n\nWords to use: {use}"


@pytest.mark.parametrize("area", AREAS)
def test_what_people_read_keeps_to_the_glossary(area: str) -> None:
    check(list(in_area(area)))


def test_the_documentation_keeps_to_the_glossary() -> None:
    check(list(in_documentation()))


def test_no_term_of_the_glossary_is_retired() -> None:
    terms = [row["Term"] for table in tables() for row in table if "Retired" in row]
    assert len(terms) > 50
    assert [term for term in terms if retired("Retired").search(term)] == []


def test_states_have_the_labels_of_the_glossary() -> None:
    said = {
        (state.partition("`")[0].strip() or kind, state.split("`")[1]): label.partition(";")[0]
        for table in tables()
        for row in table
        for kind, state, label in [stored_as(row)]
        if state
    }
    have = {
        (kind, value): label for kind, states in STATES.items() for value, label in states.choices
    }
    assert have == said


def stored_as(row: dict[str, str]) -> tuple[str, str, str]:
    """Which kind of thing, its state as it is stored, and the label."""
    column = next((name for name in row if name.endswith(", stored as")), "")
    return column.partition(",")[0], row.get(column, ""), row.get("Label", "")


def test_every_text_that_people_read_is_seen() -> None:
    template = '<p aria-label="Whom">Ask <b>for</b> {% if x %}it{% endif %}</p>\n{{ name }} asks'
    assert words_in(text_of_template(template)) == ["ask for", "whom", "… asks"]
    code = "'''anew'''\nsay('Taken ' 'back', f'{name} asked', _('Told of {}'))\n__all__ = ['Halt']"
    texts = [text for _, text in strings(ast.parse(code)) if is_prose(text)]
    assert words_in("\n".join(texts)) == ["taken back", "told of", "… asked"]


def test_what_is_no_text_is_passed_over() -> None:
    assert words_in(text_of_template('{# anew #}<a href="/story/" class="halt">Run</a>')) == []
    page = "`stale` and [events](told of.md)\n```\nanew\n```\n"
    assert words_in(text_of_page(page)) == []
    assert words_in("It is asked to confirm.") == []


def words_in(text: str) -> list[str]:
    found = hits("", text, 1, retired("Retired", "Not on pages"))
    return sorted(hit.word.lower() for hit in found)
