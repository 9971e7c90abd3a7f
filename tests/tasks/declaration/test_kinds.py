"""Tasks of other kinds than a function: what decides over a run is in the fingerprint and on the pages."""

import importlib
import sys
from inspect import signature

from tasks.checks import check_tasks
from tasks.declaration.calling import call_task
from tasks.declaration.declared import TaskArguments
from tasks.declaration.kinds import Problem, Shown, TaskKind
from tasks.declaration.registry import Registry, registry
from tasks.declaration.source import registers
from tests.code_blocks import ROOT, code_blocks

SAID = {"name": "Greet", "category": "Examples", "owner": "Support"}


def greeting(text="Hello {name}", **more):
    return TaskKind(
        "greeting",
        run=lambda values, run: text.format(**values),
        content={"text": text.encode()},
        shown=(Shown("Text", text),),
        **more,
    )


def greet(name: str):
    """Greets somebody."""


def with_body(name: str):
    """Greets somebody."""
    return f"Hello {name}"


def declared(function=greet, **said):
    found = Registry()
    found.task(**SAID | said)(function)
    return found


def hash_of(**said):
    return declared(**said).get("greet").source_hash


def test_a_decorator_of_a_kind_can_pass_every_argument():
    own = set(signature(Registry.task).parameters) - {"self", "without_parentheses", "kind"}
    assert set(TaskArguments.__annotations__) == own


def test_what_decides_is_in_the_fingerprint_byte_for_byte():
    plain = hash_of(kind=greeting())
    assert plain == hash_of(kind=greeting(), owner="Sales", grants={"Support": "view"})
    others = [greeting("Hello  {name}"), greeting("Hello {name}\n"), greeting("hello {name}")]
    hashes = [hash_of(kind=other) for other in others]
    assert len({plain, *hashes, hash_of()}) == 5


def test_two_texts_that_are_cut_elsewhere_are_not_the_same():
    kinds = [
        TaskKind("k", run=lambda values, run: None, content=content)
        for content in ({"a": b"xy", "b": b""}, {"a": b"x", "b": b"y"}, {"a": b"xyb"})
    ]
    assert len({hash_of(kind=kind) for kind in kinds}) == 3


def test_the_decorator_of_a_kind_is_no_part_of_the_function(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    @registers
    def greeting_task(**said):
        return lambda function: found.task(kind=greeting(), **SAID | said)(function)

    hashes = set()
    for number, owner in enumerate(["Sales", "Support"]):
        found = Registry()
        name = f"acme_greetings_{len(sys.modules)}_{number}"
        (tmp_path / f"{name}.py").write_text(
            "def declare(greeting_task):\n"
            f"    @greeting_task(owner={owner!r})\n"
            "    def greet(name: str):\n"
            "        '''Greets somebody.'''\n",
        )
        importlib.import_module(name).declare(greeting_task)
        hashes.add(found.get("greet").source_hash)
    assert len(hashes) == 1


def test_a_body_that_nobody_runs_is_a_problem_where_it_stands():
    found = declared(with_body, kind=greeting())
    assert [(p.file, "never runs" in p.message) for p in found.problems] == [(__file__, True)]
    assert declared(with_body, kind=greeting(calls_function=True)).problems == []


def test_a_kind_names_what_is_wrong_when_it_is_declared_and_later(monkeypatch):
    problem = ("The text has no place for a name.", "Write {name}.")
    assert [p.message for p in declared(kind=greeting(problems=(problem,))).problems] == [
        "The text has no place for a name."
    ]
    monkeypatch.setattr(registry, "_tasks", {})
    monkeypatch.setattr(registry, "problems", [])
    late = [
        Problem("a.sql", 3, "No table.", "Make it."),
        Problem("a.sql", 4, "Slow.", "Mind.", True),
    ]
    registry.task(kind=greeting(check=lambda task: late), **SAID)(greet)
    assert [(m.id, m.msg.split(": ")[0]) for m in check_tasks()] == [
        ("tasks.E020", "a.sql:3"),
        ("tasks.W021", "a.sql:4"),
    ]


def test_the_example_of_the_page_is_a_kind(monkeypatch):
    monkeypatch.setattr(registry, "_tasks", {})
    page = ROOT / "docs" / "explanation" / "kinds-of-tasks.md"
    names = {"__name__": "acme_greetings"}
    exec(code_blocks(page)[1], names)  # noqa: S102 -- what the page tells a reader to write
    task = registry.get("greet")
    assert task.kind.run is not None
    assert call_task(task, {"name": "Ada"}, None) == "Hello Ada"
