"""What the pages for people and those for groups share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import person_of
from audit.context import Door
from audit.transitions import Refusal
from backoffice import actions
from tasks.admin.settings.proposed_changes import say as say_of_proposed_change
from tasks.models import ProposedChange

if TYPE_CHECKING:
    from django.db.models import Model

PER_PAGE: Final = 50


class SettingsAdmin(ReadOnlyAdmin):
    """Pages for those who may change people and groups; to others they do not exist."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(actions.MAY_CHANGE)

    def has_view_permission(self, request: HttpRequest, obj: "Model | None" = None) -> bool:
        return request.user.has_perm(actions.MAY_CHANGE)

    def get_urls(self) -> list[URLPattern]:
        return [*self.own_urls(), *super().get_urls()]

    def own_urls(self) -> list[URLPattern]:
        """The pages beside Django's own."""
        raise NotImplementedError

    def url(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """One of these pages, closed to whoever may not see them."""
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        guarded: Callable[..., HttpResponse] = self.admin_site.admin_view(view)
        return path(route, guarded, name=f"{prefix}_{name}")

    def found(self, request: HttpRequest, pk: int | str) -> Any:  # noqa: ANN401 - of this model
        """The row, for whoever may see it; to others it does not exist."""
        instance = self.get_object(request, str(pk)) if self.has_view_permission(request) else None
        if instance is None:
            raise Http404
        return instance


def attempt(form: forms.Form, change: Callable[[dict[str, Any]], object]) -> bool:
    """Call the action with what a form holds, and put what it refuses beside the fields."""
    if not form.is_valid():
        return False
    try:
        change(form.cleaned_data)
    except Refusal as refusal:
        form.add_error("reason" if "reason" in form.fields else None, str(refusal))
    except ValidationError as invalid:
        form.add_error(None, invalid)
    return form.is_valid()


def say(request: HttpRequest, became: object, *, made: str) -> None:
    """Tell who has changed something that it is done, or for whom it waits."""
    if isinstance(became, ProposedChange):
        say_of_proposed_change(request, became, made=made)
    else:
        messages.success(request, made)


def by_whom(request: HttpRequest) -> dict[str, Any]:
    """The arguments that every action asks for."""
    return {"by": person_of(request), "door": Door.ADMIN}
