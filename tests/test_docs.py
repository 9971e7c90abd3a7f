"""The documentation says what the code does: nothing is missing in it, and nothing leads nowhere."""

import ast
import inspect
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from approvals.models import ApprovalRequest
from approvals.notifications import events
from tasks import checks
from tasks.access.rights import Right
from tasks.declaration.registry import Approval, RegisteredTask, Registry, registry
from tasks.models import Run
from tasks.parameters import Param
from tasks.worker.task_run import TaskRun
from tests.code_blocks import code_blocks

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("approvals", "audit", "backoffice", "fixtures", "tasks")
REFERENCE = ROOT / "docs" / "reference"
TUTORIAL = ROOT / "docs" / "tutorial" / "first-task.md"
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LONGEST_TASK = 25  # lines


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def in_code_marks(page: str) -> set[str]:
    """Everything that the page writes as `code`, without the call's parentheses."""
    marked = re.findall(r"`([^`\n]+)`", text(REFERENCE / page))
    return {mark.partition("(")[0].strip() for mark in marked}


def of_repository() -> list[Path]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(
        [*command, "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


# --- Reference -----------------------------------------------------------------------------------


def from_environment(path: Path) -> Iterator[object]:
    """The names that env.str("NAME") and the like, and os.environ, read in a file."""
    for node in ast.walk(ast.parse(text(path))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=name), *_]
            ):
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ")),
                args=[ast.Constant(value=name), *_],
            ):
                yield name


def environment_variables() -> set[str]:
    read = {
        str(name) for path in (ROOT / "backoffice").rglob("*.py") for name in from_environment(path)
    }
    scripts = text(ROOT / "Makefile") + text(ROOT / ".ci" / "chromium")
    shell = set(re.findall(r"\$\$?\{?([A-Z_]{3,})", scripts))
    # ARGS is a variable of make; the others belong to the machine or to Django.
    return (read | shell | {"ARGS"}) - {"CI", "DJANGO_SETTINGS_MODULE", "HOME", "LC_ALL"}


def test_each_environment_variable_is_in_the_reference():
    found = environment_variables()
    assert {"SECRET_KEY", "TASK_TIMEOUT_LIMIT", "PORT", "PYTHON"} <= found
    assert found - first_cells("settings.md") == set()


def test_the_reference_names_no_environment_variable_that_nobody_reads():
    assert first_cells("settings.md") - environment_variables() == set()


def arguments(function: Callable[..., object]) -> set[str]:
    named = inspect.signature(function).parameters.items()
    return {name for name, each in named if each.kind is not each.POSITIONAL_ONLY} - {"self"}


def first_cells(page: str) -> set[str]:
    """What the tables of the page begin their rows with, without the call's parentheses."""
    cells = re.findall(r"^\| ([^|]+) \|", text(REFERENCE / page), re.MULTILINE)
    marked = re.findall(r"`([^`]+)`", "\n".join(cells))
    return {mark.partition("(")[0] for mark in marked}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("task.md", arguments(Registry.task)),
        ("task.md", {field.name for field in fields(Approval)}),
        ("task.md", {f"run.{n}" for n in vars(TaskRun) if not n.startswith("_")}),
        ("parameters.md", {field.name for field in fields(Param)}),
    ],
    ids=["@task", "Approval", "TaskRun", "Param"],
)
def test_each_argument_is_in_the_reference(page, names):
    assert len(names) > 3
    assert names - first_cells(page) == set()


def test_each_level_of_rights_is_explained():
    page = text(ROOT / "docs" / "explanation" / "permissions.md")
    rows = re.findall(r"^\| \w+ \| `(\w+)` \| ([\w ]+) \|", page, re.MULTILINE)
    assert rows == [(right.name.lower(), right.label) for right in Right]


def system_checks() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "django.core" in text(path):
                numbers = re.findall(rf'"(?:{package}\.)?([EW]\d{{3}})"', text(path))
                yield from (f"{package}.{number}" for number in numbers)


def test_each_system_check_is_in_the_reference():
    rows = re.findall(r"^\| `([\w.]+)` \|", text(REFERENCE / "checks.md"), re.MULTILINE)
    found = set(system_checks())
    assert len(found) > 3
    assert set(rows) == found


def section(title: str) -> str:
    return text(REFERENCE / "states.md").partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "statuses"),
    [("Run states", Run.Status), ("Request states", ApprovalRequest.Status)],
    ids=["run", "request"],
)
def test_each_state_is_in_the_reference_with_its_label(title, statuses):
    rows = re.findall(r"^\| [\w ]+ \| `(\w+)` \| ([\w ]+) \|", section(title), re.MULTILINE)
    assert rows == [(value, str(label)) for value, label in statuses.choices]


@pytest.mark.parametrize(
    ("title", "guard"),
    [
        ("Run states", "tasks_guard_run"),
        ("Request states", "approvals_guard_request"),
    ],
    ids=["run", "request"],
)
def test_the_moves_in_the_reference_are_those_that_the_database_allows(title, guard):
    files = sorted(ROOT.glob(f"{guard.partition('_')[0]}/migrations/guards/*.sql"))
    newest = [each for each in map(text, files) if f"FUNCTION {guard}() RETURNS" in each][-1]
    table = re.search(r"status\) NOT IN \((.*?)\) THEN", newest, re.DOTALL)
    assert table
    allowed = set(re.findall(r"\('(\w+)',\s*'(\w+)'\)", table[1]))
    plain = section(title).replace("`", "")
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \| [^|]+ \|$", plain, re.MULTILINE)
    moves = {(old, new) for old, several in rows for new in several.split(", ")}
    assert len(allowed) > 3
    assert moves - {("From", "to")} == allowed


def test_each_event_is_in_the_reference_as_people_read_it():
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \| ([^|]+) \|",
        text(REFERENCE / "events.md"),
        re.MULTILINE,
    )
    said = {True: "every channel", False: "inbox only"}
    known = [(each.key, each.label, said[each.by_default]) for each in events.every()]
    assert len(known) > 20
    assert rows == known


def told_of() -> Iterator[str]:
    """What the code tells of: each text that stands as `event=` in a call, and Event(...) aside."""
    for package in ("approvals", "tasks"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(text(path))):
                match node:
                    case ast.keyword(arg="event", value=ast.Constant(value=str(name))):
                        yield name


def test_what_is_told_is_an_event_that_people_can_choose():
    found = set(told_of())
    assert {"run_lost", "request_decided", "channel_turned_off"} <= found
    assert found <= {each.key for each in events.every()}


def test_each_make_target_is_in_the_reference():
    targets = re.findall(r"^([a-z][a-z0-9-]*):", text(ROOT / "Makefile"), re.MULTILINE)
    assert "demo" in targets
    assert {f"make {target}" for target in targets} - in_code_marks("commands.md") == set()


def test_each_command_of_ours_is_in_the_reference():
    ours = {name for name, app in get_commands().items() if str(app).startswith(PACKAGES)}
    commands = {mark.partition(" ")[0] for mark in in_code_marks("commands.md")}
    assert "export_history" in ours
    assert ours - commands == set()


# --- Links ---------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """As a forge makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", text(path), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def links(path: Path) -> Iterator[str]:
    without_code = re.sub(r"^```.*?^```$", "", text(path), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target in links(path):
        name, _, anchor = target.partition("#")
        page = (path.parent / name).resolve() if name else path
        assert page.is_file(), target
        assert not anchor or anchor in anchors(page), target


def test_each_page_is_reached_from_the_index():
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}
    assert set((ROOT / "docs").rglob("*.md")) - linked == {index}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_text_names_are_there(path):
    named = re.findall(r"`((?:docs|tests|\.ci|[a-z]+)/[\w./-]+\.(?:py|md))`", text(path))
    ours = [name for name in named if name.partition("/")[0] in (*PACKAGES, "docs", "tests")]
    assert [
        name for name in ours if not (ROOT / name).exists() and "double_charge" not in name
    ] == []


def test_tests_that_the_threat_model_names_are_there():
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", text(path), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", text(ROOT / "THREAT_MODEL.md")))
    assert len(named) > 30
    assert named - defined == set()


# --- Tutorial ------------------------------------------------------------------------------------


@pytest.fixture
def tutorials_task(monkeypatch) -> Iterator[RegisteredTask]:
    """The task of the tutorial, registered as if its file were there."""
    source = code_blocks(TUTORIAL)[0]
    module = types.ModuleType("acme_ops.double_charge")
    with registry.temporarily():
        exec(compile(source, "acme_ops/double_charge.py", "exec"), vars(module))  # noqa: S102
        yield registry.get("refund-double-charge")


def test_the_task_of_the_tutorial_is_short():
    assert len(code_blocks(TUTORIAL)[0].splitlines()) <= LONGEST_TASK


def test_the_task_of_the_tutorial_is_registered_and_has_nothing_wrong(tutorials_task):
    assert [message for message in checks.check_tasks() if "acme_ops" in message.msg] == []


def test_the_tutorial_says_what_the_checks_say(monkeypatch):
    source = code_blocks(TUTORIAL)[0]
    without_docstring = re.sub(r'^    """.*"""\n', "", source, flags=re.MULTILINE)
    with_float = re.sub(r"amount: Annotated\[.*\]", "amount: float", source)
    page = " ".join(text(TUTORIAL).split())
    for number, wrong in (("E001", without_docstring), ("E002", with_float)):
        with registry.temporarily():
            exec(compile(wrong, "acme_ops/double_charge.py", "exec"), {})  # noqa: S102
            (found,) = [m for m in checks.check_tasks() if "acme_ops" in m.msg]
        assert found.id == f"tasks.{number}"
        assert f"({found.id}) .../{found.msg}" in page


def test_the_readme_shows_the_task_of_the_tutorial():
    assert code_blocks(ROOT / "README.md") == code_blocks(TUTORIAL)[:1]


def test_the_tests_of_the_tutorial_pass(monkeypatch):
    task, tests = (compile(block, str(TUTORIAL), "exec") for block in code_blocks(TUTORIAL))
    for name in ("acme_ops", "acme_ops.double_charge"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    namespace: dict[str, Any] = {}
    with registry.temporarily():
        exec(task, vars(sys.modules["acme_ops.double_charge"]))  # noqa: S102
        exec(tests, namespace)  # noqa: S102
    written = [test for name, test in namespace.items() if name.startswith("test_")]
    assert len(written) == 2
    for test in written:
        test()


def test_the_kind_of_the_how_to_keeps_what_it_promises():
    from tasks import parameters
    from tasks.parameters.kinds import base

    (source, *_) = code_blocks(ROOT / "docs" / "how-to" / "add-a-parameter-kind.md")
    module: dict[str, Any] = {"__name__": "acme_ops.kinds"}
    before = dict(base._EXACT)
    try:
        exec(source, module)  # noqa: S102
        namespace: dict[str, Any] = {"Iban": module["Iban"]}
        exec("def pay(account: Iban): ...", namespace)  # noqa: S102
        declared = parameters.read(namespace["pay"])
    finally:
        base._EXACT.clear()
        base._EXACT.update(before)
    right, wrong = "CH93 0076 2011 6238 5295 7", "CH93 0076 2011 6238 5295 8"
    forms = [
        parameters.form_for(declared, person=None, data={"account": iban})
        for iban in (right, wrong)
    ]
    assert [form.is_valid() for form in forms] == [True, False]
    frozen = parameters.freeze(declared, forms[0].cleaned_data)
    assert parameters.thaw(declared, frozen) == {"account": right.replace(" ", "")}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_in_the_texts_is_python(path):
    for block in code_blocks(path):
        ast.parse(block)


# --- The repository ------------------------------------------------------------------------------


def test_no_file_names_a_machine_or_where_packages_come_from():
    folders = "|".join(["home", "root", "Users", "work"])
    private = re.compile(
        rf"(?<![\w.~])/(?:(?:{folders})/\w|tmp/\w\w)|python" + r"hosted|\bpypi\.org"
    )
    guilty = []
    for path in of_repository():
        content = path.read_bytes()
        if b"\0" not in content and (found := private.search(content.decode(errors="replace"))):
            guilty.append(f"{path.relative_to(ROOT)}: {found[0]}")
    assert guilty == []


def test_decisions_are_numbered_in_order_and_say_the_same_three_things():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in pages]
    assert numbers[0] == 1
    assert all(earlier < later for earlier, later in pairwise(numbers))
    for path in pages:
        headings = re.findall(r"^## (.+)$", text(path), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], path.name
        assert text(path).startswith(f"# {path.name[:4]} "), path.name
