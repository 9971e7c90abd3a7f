from enum import Enum
from typing import Annotated, Literal

import pytest
from django.db.models import IntegerChoices, TextChoices

from tasks.parameters import DoesNotFit, Param, canonical, display, freeze, read, thaw
from tests.tasks.parameters.asking import Channel, complaint, form, given, page, taking


class Plan(TextChoices):
    FREE = "f", "Free of charge"
    TEAM = "t", "For teams"


class Priority(IntegerChoices):
    LOW = 1
    HIGH = 2


LABELLED = Annotated[Literal["eu", "us"], Param(labels={"eu": "Europe"})]
SEVERAL = Annotated[list[Channel], Param(min_length=1, max_length=1)]


@pytest.mark.parametrize(
    ("hint", "sent", "frozen", "shown"),
    [
        (LABELLED, "eu", '{"value":"eu"}', "Europe"),
        (LABELLED, "us", '{"value":"us"}', "Us"),
        (Channel, "paper", '{"value":"paper"}', "Paper mail"),
        (Plan, "f", '{"value":"f"}', "Free of charge"),
        (Priority, "2", '{"value":2}', "High"),
        (Literal[1, 2], "2", '{"value":2}', "2"),
        (list[Channel], ["paper", "email"], '{"value":["email","paper"]}', "Email, Paper mail"),
    ],
)
def test_the_label_is_shown_and_the_value_is_stored(hint, sent, frozen, shown):
    parameters = read(taking(value=hint))
    stored = freeze(parameters, {"value": given(hint, sent)})
    assert canonical(stored).decode() == frozen
    assert display(parameters, stored) == [("Value", shown)]
    assert thaw(parameters, stored) == {"value": given(hint, sent)}


@pytest.mark.parametrize("hint", [LABELLED, Channel, Plan, Priority, Literal[1]])
@pytest.mark.parametrize("sent", ["x", "EMAIL", True, 7, ["eu"], {"eu": 1}, "None", "\0"])
def test_what_is_not_offered_is_refused(hint, sent):
    assert complaint(hint, sent) == "Choose one from the list."


def test_a_choice_that_is_gone_does_not_fit_any_more():
    with pytest.raises(DoesNotFit, match="no longer an option"):
        thaw(read(taking(value=Channel)), {"value": "fax"})


def test_true_is_not_its_own_name():
    assert complaint(Literal["True"], True) == "Choose one from the list."


def test_true_is_not_the_number_one():
    with pytest.raises(DoesNotFit):
        thaw(read(taking(value=Literal[1])), {"value": True})


def test_several_are_kept_once_and_in_order():
    assert given(list[Channel], ["paper", "email", "paper"]) == [Channel.EMAIL, Channel.PAPER_MAIL]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([], "Choose at least one."),
        (["email", "paper"], "Choose at most 1."),
        (["fax"], "Choose one from the list."),
        ("email", "Choose from the list."),
    ],
)
def test_how_many_is_explained(sent, message):
    assert complaint(SEVERAL, sent) == message


def test_a_list_without_a_tick_is_empty_when_it_has_a_default():
    filled = form(taking(value=list[Channel], default=[Channel.EMAIL]), page())
    assert filled.is_valid()
    assert filled.cleaned_data == {"value": []}


def test_a_list_takes_options_of_the_person():
    hint = Annotated[list[str], Param(options=lambda _: [("a", "Alpha"), "b"])]
    parameters = read(taking(value=hint))
    frozen = freeze(parameters, {"value": given(hint, ["a"])})
    assert display(parameters, frozen) == [("Value", "Alpha")]


def test_a_tick_that_is_not_sent_by_a_page_is_no():
    filled = form(taking(value=bool), page())
    assert filled.is_valid()
    assert filled.cleaned_data == {"value": False}


def test_no_answer_from_another_door_is_not_no():
    assert form(taking(value=bool), {}).errors["value"] == ["This field is required."]


def test_an_absent_answer_gets_its_default():
    filled = form(taking(value=bool, default=True), {})
    assert filled.is_valid()
    assert filled.cleaned_data == {"value": True}


@pytest.mark.parametrize("sent", ["maybe", "1", 1, 0, {"a": 1}])
def test_yes_and_no_are_the_only_answers(sent):
    assert complaint(bool, sent) == "Choose yes or no."


@pytest.mark.parametrize(("sent", "value"), [("true", True), ("false", False), ("", None)])
def test_an_open_question_has_three_answers(sent, value):
    assert given(bool | None, sent) is value


def test_a_choice_with_a_default_offers_no_blank():
    assert "No answer" not in str(form(taking(value=Channel, default=Channel.EMAIL)))
    assert "Choose one" in str(form(taking(value=Channel)))
    assert "No answer" in str(form(taking(value=Channel | None)))


def test_the_default_is_selected():
    html = str(form(taking(value=Channel, default=Channel.PAPER_MAIL)))
    assert '<option value="paper" selected>Paper mail</option>' in html


def test_an_enum_of_numbers_and_texts_is_refused():
    from tasks.parameters import DeclarationError

    mixed = Enum("mixed", {"A": 1, "B": "b"})
    with pytest.raises(DeclarationError, match="not all texts"):
        read(taking(value=mixed))
