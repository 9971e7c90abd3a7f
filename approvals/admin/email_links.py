"""From the link in an email to the page of its request. A GET shows; only the POST decides."""

from functools import partial
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from approvals import actions
from approvals.actions.email_links import NotYours, objection_to
from approvals.admin.answering import answered, session_of
from approvals.channels.links import hashed
from approvals.models.deliveries import MailLink
from approvals.requests.explanation import explain
from audit.admin.pages import page, person_of
from audit.admin.unsent import take
from audit.context import Door
from audit.database.clock import database_now

KEPT_AS: Final = "mail_links"  # in the session: the numbers of the rows of those opened in it
KEPT: Final = 50  # the newest so many


def urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below those of the inbox. Each names its link, and none has the token in it.

    A browser may have several open: what is decided is what stands on the page it is sent from.
    """
    view = site.admin_view
    return [
        path("by-mail/<int:pk>/", view(shown), name="approvals_by_mail"),
        path("by-mail/<int:pk>/decide/", view(decide), name="approvals_by_mail_decide"),
        path("by-mail/<int:pk>/switch/", view(switch), name="approvals_by_mail_switch"),
    ]


@require_safe
@never_cache
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Note in the session that it was opened, and lead on to an address without the token.

    Whoever opens it, signed in or not, and however often: scanners of mail do, too.
    """
    link = MailLink.objects.filter(token_hash=hashed(token)).first()
    if link is None:
        response = _lost(request)
    else:
        _keep(request, link)
        response = redirect("admin:approvals_by_mail", link.pk)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@require_safe
@never_cache
def shown(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of the request, for the person the link was sent to."""
    link = _link_of(request, pk)
    if link is None:
        return _lost(request)
    unsent = take(request, reverse("admin:approvals_by_mail_decide", args=[pk]))
    return _page(request, link, reason=unsent.get("reason", "") if unsent else "")


@require_POST
@never_cache
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Record the decision that the page's form was sent with."""
    link = _link_of(request, pk)
    if link is None:
        return _lost(request)

    def again(**shown: Any) -> HttpResponse:  # noqa: ANN401 - for the page
        link.refresh_from_db()
        return _page(request, link, **shown)

    seal = request.POST.get("seal", "")
    decide = partial(actions.decide_by_link, link.pk, seal=seal)
    found = answered(request, door=Door.EMAIL, decide=decide, again=again)
    if isinstance(found, HttpResponse):
        return found
    return redirect("admin:approvals_approvalrequest_change", found.pk)


@require_POST
@never_cache
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out, so that the person the link was sent to can sign in and go on with it."""
    link = _link_of(request, pk)
    logout(request)
    if link is not None:
        _keep(request, link)
    return redirect("admin:approvals_by_mail", pk)


def _keep(request: HttpRequest, link: MailLink) -> None:
    others = [each for each in request.session.get(KEPT_AS, []) if each != link.pk]
    request.session[KEPT_AS] = [*others, link.pk][-KEPT:]


def _link_of(request: HttpRequest, pk: int) -> MailLink | None:
    """The link of an address, if it was opened in this session."""
    if pk not in request.session.get(KEPT_AS, []):
        return None
    return MailLink.objects.select_related("request__requested_by").filter(pk=pk).first()


def _lost(request: HttpRequest) -> HttpResponse:
    """The same for every link that is none, to whoever looks."""
    return render(request, "approvals/link_lost.html", status=404)


def _page(request: HttpRequest, link: MailLink, *, status: int = 200, **form: str) -> HttpResponse:
    person = person_of(request)
    problem = objection_to(link, person)
    if isinstance(problem, NotYours):
        return page(
            request,
            "approvals/link_of_another.html",
            title="Link",
            status=403,
            why=problem,
            link=link,
        )
    return page(
        request,
        "approvals/request.html",
        title="Request",
        status=status,
        asked=link.request,
        page=explain(link.request, person, now=database_now(), session=session_of(request)),
        mail_link=link if problem is None else None,
        problem_of_link=problem,
        form=form,
    )
