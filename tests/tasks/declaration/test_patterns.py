"""Patterns: no text and no pattern makes one hang. Without that, the first test never ends."""

from typing import Annotated

import pytest

from tasks.declaration.patterns import Pattern, WrongPattern
from tasks.declaration.tickets import problem_of_pattern, problem_of_ticket
from tasks.parameters import DeclarationError, Param, read
from tasks.parameters.forms import form_for
from tasks.rules.evaluation import RuleSpec
from tests.tasks.parameters.asking import taking

MANY = "a" * 39 + "!"


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|a)*$", "(a*)*b", "(.*)*x"])
def test_a_pattern_that_would_explode_answers_at_once(pattern):
    assert problem_of_ticket(MANY, [RuleSpec("A", "true", ticket_pattern=pattern)])
    hint = Annotated[str, Param(pattern=(pattern, "Not like this."), max_length=900)]
    form = form_for(read(taking(value=hint)), person=None, data={"value": MANY * 20})
    assert form.errors == {"value": ["Not like this."]}


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("[", "missing ]"), ("(?=x)", "no look-arounds"), (r"(a)\1", "no back-references"),
     ("*", "repetition operator"), (5, "is no text")],
)  # fmt: skip
def test_what_it_does_not_read_is_said(pattern, says):
    with pytest.raises(WrongPattern, match=says.replace("]", r"\]")):
        Pattern(pattern)
    assert says in problem_of_pattern(pattern)
    with pytest.raises(DeclarationError, match="cannot be used"):
        read(taking(value=Annotated[str, Param(pattern=(pattern, "No."))]))


def test_a_rule_whose_pattern_cannot_be_read_any_more_takes_no_ticket():
    rule = RuleSpec("A", "true", ticket_pattern="(?=SUP).*")
    assert "not a valid ticket number" in problem_of_ticket("SUP-1", [rule])


def test_the_whole_text_has_to_fit_and_digits_are_those_of_ascii():
    number = Pattern(r"SUP-\d+")
    assert number.fits("SUP-4711")
    assert not any(map(number.fits, ["SUP-4711\n", "xSUP-1", "SUP-٣", "SUP-\ud800"]))
