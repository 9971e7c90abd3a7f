"""Keeping a filter of a list, and deleting one: forms above each list that can be filtered."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from audit.admin.pages import person_of
from audit.context import Door
from audit.models import SavedFilter
from audit.saved_filters import NotSaved, delete_filter, plain_query, save_filter


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the filter of the list from which the form was sent."""
    address, query = request.POST.get("address", ""), request.POST.get("query", "")
    if not address.startswith("/") or not url_has_allowed_host_and_scheme(address, None):
        raise Http404
    name = request.POST.get("name", "")
    try:
        saved = save_filter(
            name, address=address, query=query, by=person_of(request), door=Door.ADMIN
        )
    except NotSaved as refused:
        messages.error(request, str(refused))
        return redirect(f"{address}?{plain_query(QueryDict(query))}")
    messages.success(request, f"Filter “{saved}” saved. Only you see it.")
    return redirect(saved.link)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a filter of one's own. Those of others do not exist."""
    saved = get_object_or_404(SavedFilter, pk=pk, person=person_of(request))
    delete_filter(saved.pk, by=person_of(request), door=Door.ADMIN)
    messages.success(request, f"Filter “{saved}” deleted.")
    return redirect(saved.address)
