from typing import Annotated

import pytest

from tasks.parameters import (
    DoesNotFit,
    Param,
    Secret,
    canonical,
    display,
    freeze,
    read,
    rule_types,
    rule_values,
    thaw,
)
from tests.tasks.parameters.asking import complaint, form, given, page, taking

CANARY = "CANARY-7f3a"


def frozen():
    return freeze(
        read(taking(value=Secret)), {"value": Secret(CANARY)}, store_secret=lambda _: "ref-1"
    )


def test_json_holds_only_a_reference():
    assert canonical(frozen()).decode() == '{"value":{"secret":"ref-1"}}'


def test_a_secret_is_read_back_by_its_reference():
    kept = {"ref-1": CANARY}
    thawed = thaw(read(taking(value=Secret)), frozen(), secrets=kept.__getitem__)
    assert thawed["value"].reveal() == CANARY


def test_people_see_dots_and_rules_see_nothing():
    parameters = read(taking(value=Secret))
    assert display(parameters, frozen()) == [("Value", "••••••")]
    assert rule_values(parameters, frozen()) == rule_types(parameters) == {}


def test_a_secret_never_comes_back_to_the_page():
    function = taking(other=int, value=Annotated[Secret, Param(min_length=50)])
    filled = form(function, page(value=CANARY, other="x"), initial={"value": Secret(CANARY)})
    assert not filled.is_valid()
    assert CANARY not in str(filled) + repr(filled.errors)
    assert 'type="password"' in str(filled)
    assert 'autocomplete="off"' in str(filled)


def test_a_secret_has_rules_too():
    hint = Annotated[Secret, Param(pattern=(r"sk_[a-z]+", "It begins with sk_."))]
    assert complaint(hint, "pk_live") == "It begins with sk_."
    assert given(hint, "sk_live").reveal() == "sk_live"


def test_a_secret_keeps_its_spaces():
    assert given(Secret, " a ").reveal() == " a "


def test_a_secret_needs_a_place():
    with pytest.raises(DoesNotFit, match="no place to keep it"):
        freeze(read(taking(value=Secret)), {"value": Secret(CANARY)})
