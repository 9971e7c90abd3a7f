"""S11: the same rules at every door."""

import json
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from django.core.exceptions import ValidationError

from tasks.parameters import (
    Money,
    Param,
    canonical,
    display,
    form_for,
    freeze,
    read,
    rule_types,
    unknown_names,
)
from tests.tasks.parameters.asking import form, page, taking


def close_account(
    kind: Literal["fraud", "other"],
    detail: Annotated[str, Param(only_if={"kind": "other"}, min_length=5)],
    notify: Annotated[bool, Param(only_if={"kind": ["other", "fraud"]})] = True,
):
    """Closes an account."""


def cleaned(function, data, **others):
    filled = form(function, data, **others)
    assert filled.is_valid(), filled.errors.get_json_data()
    return filled.cleaned_data


# Questions that depend on others


def test_a_question_that_arises_must_be_answered():
    assert form(close_account, page(kind="other")).errors == {"detail": ["This field is required."]}


def test_a_question_that_arises_has_its_rules():
    errors = form(close_account, page(kind="other", detail="no")).errors
    assert errors == {"detail": ["Enter at least 5 characters."]}


@pytest.mark.parametrize("sent", ["", "no", "a long enough answer", {"a": "trick"}])
def test_what_is_sent_for_a_question_that_does_not_arise_is_dropped(sent):
    assert cleaned(close_account, {"kind": "fraud", "detail": sent})["detail"] is None


def test_a_question_depends_on_several_values():
    assert cleaned(close_account, page(kind="fraud"))["notify"] is False
    assert cleaned(close_account, {"kind": "fraud"})["notify"] is True


def test_a_question_depends_on_one_that_does_not_arise_itself():
    def chain(
        a: bool,
        b: Annotated[bool, Param(only_if={"a": True})],
        c: Annotated[str, Param(only_if={"b": True})],
    ): ...

    assert cleaned(chain, {"a": False, "b": True, "c": "x"}) == {"a": False, "b": None, "c": None}
    assert form(chain, {"a": True, "b": True}).errors == {"c": ["This field is required."]}


def test_a_question_that_did_not_arise_is_not_shown():
    parameters = read(close_account)
    values = cleaned(close_account, page(kind="fraud"))
    assert display(parameters, freeze(parameters, values)) == [("Kind", "Fraud"), ("Notify", "No")]


def test_the_page_knows_the_condition_and_does_not_insist():
    html = str(form(close_account))
    assert 'data-only-if="{&quot;kind&quot;: [&quot;other&quot;]}"' in html
    textbox = html[html.index('name="detail"') :].split(">")[0]
    assert " required" not in textbox
    assert "tasks/only_if.js" in form(close_account).media._js


def test_conditions_of_rules_know_that_it_may_be_missing():
    types = rule_types(read(close_account))
    assert (types["kind"].name, types["detail"].name) == ("STRING", "NULLABLE")


# Rules over several parameters


def move(source: str, target: str, amount: Money):
    """Moves money."""


def check_move(source, target):
    if source == target:
        raise ValidationError({"target": "Choose another account than the source."})


MOVE = {"source": "a", "target": "a", "amount": "1"}


def test_a_rule_over_several_parameters_speaks_beside_one_of_them():
    errors = form(move, page(**MOVE), validate=check_move).errors
    assert errors == {"target": ["Choose another account than the source."]}


def test_a_rule_that_speaks_of_no_parameter_stands_above_them():
    def refuse(**values):
        raise ValidationError({"elsewhere": "Not today."})

    assert form(move, page(**MOVE), validate=refuse).errors == {"__all__": ["Not today."]}


def test_a_rule_gets_typed_values():
    seen = {}

    def look(amount):
        seen["amount"] = amount

    cleaned(move, page(**MOVE), validate=look)
    assert seen == {"amount": Money(Decimal("1.00"), "USD")}


def test_a_rule_is_not_asked_about_values_that_are_wrong_themselves():
    def explode(**values):
        raise AssertionError("called too early")

    assert list(form(move, page(source="a", target="b"), validate=explode).errors) == ["amount"]


# What else may be sent


def test_names_that_nobody_declared_never_reach_the_task():
    sent = page(**MOVE, csrfmiddlewaretoken="t", requester="root", status="approved", quorum="0")
    assert cleaned(move, sent).keys() == {"source", "target", "amount"}


def test_other_doors_can_refuse_names_that_nobody_declared():
    sent = ["source", "amount", "amount_currency", "__class__", "idempotency_key"]
    assert unknown_names(read(move), sent) == ["__class__", "idempotency_key"]


@pytest.mark.parametrize("name", ["source", "amount", "amount_currency"])
def test_a_value_that_is_sent_twice_is_refused(name):
    sent = page(**{**MOVE, name: ["USD", "USD"]})
    errors = form(move, sent).errors
    assert "This value was sent more than once. Send one." in errors[name.split("_")[0]]


def test_a_prefix_keeps_parameters_apart_from_the_rest_of_the_page():
    sent = page(**{"p-kind": "other", "kind": "fraud", "p-detail": "long enough"})
    values = cleaned(close_account, sent, prefix="p")
    assert (values["kind"], values["detail"]) == ("other", "long enough")
    assert "p-kind" in str(form(close_account, prefix="p"))
    only_if = str(form(close_account, prefix="p")).split('data-only-if="')[1].split('"')[0]
    assert json.loads(only_if.replace("&quot;", '"')) == {"p-kind": ["other"]}


def test_the_same_request_is_the_same_json_at_every_door():
    parameters = read(move)
    typed = {"source": "a", "target": "b", "amount": Money(Decimal(1), "USD")}
    doors = [
        page(source=" a", target="b ", amount="1.0", amount_currency="USD"),
        {"source": "a", "target": "b", "amount": "1"},
        {"source": "a", "target": "b", "amount": {"amount": "1.00", "currency": "USD"}},
        typed,
    ]
    seen = {canonical(freeze(parameters, cleaned(move, door))) for door in doors}
    assert len(seen) == 1


def test_values_of_an_earlier_run_are_suggested():
    initial = {"source": "a", "amount": Money(Decimal(7), "USD")}
    html = str(form_for(read(move), person=None, initial=initial))
    assert 'value="a"' in html
    assert 'value="7.00"' in html


def test_a_default_is_not_shared_between_requests():
    function = taking(value=list[Literal["a"]], default=["a"])
    cleaned(function, {})["value"].append("spoilt")
    assert cleaned(function, {})["value"] == ["a"]
