"""Times of day, lengths of time, UUIDs, JSON, lists of simple values, typed confirmations, suggestions."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from tasks.declaration.errors import Refused
from tasks.parameters import (
    Confirm,
    DeclarationError,
    File,
    Money,
    Param,
    Rows,
    Secret,
    display,
    fill_from,
    form_for,
    freeze,
    read,
    rule_types,
    rule_values,
    search,
    values_beside,
)
from tests.tasks.parameters.asking import SOME_ID, complaint, form, given, page, taking


@pytest.mark.parametrize(
    ("hint", "sent", "said"),
    [
        (time, "24:00", "Enter a time like 14:30."),
        (time, "2pm", "Enter a time like 14:30."),
        (time, "14:30Z", "Enter a time like 14:30."),
        (Annotated[time, Param(min="08:00", max="18:00")], "07:59", "The smallest allowed is 08:00."),
        (Annotated[time, Param(min="08:00", max="18:00")], "18:01", "The largest allowed is 18:00."),
        (timedelta, "90", "Enter a length of time like 1 hour 30 minutes."),
        (timedelta, "1:30", "Enter a length of time like 1 hour 30 minutes."),
        (timedelta, "1 hour 1 hour", "Enter a length of time like 1 hour 30 minutes."),
        (timedelta, "30 min 1 h", "Enter a length of time like 1 hour 30 minutes."),
        (timedelta, "-1 hour", "Enter a length of time like 1 hour 30 minutes."),
        (timedelta, timedelta(-1), "The smallest allowed is 0 seconds."),
        (timedelta, "999999999 days", "The largest allowed is 36600 days."),
        (Annotated[timedelta, Param(max="2 hours")], "121 min", "The largest allowed is 2 hours."),
        (UUID, "123e4567", "Enter an ID like 123e4567-e89b-12d3-a456-426614174000."),
        (UUID, f"{{{SOME_ID}}}", "Enter an ID like 123e4567-e89b-12d3-a456-426614174000."),
        (dict, "{'a': 1}", "This is no JSON: line 1, column 2"),
        (dict, '{"a": 1, "a": 2}', "The name “a” stands in it twice."),
        (dict, '{"a": NaN}', "NaN is no number of JSON."),
        (dict, "[1]", 'Enter a JSON object, such as {"plan": "pro"}.'),
        (dict, {"a": 1.5}, "Enter JSON of texts, numbers, yes or no, lists and objects."),
        (dict, '{"a":' * 30 + "1" + "}" * 30, "This is nested too deeply."),
        (dict, '{"a": "%s"}' % ("x" * 20_001), "Enter at most 20,000 characters."),
        (list[int], "1\nx\n\ny", "Line 2, “x”: Enter a whole number, such as 1000. Line 4, “y”:"),
        (Annotated[list[int], Param(max=5)], "4\n6", "Line 2, “6”: The largest allowed is 5."),
        (Annotated[list[str], Param(max_length=1)], "a\nb", "Enter at most 1. You entered 2."),
        (Annotated[list[str], Param(min_length=2)], "a", "Enter at least 2, one in each line."),
        (Annotated[str, Confirm("DELETE")], "delete", "Type DELETE to confirm, in these very"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_with_what_to_enter(hint, sent, said):
    assert complaint(hint, sent).startswith(said)


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("1 day, 2 hours", timedelta(hours=26)),
        ("1d2h", timedelta(hours=26)),
        ("45 s", timedelta(seconds=45)),
        ("90 minutes", timedelta(minutes=90)),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(sent, value):
    assert given(timedelta, sent) == value


def test_json_is_exact_and_reads_the_same_again():
    value = given(dict, '{"rate": 0.10, "big": 12345678901234567890, "e": 1e400, "n": {"a": "ü"}}')
    assert value["rate"] == Decimal("0.10")
    frozen = freeze(read(taking(value=dict)), {"value": value})
    assert frozen["value"]["json"] == (
        '{"rate": 0.10, "big": 12345678901234567890, "e": 1E+400, "n": {"a": "ü"}}'
    )


def test_a_list_shows_what_was_typed_when_it_comes_back():
    html = str(form(taking(value=list[int]), page(value="1\nx")))
    assert "1\nx</textarea>" in html


def test_what_people_read_and_what_conditions_see():
    parameters = read(taking(at=time, hold=timedelta, key=UUID, tags=list[str], more=dict))
    frozen = freeze(
        parameters,
        {"at": time(14, 30), "hold": timedelta(minutes=90), "key": SOME_ID, "tags": ["a", "b"],
         "more": {"a": 1}},
    )  # fmt: skip
    assert [text for _, text in display(parameters, frozen)] == [
        "14:30", "1 hour 30 minutes", str(SOME_ID), "a, b", '{"a": 1}',
    ]  # fmt: skip
    assert rule_values(parameters, frozen) == {
        "at": "14:30", "hold_seconds": 5400, "key": str(SOME_ID), "tags": ("a", "b"),
    }  # fmt: skip
    assert rule_types(parameters).keys() == {"at", "hold_seconds", "key", "tags"}


@dataclass(frozen=True)
class Slot:
    """One row."""

    key: UUID
    at: time
    length: timedelta


def test_they_stand_in_the_cells_of_a_file():
    def plan(slots: Annotated[Rows[Slot], Param(key="key")]) -> str:
        return ""

    content = f"key,at,length\n{SOME_ID},14:30,1 h\n{SOME_ID},x,1 h"
    files = {"slots": SimpleUploadedFile("slots.csv", content.encode(), "text/csv")}
    filled = form_for(read(plan), person=None, data={}, files=files)
    assert list(filled.errors["slots"]) == [
        "Row 3, at “x”: Enter a time like 14:30.",
        f"Row 3, key: {SOME_ID} is already in row 2.",
    ]
    table = read(plan)[0].kind.table
    rows = [Slot(SOME_ID, time(14, 30), timedelta(hours=1))]
    assert table.read(table.written(rows)) == rows


@pytest.mark.parametrize("hint", [dict, Annotated[str, Confirm("YES")], list[int]])
def test_some_fit_in_no_cell(hint):
    from dataclasses import make_dataclass

    row = make_dataclass("Row", [("key", str), ("it", hint)], frozen=True)
    with pytest.raises(DeclarationError, match="no cell can hold"):
        read(taking(rows=Annotated[Rows[row], Param(key="key")]))


# --- Confirmations ---------------------------------------------------------------------------------


def test_a_confirmation_is_typed_anew_each_time_and_nothing_fills_it_in():
    sure = Annotated[str, Confirm("DELETE")]
    asked = form(taking(sure=sure))
    assert "Type DELETE to confirm." in str(asked)
    assert fill_from(asked, QueryDict("sure=DELETE")).labels == []
    assert 'value="DELETE"' not in str(asked)
    assert rule_types(read(taking(sure=sure))) == {}
    with pytest.raises(DeclarationError, match="Nothing fills in a Secret"):
        read(taking(key=Annotated[Secret, Param(default=lambda person: Secret("x"))]))
    with pytest.raises(DeclarationError, match="cannot be the default"):
        read(taking(sure=sure, default="DELETE"))


# --- Suggestions, and bounds before the error ------------------------------------------------------


def test_a_default_is_computed_for_the_person_and_keeps_the_rules():
    def first_of_month(person: object) -> date:
        return date(2026, 2, 1)

    hint = Annotated[date, Param(default=first_of_month)]
    asked = form(taking(due=hint))
    assert 'value="2026-02-01"' in str(asked)
    assert form(taking(due=hint), {}).is_valid()  # of another door, which says nothing
    assert form(taking(due=hint), page(due="")).errors["due"] == ["This field is required."]
    late = Annotated[date, Param(default=first_of_month, max="2026-01-31")]
    assert form(taking(due=late), {}).errors["due"] == ["The largest allowed is 2026-01-31."]


def test_a_default_that_fails_leaves_the_field_empty(caplog):
    hint = Annotated[int, Param(default=lambda person: 1 // 0)]
    asked = form(taking(number=hint))
    assert "code of this task" not in str(asked)
    assert "ZeroDivisionError" in caplog.text


def test_there_is_one_default():
    hint = Annotated[int, Param(default=lambda person: 1)]
    with pytest.raises(DeclarationError, match="two defaults"):
        read(taking(number=hint, default=2))
    with pytest.raises(DeclarationError, match="number: default must be"):
        read(taking(number=Annotated[int, Param(default=lambda: 1)]))


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (Annotated[int, Param(min=1, max=5)], "From 1 to 5."),
        (Annotated[Money, Param(min="0.01")], "At least 0.01."),
        (Annotated[Decimal, Param(max="9.5")], "At most 9.5."),
        (Annotated[date, Param(min="2026-01-01")], "At least 2026-01-01."),
        (Annotated[str, Param(max_length=20)], "At most 20 characters."),
        (Annotated[File, Param(accept=(".csv", ".txt"), max_size=1024)], "A .csv or .txt file of"),
        (Annotated[list[int], Param(max=5)], "One in each line, at most 1,000. At most 5."),
    ],
)
def test_bounds_are_read_before_they_are_broken(hint, said):
    assert said in str(form(taking(value=hint)))


# --- Pickers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "typed"),
    [("José", "jose"), ("Łukasz", "lukasz"), ("O\u2019Neill", "o'neill"), ("O'Neill", "O\u2019NEILL"),
     ("Zoe", "zoë"), ("Anne\u2011Marie", "anne-marie")],
)  # fmt: skip
def test_a_picker_finds_whatever_the_accents_quotes_and_dashes(db, name, typed):
    from backoffice.models import User
    from tests.people import person

    person("Bob")
    found = person("Max")
    User.objects.filter(pk=found.pk).update(first_name=name)
    (parameter,) = read(taking(who=Annotated[User, Param(search=("first_name",))]))
    assert [each["id"] for each in search(parameter, None, typed)["results"]] == [str(found.pk)]


def test_a_picker_says_what_its_author_wants(db):
    from backoffice.models import User
    from tests.people import person

    max_ = person("Max")
    hint = Annotated[
        User, Param(search=("first_name",), picker_text=lambda who: f"{who.email}\u200b, open")
    ]
    (parameter,) = read(taking(who=hint))
    (found,) = search(parameter, None, "max")["results"]
    assert found["text"] == f"{max_.email}⟨U+200B⟩, open"
    with pytest.raises(DeclarationError, match="picker_text must be"):
        read(taking(who=Annotated[User, Param(search=("email",), picker_text=lambda: "")]))


# --- Objects that depend on another field ----------------------------------------------------------


@pytest.fixture
def members(db):
    """Two people of one group, and one of another."""
    from django.contrib.auth.models import Group

    from backoffice.models import Membership
    from tests.people import person

    groups = [Group.objects.create(name=name) for name in ("Team A", "Team B")]
    people = [person(name) for name in ("Max", "Ana", "Olaf")]
    for somebody, group in zip(people, [groups[0], groups[0], groups[1]], strict=True):
        Membership.objects.create(user=somebody, group=group)
    return groups, people


def in_group(found, team):
    """The narrowing of an author."""
    return found.filter(groups=team)


def hand_over():
    from django.contrib.auth.models import Group

    from backoffice.models import User

    return taking(
        team=Annotated[Group, Param(search=("name",))],
        who=Annotated[User, Param(search=("username",), depends_on=in_group)],
    )


def test_an_object_must_go_with_the_other_field(members):
    (support, _), (max_, _, olaf) = members
    good = form(hand_over(), page(team=str(support.pk), who=str(max_.pk)))
    assert good.is_valid(), good.errors
    bad = form(hand_over(), page(team=str(support.pk), who=str(olaf.pk)))
    assert bad.errors["who"] == ["This does not go with Team. Choose another one."]
    assert form(hand_over(), {"team": support.pk, "who": olaf.pk}).errors.keys() == {"who"}
    assert 'data-depends-on="team"' in str(form(hand_over()))


def test_its_picker_lists_what_goes_with_it(members):
    (support, _), (max_, ana, _) = members
    declared = read(hand_over())
    beside = values_beside(declared[1], declared, None, page(team=str(support.pk)))
    found = search(declared[1], None, "", beside=beside)["results"]
    assert {each["id"] for each in found} == {str(max_.pk), str(ana.pk)}
    with pytest.raises(Refused, match="Fill in “Team” first"):
        values_beside(declared[1], declared, None, page(team=""))


def test_what_it_depends_on_is_another_parameter(db):
    from backoffice.models import User

    for wrong in (lambda found: found, lambda found, nobody: found, lambda found, who: found):
        hint = Annotated[User, Param(search=("username",), depends_on=wrong)]
        with pytest.raises(DeclarationError, match="depends_on of the parameter who"):
            read(taking(who=hint))
