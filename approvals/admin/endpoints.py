"""The page of webhooks: which programs are told of what, with which secret, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from approvals import actions, channels
from approvals.actions.webhooks import MAY, NoWebhookEndpoint
from approvals.admin.deliveries import BADGES
from approvals.models.deliveries import Delivery, WebhookEndpoint
from approvals.notifications import events
from audit.admin.base import OnePageAdmin
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.transitions import Refusal

PAGE: Final = "admin:approvals_webhookendpoint_changelist"
WEBHOOK: Final = "webhook"
LAST: Final = 5  # deliveries that are shown of each


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(OnePageAdmin):
    """For those who set up channels."""

    def has_view_permission(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> bool:
        return request.user.has_perm(MAY)

    def one_page(self, request: HttpRequest) -> HttpResponse:
        return endpoints(request)

    def own_urls(self) -> list[URLPattern]:
        return [
            self.own_url("<int:pk>/secret/", rotate, "rotate"),
            self.own_url("<int:pk>/stop/", stop, "stop"),
            self.own_url("<int:pk>/resume/", resume, "resume"),
            self.own_url("<int:pk>/again/<int:delivery>/", again, "again"),
        ]


class WebhookEndpointForm(forms.Form):
    url = forms.CharField(
        label="Endpoint URL",
        max_length=500,
        help_text="Must begin with https:// and be reachable from the public internet.",
        widget=UnfoldAdminTextInputWidget(
            {"type": "url", "autocomplete": "off", "placeholder": "https://"}
        ),
    )
    events = forms.MultipleChoiceField(
        label="Events",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose one or more."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        choices = [(event.key, event.key) for event in events.every()]
        self.fields["events"].choices = choices  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Card:
    """One endpoint with what was sent to it last."""

    endpoint: WebhookEndpoint
    last: list[tuple[Delivery, str]]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def endpoints(request: HttpRequest) -> HttpResponse:
    """All of them, and the form that adds one. Its secret is in the answer, and nowhere after that."""
    _must_be_allowed(request)
    if request.method != "POST":
        return _page(request, WebhookEndpointForm())
    form = WebhookEndpointForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    url, listens_to = form.cleaned_data["url"], form.cleaned_data["events"]
    try:
        secret = actions.add_endpoint(url, listens_to, by=person_of(request), door=Door.ADMIN)
    except NoWebhookEndpoint as refusal:
        form.add_error("url", str(refusal))
        return _page(request, form, status=400)
    return _page(request, WebhookEndpointForm(), shown=(url, secret))


@never_cache
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it a new secret, and show that, this once."""
    endpoint = _endpoint(request, pk)
    secret = actions.rotate_secret(pk, by=person_of(request), door=Door.ADMIN)
    return _page(request, WebhookEndpointForm(), shown=(endpoint.url, secret))


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Send nothing more to it."""
    _endpoint(request, pk)
    return _done(request, partial(actions.stop_endpoint, pk), "Webhook endpoint turned off.")


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Send to it again."""
    _endpoint(request, pk)
    done = "Webhook endpoint turned on. It gets events from now on."
    return _done(request, partial(actions.resume_endpoint, pk), done)


@require_POST
def again(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    """Send it something that failed again."""
    _endpoint(request, pk)
    if not _sent_to(pk).filter(pk=delivery).exists():
        raise Http404
    return _done(request, partial(actions.send_again, delivery), "Queued to send again.")


def _done(request: HttpRequest, do: Callable[..., object], done: str) -> HttpResponse:
    try:
        do(by=person_of(request), door=Door.ADMIN)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(PAGE)


def _page(
    request: HttpRequest,
    form: WebhookEndpointForm,
    *,
    status: int = 200,
    shown: tuple[str, str] | None = None,
) -> HttpResponse:
    return page(
        request,
        "approvals/endpoints.html",
        title="Webhooks",
        status=status,
        form=form,
        cards=[_card(each) for each in WebhookEndpoint.objects.order_by("-is_active", "url")],
        shown=shown,
        page_address=PAGE,
        is_channel=WEBHOOK in channels.names(),
    )


def _card(endpoint: WebhookEndpoint) -> Card:
    last = _sent_to(endpoint.pk).order_by("-pk")[:LAST]
    return Card(endpoint, [(each, BADGES.get(each.status, "waiting")) for each in last])


def _sent_to(endpoint_id: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(channel=WEBHOOK, address=str(endpoint_id))


def _endpoint(request: HttpRequest, pk: int) -> WebhookEndpoint:
    _must_be_allowed(request)
    endpoint = WebhookEndpoint.objects.filter(pk=pk).first()
    if endpoint is None:
        raise Http404
    return endpoint


def _must_be_allowed(request: HttpRequest) -> None:
    if not person_of(request).has_perm(MAY):
        raise Http404
