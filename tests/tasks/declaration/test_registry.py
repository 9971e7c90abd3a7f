"""The registry of tasks: what `@task` makes of a function, and what it says of a wrong one."""

import importlib
import inspect
import subprocess
import sys
from decimal import Decimal
from functools import cache, partial, wraps
from typing import Any

import pytest

from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.discovery import NoSuchTaskModule
from tasks.declaration.limits import Limits
from tasks.declaration.registry import Approval, RegisteredTask, Registry, Undo, UnknownTask
from tasks.declaration.slack import InSlack
from tasks.declaration.source import fingerprint, location


def wrong(kind: Any, *values: Any, **named: Any) -> Any:
    """One with values that its types do not allow."""
    return kind(*values, **named)


@pytest.fixture
def registry():
    return Registry()


def declared(registry, **options):
    """A task that is right, but for these options."""
    options = {"name": "Issue credit", "category": "Accounts", "owner": "Payments"} | options

    @registry.task(**options)
    def issue_credit(amount):
        """Adds a credit.

        It cannot be taken back.
        """
        return f"credited {amount}"

    return issue_credit


def test_a_function_stays_a_plain_function(registry):
    assert declared(registry)(5) == "credited 5"


def test_a_task_is_described_by_its_function(registry):
    function = inspect.unwrap(declared(registry))
    task = registry.get("issue-credit")
    assert (task.function, task.name, task.timeout) == (function, "Issue credit", 60)
    assert task.description == "Adds a credit.\n\nIt cannot be taken back."
    assert (task.file, task.line) == (__file__, inspect.getsourcelines(function)[1])
    assert registry.problems == []


def test_a_slug_may_be_given(registry):
    declared(registry, slug="credit-2")
    assert registry.get("credit-2").name == "Issue credit"


def test_an_unknown_task_says_where_to_look(registry):
    with pytest.raises(UnknownTask, match="TASK_MODULES"):
        registry.get("gone")


def test_tasks_come_by_category_and_name(registry):
    for name, category in [("B", "Z"), ("C", "A"), ("A", "Z")]:
        declared(registry, name=name, category=category, slug=name.lower())
    assert [task.name for task in registry.all()] == ["C", "A", "B"]


async def an_async_one(amount): ...


def a_generator(sent):
    yield


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "has no name"),
        ({"category": " "}, "has no category"),
        ({"owner": ""}, "has no owner"),
        ({"slug": "Not a slug"}, "cannot be the slug"),
        ({"slug": ""}, "cannot be the slug"),
        ({"timeout": 0}, "has the timeout 0"),
        ({"timeout": "60"}, "has the timeout '60'"),
        ({"timeout": True}, "has the timeout True"),
        ({"preview": "text"}, "preview of the task"),
        ({"validate": 5}, "validate of the task"),
        ({"grants": {"Support": "own"}}, "the level 'own'"),
        ({"approval": ["amount > 5"]}, "is 'amount > 5'"),
        ({"approval": [Approval("", groups=["A"])]}, "has no condition"),
        ({"approval": [Approval("true")]}, "names nobody who could approve"),
        ({"approval": [Approval("true", groups=["A"], needed=0)]}, "needs 0 people"),
        ({"approval": Approval("true", groups=["A"])}, "approval of the task"),
        ({"approval": "amount > 100"}, "approval of the task"),
        ({"approval": [wrong(Approval, "true", groups=5)]}, "groups of an approval rule"),
        ({"approval": [wrong(Approval, 5, groups=["A"])]}, "when of an approval rule"),
        (
            {"approval": [wrong(Approval, "true", groups=["A"], fresh_proof="no")]},
            "fresh_proof of an",
        ),
        (
            {"approval": [wrong(Approval, "true", groups=["A"], ticket_pattern=5)]},
            "wrong ticket_pattern",
        ),
        ({"grants": ["Support"]}, "grants of the task"),
        ({"outputs": ["n"]}, "outputs of the task"),
        ({"one_open_per": 5}, "one_open_per of the task"),
        ({"idempotent": "no"}, "idempotent of the task"),
        ({"moves_money": "yes"}, "moves_money of the task"),
        ({"limits": {"first": 5}}, "limits of the task"),
        ({"limits": Limits(percent=200)}, "percent=200, which is never exceeded"),
        ({"limits": Limits(first=-1)}, "first=-1"),
        ({"limits": wrong(Limits, amount="5")}, "amount='5'"),
        ({"approval": [Approval("true", groups=["A"], limits=Limits(failures=True))]}, "failures"),
        ({"slack": "decide"}, "slack of the task"),
        ({"slack": wrong(InSlack, "decide", up_to="5")}, "up_to='5'"),
        ({"break_glass": ("On call", 1)}, "break_glass of the task"),
        ({"break_glass": BreakGlass("", per_day=0)}, "break_glass of the task"),
        ({"undo": "reverse-credit"}, "undo of the task"),
        (
            {"undo": wrong(Undo, "reverse-credit", fill=["credit"])},
            "does not say what is to be undone",
        ),
        ({"name": "A" * 121}, "has 121 characters"),
        ({"slug": "a" * 81}, "cannot be the slug"),
        ({"validate": an_async_one}, "is async"),
        ({"look_up": a_generator}, "is a generator"),
    ],
)
def test_a_wrong_declaration_is_a_problem_and_no_task(registry, options, message):
    declared(registry, **options)
    (problem,) = registry.problems
    assert message in problem.message
    assert problem.hint
    assert problem.file == __file__
    assert problem.line > 0
    assert registry.all() == []


def test_a_task_without_a_docstring_is_a_problem(registry):
    @registry.task(name="A", category="B", owner="C")
    def silent(): ...

    assert "has no docstring" in registry.problems[0].message


def without_wraps(function):
    def inner(amount):
        return function(amount)

    return inner


def test_a_decorator_that_hides_the_function_is_named(registry):
    @registry.task(name="A", category="B", owner="C")
    @without_wraps
    def credit(amount):
        """Adds a credit."""

    assert "functools.wraps" in registry.problems[0].hint


@pytest.mark.parametrize("wrong", [5, property(lambda self: 1), object])
def test_what_is_no_function_is_a_problem_and_raises_nothing(registry, wrong):
    registry.task(name="A", category="B", owner="C", slug="a")(wrong)
    assert registry.problems
    assert registry.all() == []


def test_a_decorator_without_parentheses_is_a_problem(registry):
    def credit(amount):
        """Adds a credit."""

    assert registry.task(credit) is credit
    (problem,) = registry.problems
    assert (problem.file, "Write @task(name=" in problem.hint) == (__file__, True)


def test_a_second_task_of_the_same_name_is_a_problem_and_the_first_stays(registry):
    first = declared(registry)
    line = registry.get("issue-credit").line
    declared(registry)
    (problem,) = registry.problems
    assert f"{__file__}:{line}" in problem.message
    assert registry.get("issue-credit").function is inspect.unwrap(first)


def test_a_single_group_may_be_written_without_a_list():
    assert Approval("true", groups="Managers").groups == ("Managers",)


def test_tasks_of_a_test_are_gone_after_it(registry):
    declared(registry)
    added = RegisteredTask("x", "X", "Y", "Z", "Does x.", function=print)
    with registry.temporarily(added):
        declared(registry, slug="y")
        declared(registry, name="", slug="z")
        assert [task.slug for task in registry.all()] == ["issue-credit", "y", "x"]
    assert [task.slug for task in registry.all()] == ["issue-credit"]
    assert registry.problems == []


# Fingerprints


def same_as(function):
    return function


def test_the_fingerprint_follows_the_source_of_all_three_functions():
    def one():
        return 1

    def other():
        return 2

    prints = {fingerprint(one), fingerprint(one, other), fingerprint(one, None, other)}
    assert len(prints) == 3
    assert all(len(each) == 64 for each in prints)
    assert fingerprint(one) == fingerprint(one)


def statement(sql, **options):
    """What an adopter writes for many tasks of one kind."""

    def run():
        return sql

    run.__doc__ = "Runs a statement."
    return run


def retried(times):
    def decorate(function):
        @wraps(function)
        def again(*args):
            return [function(*args) for _ in range(times)]

        return again

    return decorate


class Statement:
    def __init__(self, sql):
        self.sql = sql

    def __call__(self):
        return self.sql


@pytest.mark.parametrize(
    "made",
    [
        statement,
        Statement,
        lambda value: partial(compiled, value),
        lambda value: retried(len(value))(same_as),
        lambda value: Statement(value).__call__,
        lambda value: cache(statement(value)),
        lambda value: statement({"sql": [value, {"b", "a"}, Decimal(1)]}),
        lambda value: statement(Approval(value)),
        lambda value: statement(statement(value)),
    ],
)
def test_what_a_function_was_made_with_is_part_of_its_fingerprint(made):
    first, same, other = made("DELETE"), made("DELETE"), made("UPDATE 1")
    assert fingerprint(first) == fingerprint(same) != fingerprint(other)


def test_what_an_author_names_beside_the_function_is_part_of_it(registry):
    hashes = set()
    for number, more in enumerate(
        [
            {},
            {"also": ("SELECT 1",)},
            {"also": ("SELECT 2",)},
            {"also": (same_as,)},
            {"idempotent": True},
        ]
    ):
        declared(registry, slug=f"task-{number}", **more)
        hashes.add(registry.get(f"task-{number}").source_hash)
    assert len(hashes) == 5


def in_a_module(modules, text):
    name = f"acme_{len(sys.modules)}"
    modules(f"{name}.py", text)
    return importlib.import_module(name)


def test_what_has_no_effect_on_a_run_does_not_move_the_fingerprint(registry, modules):
    text = (
        "def declare(task):\n"
        "    @task(name='A', category='B', owner={owner!r}, grants={grants!r})\n"
        "    def credit(amount):\n"
        '        """{doc}"""\n'
        "        {comment}\n"
        "        return {body}\n"
        "    return credit\n"
    )
    said = {"owner": "Ops", "grants": {}, "doc": "Adds.", "comment": "", "body": "amount + 1"}

    def of(**changes):
        found = Registry()
        in_a_module(modules, text.format(**said | changes)).declare(found.task)
        assert found.problems == []
        return found.get("credit").source_hash

    plain = of()
    assert of(owner="Finance") == of(grants={"Support": "view"}) == plain
    assert of(doc="Adds\n        a credit.") == of(comment="# as asked") == plain
    assert of(body="(amount\n            + 1)") == plain
    assert of(body="amount + 2") != plain


def compiled(text):
    """A function of which no source can be found."""
    names: dict[str, Any] = {}
    exec(compile(text, "<nowhere>", "exec"), names)  # noqa: S102 -- to have no source
    return names["f"]


def test_without_source_the_code_itself_is_the_fingerprint():
    first, same = compiled("def f():\n  return 1"), compiled("def f():\n  return 1")
    other = compiled("def f():\n  return 2")
    assert fingerprint(first) == fingerprint(same) != fingerprint(other)


def test_without_source_the_fingerprint_is_that_of_every_process():
    text = "def f(x):\n  g = lambda: x in {'a', 'b', 'c'}\n  return g()"
    script = (
        "from tasks.declaration.source import fingerprint; names = {};"
        f"exec(compile({text!r}, '<nowhere>', 'exec'), names); print(fingerprint(names['f']))"
    )
    seen = {
        subprocess.check_output([sys.executable, "-c", script], env={"PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    }
    assert seen == {f"{fingerprint(compiled(text))}\n".encode()}


def test_partials_and_callable_objects_have_a_fingerprint_and_a_place():
    class Callable:
        def __call__(self): ...

    for function in (partial(compiled, "x"), Callable()):
        assert len(fingerprint(function)) == 64
        assert location(function)[0] == __file__
    assert len(fingerprint(len)) == 64


# Finding the modules


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that can be imported during one test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_package_is_loaded_with_the_modules_in_it(registry, modules):
    modules("acme_ops/__init__.py", "")
    modules("acme_ops/refunds.py", "")
    modules("acme_ops/__main__.py", "raise SystemExit")
    modules("acme_ops/below/__init__.py", "")
    modules("acme_ops/below/deep.py", "")
    registry.load(["acme_ops"])
    assert {name for name in sys.modules if name.startswith("acme_ops")} == {
        "acme_ops",
        "acme_ops.refunds",
        "acme_ops.below",
    }


def test_a_module_is_loaded_by_itself(registry, modules):
    modules("acme_ops/__init__.py", "")
    modules("acme_ops/refunds.py", "")
    modules("acme_ops/other.py", "raise RuntimeError")
    registry.load(["acme_ops.refunds"])
    assert "acme_ops.refunds" in sys.modules


@pytest.mark.parametrize("name", ["no_such_ops", "no_such_ops.refunds"])
def test_a_name_that_leads_nowhere_stops_the_process(registry, name):
    with pytest.raises(NoSuchTaskModule, match=f"TASK_MODULES names '{name}'"):
        registry.load([name])


def test_what_a_module_raises_stops_the_process_and_names_the_module(registry, modules):
    modules("acme_ops.py", "import no_such_library")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        registry.load(["acme_ops"])
    modules("acme_more.py", "1 / 0")
    with pytest.raises(ZeroDivisionError) as caught:
        registry.load(["acme_more"])
    assert "acme_more" in caught.value.__notes__[0]


def test_the_registry_is_imported_without_django():
    script = (
        "import sys, tasks.declaration.registry; print([m for m in sys.modules if 'django' in m])"
    )
    assert subprocess.check_output([sys.executable, "-c", script]) == b"[]\n"
