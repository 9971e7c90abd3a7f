"""Filters of lists that people keep. Each keeps their own; nobody decides anything by them."""

from typing import TYPE_CHECKING, Final

from django.db.models import QuerySet
from django.http import QueryDict

from audit.models import SavedFilter
from audit.transitions import Refusal, transition

if TYPE_CHECKING:
    from backoffice.models import User

MOST: Final = 20  # of one person, for one list
LONGEST: Final = 1000  # characters of a filter
OF_A_PAGE: Final = ("page", "before")  # which page it is, is no part of a filter


class NotSaved(Refusal):
    """It has no name or one that is taken, filters nothing, or there are too many."""


def save_filter(name: str, *, address: str, query: str, by: "User", door: str) -> SavedFilter:
    """Keep the filter of the list at this address for this person. Raises `NotSaved`."""
    name, plain = " ".join(name.split()), plain_query(QueryDict(query))
    with transition(by=by, door=door):
        if not 1 <= len(name) <= 60:
            raise NotSaved("Enter a name of at most 60 characters.")
        if not plain or len(plain) > LONGEST or len(address) > 200:
            raise NotSaved("Filter the list first, and then save it.")
        if filters_of(by, address).count() >= MOST:
            raise NotSaved(f"You have {MOST} filters of this list. Delete one first.")
        saved, is_new = SavedFilter.objects.get_or_create(
            person=by, address=address, name=name, defaults={"query": plain}
        )
        if not is_new:
            raise NotSaved(
                f"You already have a filter “{name}”. Delete it, or choose another name."
            )
    return saved


def delete_filter(filter_id: int, *, by: "User", door: str) -> None:
    """Delete a filter of this person; nothing happens when there is none."""
    with transition(by=by, door=door):
        SavedFilter.objects.filter(pk=filter_id, person=by).delete()


def filters_of(person: "User", address: str) -> QuerySet[SavedFilter]:
    """The filters that this person has of the list at this address."""
    return SavedFilter.objects.filter(person=person, address=address).order_by("name", "pk")


def plain_query(query: QueryDict) -> str:
    """A filter as it is kept: without what is empty, and without the number of the page."""
    plain = QueryDict(mutable=True)
    for name, values in query.lists():
        if name not in OF_A_PAGE:
            plain.setlist(name, [value for value in values if value])
    return plain.urlencode()
