"""How far a sum is from its limit, without a request and with it: for those who decide it."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from tasks.models import Run
from tasks.parameters import DoesNotFit
from tasks.rules import totals
from tasks.rules.conditions import Facts, Total
from tasks.rules.evaluation import readable
from tasks.rules.forms import Compared, Form, Joined, NoWords, form_of, is_sum
from tasks.rules.sentences import General
from tasks.rules.sums import Sum

ABOVE = ("gt", "ge")


def standings(condition: str, facts: Facts, run: Run) -> list[str]:
    """“355.00 of 500.00 USD to this account in 24 hours, 405.00 with this request”, for each sum.

    As things are now. Nothing where a condition has no sum, or none that words can say. A query a
    sum.
    """
    read = readable(condition, facts.parameters)
    if read is None or not read.sums:
        return []
    total = partial(totals.total_so_far, without=run)
    words = General(facts.parameters, read.sums)
    try:
        compared = _compared(form_of(read.rule.statement.expression))
        return [_standing(each, read.sums[each.name], words, facts, total) for each in compared]
    except (NoWords, DoesNotFit, ArithmeticError, LookupError, TypeError):
        return []


def _compared(form: Form) -> Iterator[Compared]:
    """Where a sum must not come above something."""
    if isinstance(form, Joined):
        for part in form.parts:
            yield from _compared(part)
    elif isinstance(form, Compared) and is_sum(form.name) and form.operator in ABOVE:
        yield form


def _standing(form: Compared, each: Sum, words: General, facts: Facts, total: Total) -> str:
    limit, before = form.value, total(each, facts)
    if not isinstance(limit, Decimal):
        raise NoWords
    scope = words.scope(each, str(facts.requested_by)).case
    if not each.of:
        with_it = f"{before + 1:f} with this one"
        return f"{before:f} of {limit:f} requests {scope} in {each.span}, {with_it}"
    own = facts.values()[each.of]
    after = before + max(Decimal(str(own)), Decimal(0)) if own is not None else before
    numbers = [words.names.number(each.of, number, facts.frozen) for number in (before, after)]
    amount = words.names.amount(each.of, limit, facts.frozen)
    return f"{numbers[0]} of {amount} {scope} in {each.span}, {numbers[1]} with this request"
