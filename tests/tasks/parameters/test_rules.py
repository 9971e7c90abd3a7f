"""What conditions of approval rules see."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import rule_engine

from tasks.parameters import File, Money, freeze, read, rule_types, rule_values
from tests.tasks.parameters.asking import EXAMPLES, Channel, taking

SEEN = {
    "str": {"value": "some text"},
    "option": {"value": "EU"},
    "int": {"value": -7},
    "Decimal": {"value": Decimal("0.10")},
    "Money": {"value": Decimal("150.00"), "value_currency": "EUR"},
    "bool": {"value": True},
    "date": {"value": datetime(2026, 1, 31, tzinfo=UTC)},
    "datetime": {"value": datetime(2026, 1, 31, 14, 30, tzinfo=UTC)},
    "Literal": {"value": "b"},
    "Enum": {"value": "paper"},
    "list": {"value": ("email", "paper")},
    "File": {"value": "rows.csv", "value_size": 4},
    "Secret": {},
}


def frozen(hint, value):
    return freeze(
        read(taking(value=hint)),
        {"value": value},
        store_file=lambda _: None,
        store_secret=lambda _: "ref",
    )


@pytest.mark.parametrize("kind", SEEN)
def test_conditions_see_plain_exact_values(kind):
    hint, _, value = EXAMPLES[kind]
    parameters = read(taking(value=hint))
    values = rule_values(parameters, frozen(hint, value))
    assert values == SEEN[kind]
    assert values.keys() == rule_types(parameters).keys()


@pytest.mark.parametrize("kind", SEEN)
def test_values_are_of_the_types_that_are_promised(kind):
    hint, _, value = EXAMPLES[kind]
    parameters = read(taking(value=hint))
    types = rule_types(parameters)
    for name, seen in rule_values(parameters, frozen(hint, value)).items():
        found = rule_engine.DataType.from_value(rule_engine.types.coerce_value(seen))
        assert found.name == types[name].name


@pytest.mark.parametrize(
    "hint", [Money, date, datetime, Decimal, File, Channel, list[Channel], str]
)
def test_what_may_be_missing_is_none_and_nullable(hint):
    hint = EXAMPLES["File"][0] if hint is File else hint
    parameters = read(taking(value=hint | None))
    assert set(rule_values(parameters, {"value": None}).values()) == {None}
    assert {kind.name for kind in rule_types(parameters).values()} == {"NULLABLE"}


@pytest.mark.parametrize(("amount", "holds"), [("100.00", False), ("100.01", True)])
def test_a_threshold_is_exact(amount, holds):
    parameters = read(taking(amount=Money))
    context = rule_engine.Context(
        type_resolver=rule_engine.type_resolver_from_dict(rule_types(parameters))
    )
    stored = freeze(parameters, {"amount": Money(Decimal(amount), "USD")})
    rule = rule_engine.Rule('amount > 100 and amount_currency == "USD"', context=context)
    assert rule.matches(rule_values(parameters, stored)) is holds
