from typing import Annotated

import pytest
from hypothesis import given as generate
from hypothesis import strategies as st

from tasks.parameters import Param, canonical, display, freeze, read, thaw
from tests.tasks.parameters.asking import complaint, form, given, page, taking

REFERENCE = Annotated[str, Param(pattern=(r"CUS-[0-9]+", "Write it like CUS-123."))]


def test_text_is_stripped_and_has_one_kind_of_line_end():
    assert given(Annotated[str, Param(long=True)], "  a\r\nb\rc ") == "a\nb\nc"


@pytest.mark.parametrize("sent", ["", "   ", "\t"])
def test_blank_is_nothing(sent):
    assert complaint(str, sent) == "This field is required."


@pytest.mark.parametrize(
    ("hint", "sent", "message"),
    [
        (Annotated[str, Param(min_length=3)], "ab", "Enter at least 3 characters."),
        (Annotated[str, Param(max_length=3)], "abcd", "Enter at most 3 characters. You entered 4."),
        (str, "x" * 1001, "Enter at most 1000 characters. You entered 1001."),
        (REFERENCE, "CUS-12x", "Write it like CUS-123."),
        (REFERENCE, "xCUS-12", "Write it like CUS-123."),
        (str, "a\nb", "Enter this in one line."),
    ],
)
def test_a_broken_rule_is_explained(hint, sent, message):
    assert complaint(hint, sent) == message


@pytest.mark.parametrize("hidden", ["\0", "\x1b", "\u202e", "\u2066", "\ud800", "\x85"])
def test_characters_that_hide_or_cannot_be_stored_are_refused(hidden):
    assert f"U+{ord(hidden):04X}" in complaint(Annotated[str, Param(long=True)], f"a{hidden}b")


def test_the_pattern_holds_for_the_whole_text():
    assert given(REFERENCE, "CUS-77") == "CUS-77"
    assert complaint(REFERENCE, "CUS-77\nCUS-78")


def test_an_approver_sees_invisible_characters():
    parameters = read(taking(value=str))
    assert display(parameters, {"value": "pay\u200bpal"}) == [("Value", "pay⟨U+200B⟩pal")]


def test_a_default_is_suggested_and_used_when_nothing_was_said():
    function = taking(value=str, default="hello")
    assert form(function)["value"].value() == "hello"
    assert form(function, {}).is_valid()
    filled = form(function, {})
    filled.is_valid()
    assert filled.cleaned_data == {"value": "hello"}


def test_a_text_that_was_emptied_on_the_page_is_empty():
    assert given(str, "", default="hello") == ""


def test_a_text_that_may_not_be_empty_keeps_its_default():
    assert given(Annotated[str, Param(min_length=2)], "", default="hello") == "hello"


@generate(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200))
def test_any_text_comes_back_unchanged_from_json(text):
    parameters = read(taking(value=str))
    frozen = freeze(parameters, {"value": text})
    assert thaw(parameters, frozen) == {"value": text}
    assert canonical(freeze(parameters, thaw(parameters, frozen))) == canonical(frozen)


# Options


def regions(person):
    return ["EU", ("US", "United States")] if person is None else ["EU"]


REGION = Annotated[str, Param(options=regions)]


def test_an_option_is_a_text_shown_by_its_label():
    parameters = read(taking(value=REGION))
    value = given(REGION, "US")
    frozen = freeze(parameters, {"value": value})
    assert value == "US"
    assert display(parameters, frozen) == [("Value", "United States")]


def test_an_option_that_is_not_offered_is_refused_without_an_echo():
    assert complaint(REGION, "<b>XX</b>") == "Choose one from the list."


def test_options_are_those_of_the_person():
    from tasks.parameters import form_for

    filled = form_for(read(taking(value=REGION)), person="mallory", data=page(value="US"))
    assert filled.errors["value"] == ["Choose one from the list."]
