"""What a person sees, and what a screen reader says."""

from typing import Annotated, Literal

import pytest

from tasks.parameters import Money, Param
from tests.tasks.parameters.asking import EXAMPLES, form, page, taking


@pytest.mark.parametrize(
    ("hint", "sent", "value"), [e for k, e in EXAMPLES.items() if k != "list"], ids=lambda _: ""
)
def test_each_control_has_a_label(hint, sent, value):
    asked = form(taking(external_ref=hint))
    field = asked["external_ref"]
    assert field.label == "External ref"
    assert f'<label for="{field.id_for_label}"' in str(asked)
    assert f'id="{field.id_for_label}"' in str(field)


def test_several_choices_are_one_group_with_a_legend():
    html = str(form(taking(channels=list[Literal["email", "phone"]])))
    assert "<legend" in html
    assert html.count('type="checkbox"') == 2


@pytest.mark.parametrize("hint", [str, Money, list[Literal["a"]]], ids=["text", "money", "list"])
def test_help_and_messages_belong_to_the_control(hint):
    html = str(form(taking(value=Annotated[hint, Param(help="Look it up first.")]), page(value="")))
    assert 'aria-describedby="id_value_helptext id_value_error"' in html
    assert '<div id="id_value_helptext"' in html
    assert '<ul id="id_value_error"' in html


def test_what_is_wrong_is_marked_for_a_screen_reader():
    assert 'aria-invalid="true"' in str(form(taking(value=str), page(value="")))


def test_a_single_currency_stands_beside_the_amount():
    html = str(form(taking(value=Money)))
    assert ">USD</span>" in html
    assert "<select" not in html


def test_several_currencies_are_a_named_choice():
    html = str(form(taking(credit=Annotated[Money, Param(currencies=("USD", "EUR"))])))
    assert 'aria-label="Currency of Credit"' in html
    assert '<option value="EUR">' in html


def test_what_was_sent_is_escaped():
    html = str(form(taking(value=int), page(value='"><script>alert(1)</script>')))
    assert "<script>alert" not in html


def test_what_was_typed_wrongly_is_still_there():
    assert 'value="1,000"' in str(form(taking(value=Money), page(value="1,000")))


@pytest.mark.parametrize("default", [True, False])
def test_a_tick_starts_as_its_default(default):
    html = str(form(taking(value=bool, default=default))["value"])
    assert html.endswith(" checked>") is default
