import json

import pytest
from hypothesis import given as generate
from hypothesis import strategies as st

from tasks.parameters import DoesNotFit, Money, canonical, display, read, thaw
from tests.tasks.parameters.asking import Channel, form, taking

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("aäb"), inner),
    max_leaves=10,
)


@generate(JSON)
def test_the_same_json_always_has_the_same_bytes(value):
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


def test_order_and_spaces_do_not_matter():
    assert canonical({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 0.1, [{"a": 0.1}]])
def test_a_float_has_no_exact_text_and_is_refused(number):
    with pytest.raises(TypeError, match="Use Decimal"):
        canonical(number)


@pytest.mark.parametrize("frozen", [{}, {"value": "a", "more": 1}, {"other": "a"}])
def test_parameters_of_other_code_do_not_fit(frozen):
    with pytest.raises(DoesNotFit, match="form has changed"):
        thaw(read(taking(value=str)), frozen)


@pytest.mark.parametrize(
    ("hint", "stored"),
    [(str, 1), (int, "1"), (int, True), (Money, "5"), (bool, "yes"), (list[Channel], "email")],
)
def test_a_value_of_another_shape_does_not_fit(hint, stored):
    with pytest.raises(DoesNotFit, match="has changed since this was stored"):
        thaw(read(taking(value=hint)), {"value": stored})


def test_none_does_not_fit_where_the_code_needs_a_value():
    with pytest.raises(DoesNotFit, match="is new and has no value"):
        thaw(read(taking(value=str)), {"value": None})


def test_what_an_older_version_asked_for_can_still_be_read():
    stored = {
        "value": {"amount": "5.00", "currency": "USD"},
        "old_secret": {"secret": "ref-1"},
        "old_file": {"name": "rows.csv", "sha256": "ab", "size": 1, "content_type": "text/csv"},
        "old_choice": ["a", "b"],
        "old_tick": True,
    }
    assert display(read(taking(value=str)), stored) == [
        ("Value", "5.00 USD"),
        ("Old secret", "••••••"),
        ("Old file", "rows.csv"),
        ("Old choice", "a, b"),
        ("Old tick", "Yes"),
    ]


@generate(st.lists(st.sampled_from(Channel), unique=True, min_size=1))
def test_any_list_of_choices_comes_back_unchanged(chosen):
    filled = form(taking(value=list[Channel]), {"value": chosen})
    assert filled.is_valid()
    assert set(filled.cleaned_data["value"]) == set(chosen)
