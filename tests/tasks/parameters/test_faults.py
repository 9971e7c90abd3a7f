"""An author's function that fails at the form is told there in a sentence, and never an error page."""

from typing import Annotated, Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse

from tasks.access.rights import Right
from tasks.actions import adopt_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Refused
from tasks.declaration.registry import Registry, registry
from tasks.models import Run, Task
from tasks.parameters import DeclarationError, Param, read, search
from tests.tasks.admin.reading import form_of, signed_in, words
from tests.tasks.parameters.asking import form, page, taking


def broken(*_: object, **__: object) -> Any:
    raise LookupError("canary-4711")


def refusing(*_: object, **__: object) -> Any:
    raise Refused("Not on a Sunday.")


def no_such_table(person: object) -> Any:
    connection.cursor().execute("SELECT * FROM no_such_table")


Wrong: Any = Param  # with arguments that its types do not allow


def choosing(**said: Any) -> Any:
    """A hint for an object, with these arguments."""
    return Annotated[Group, Param(search=("name",), **said)]


WRONG = {
    "options raise": Annotated[str, Param(options=broken)],
    "options are no texts": Annotated[str, Wrong(options=lambda person: [1, 2])],
    "options are triples": Annotated[str, Wrong(options=lambda person: [("a", "b", "c")])],
    "options are none": Annotated[str, Wrong(options=lambda person: None)],
    "options of a list": Annotated[list[str], Param(options=broken)],
    "limit raises": choosing(limit=broken),
    "limit is a list": choosing(limit=lambda person: []),
    "limit is of another model": choosing(limit=lambda person: Task.objects.all()),
    "limit is sliced": choosing(limit=lambda person: Group.objects.all()[:5]),
    "limit is no query": choosing(limit=no_such_table),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_a_sentence_beside_the_field(db, wrong, caplog):
    function = taking(value=WRONG[wrong], note=str, default="")
    shown = form(function).as_p()
    assert "The choices could not be loaded: the code of this task has a fault" in shown
    sent = form(function, page(value="1", note="Hello"))
    assert list(sent.errors) == ["value"]
    assert "Contact the owner of this task." in sent.errors["value"][0]
    assert "canary" not in shown + str(sent.errors) + caplog.text
    Group.objects.exists()  # the transaction around it is still usable


def test_what_it_raises_to_turn_somebody_down_is_its_own_sentence():
    assert "Not on a Sunday." in form(taking(value=choosing(limit=refusing))).as_p()


@pytest.mark.parametrize(
    ("validate", "says"),
    [
        (broken, "These values could not be checked: the code of this task has a fault"),
        (refusing, "Not on a Sunday."),
        (lambda value: "Too late today.", "Too late today."),
    ],
)
def test_a_check_that_fails_or_returns_a_text_refuses(validate, says):
    sent = form(taking(value=str), page(value="x"), validate=validate)
    assert not sent.is_valid()
    assert says in sent.non_field_errors()[0]


@pytest.mark.parametrize("validate", [lambda value: None, lambda value: {"value": value}, None])
def test_what_else_a_check_returns_means_nothing(validate):
    assert form(taking(value=str), page(value="x"), validate=validate).is_valid()


@pytest.mark.parametrize("wrong", ["limit raises", "limit is a list", "limit is sliced"])
def test_the_picker_says_it_as_well(db, wrong):
    (parameter,) = read(taking(value=WRONG[wrong]))
    (said,) = search(parameter, None, "")["results"]
    assert "has a fault" in said["text"]
    assert said["disabled"]


def test_a_limit_that_finds_an_object_twice_offers_it(alice, bob, approvers):
    group = Group.objects.create(name="Lake")
    for person in (alice, bob):
        person.groups.add(group)
    members = choosing(limit=lambda person: Group.objects.filter(user__is_active=True))
    filled = form(taking(value=members), page(value=str(group.pk)))
    assert filled.is_valid(), filled.errors
    assert filled.cleaned_data["value"] == group


@pytest.mark.parametrize(
    "hint",
    [
        Annotated[str, Wrong(options=lambda person, more: [])],
        Annotated[str, Wrong(options=["EU"])],
        choosing(limit=lambda: None),
        choosing(limit=[1, 2]),
        Annotated[str, Wrong(sums_by={"customer": lambda: 1})],
        Annotated[str, Wrong(sums_by=["customer"])],
    ],
)
def test_what_cannot_be_called_with_one_value_is_found_before(hint):
    with pytest.raises(DeclarationError):
        read(taking(value=hint))


# --- The whole way -------------------------------------------------------------------------------


@pytest.fixture
def faulty_task(db, alice, approvers):
    """A task of which each function fails when it is told to."""
    found = Registry()
    wrong: set[str] = set()

    def fails(name: str, otherwise: Any) -> Any:
        return broken() if name in wrong else otherwise

    @found.task(  # type: ignore[untyped-decorator]
        name="Faulty", category="Tests", owner="Testers",
        validate=lambda note: fails("validate", None),
    )  # fmt: skip
    def faulty(
        region: Annotated[str, Param(options=lambda person: fails("options", ["EU"]))],
        team: Annotated[
            Group, Param(search=("name",), limit=lambda p: fails("limit", Group.objects.all()))
        ],
        note: Annotated[str, Wrong(sums_by={"half": lambda note: fails("sums_by", note)})],
    ) -> str:
        """Fails where it is told to."""
        return note

    registered = found.get("faulty")
    with registry.temporarily(registered):
        adopt_task(registered)
        row = Task.objects.get(slug="faulty")
        set_right(row, Right.EXECUTE, to=alice)
        yield row, wrong


@pytest.mark.parametrize("fault", ["options", "limit", "validate", "sums_by"])
def test_no_fault_of_an_author_is_an_error_page(faulty_task, alice, approvers, fault, caplog):
    task, wrong = faulty_task
    client, sent = signed_in(alice), {"region": "EU", "team": approvers.pk, "note": "Hello"}
    wrong.add(fault)
    assert client.get(form_of(task)).status_code == 200
    assert (
        client.get(reverse("admin:tasks_task_options", args=["faulty", "team"])).status_code == 200
    )
    answer = client.post(form_of(task), sent)
    assert answer.status_code == 200
    assert "the code of this task has a fault (LookupError)" in words(answer)
    assert not Run.objects.exists()
    assert "canary" not in words(answer) + caplog.text
    wrong.clear()
    assert client.post(form_of(task), sent).status_code == 302
