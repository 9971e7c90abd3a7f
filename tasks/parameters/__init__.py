"""What a task asks for: from type hints to a form, to JSON, and back.

An author needs Param, Money, File and Secret:

    def refund(payment: str, amount: Annotated[Money, Param(min="0.01", max="500")]) -> str: ...

May import `models` and `declaration`; needs the latter only.
"""

from audit.seals import canonical
from tasks.parameters.counting import Addend, addends, grouping_names, groupings
from tasks.parameters.errors import DeclarationError, DoesNotFit, ObjectGone
from tasks.parameters.facts import with_facts
from tasks.parameters.faults import AuthorsFault
from tasks.parameters.forms import (
    ParameterForm,
    form_for,
    is_looked_up,
    search,
    unknown_names,
    values_beside,
)
from tasks.parameters.frozen import display, freeze, in_short, rule_types, rule_values, thaw
from tasks.parameters.kinds import Kind, register_kind
from tasks.parameters.links import Filled, fill_from, in_links
from tasks.parameters.param import Confirm, Param
from tasks.parameters.rows import Rows
from tasks.parameters.signature import Parameter, read
from tasks.parameters.types import File, Money, Secret, money_in

__all__ = [
    "Addend",
    "AuthorsFault",
    "Confirm",
    "DeclarationError",
    "DoesNotFit",
    "File",
    "Filled",
    "Kind",
    "Money",
    "ObjectGone",
    "Param",
    "Parameter",
    "ParameterForm",
    "Rows",
    "Secret",
    "addends",
    "canonical",
    "display",
    "fill_from",
    "form_for",
    "freeze",
    "grouping_names",
    "groupings",
    "in_links",
    "in_short",
    "is_looked_up",
    "money_in",
    "read",
    "register_kind",
    "rule_types",
    "rule_values",
    "search",
    "thaw",
    "unknown_names",
    "values_beside",
    "with_facts",
]
