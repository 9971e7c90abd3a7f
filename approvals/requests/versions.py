"""Which state of a request a message shows, so that one that is out of date is found.

Derived and never stored with the request: its status, and how many have decided.
"""

from typing import Final

from django.db.models import Count, F, OuterRef, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat

from approvals.models import ApprovalRequest, Decision

_DECISIONS: Final = (
    Decision.objects.filter(request=OuterRef("request_id"))
    .order_by()
    .values("request")
    .annotate(n=Count("pk"))
    .values("n")
)


def version_of(request: ApprovalRequest) -> str:
    """The state as it is now, such as `pending:1`. Two queries."""
    status = ApprovalRequest.objects.values_list("status", flat=True).get(pk=request.pk)
    return f"{status}:{request.decisions.count()}"


def version_in_rows() -> Concat:
    """The same for the rows of a query that have a request."""
    decisions = Cast(Coalesce(Subquery(_DECISIONS), 0), TextField())
    return Concat(F("request__status"), Value(":"), decisions, output_field=TextField())
