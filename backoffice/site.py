"""The admin site: the whole face of the product."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.views import PasswordChangeView
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path, reverse_lazy
from unfold.sites import UnfoldAdminSite

from backoffice.demo.mode import demo_logins
from backoffice.sign_in import OwnPasswordForm, SignInForm

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models.base import ModelBase

# The queue's pages run code and replay runs; the others write around the functions in actions.py.
NOT_SHOWN: Final = frozenset({"django", "django_q", "guardian", "simple_history"})

FIRST_PAGES: Final = {
    "approvals": "approvals_approvalrequest_changelist",
    "audit": "audit:kinds",
    "auth": "auth_group_changelist",
    "backoffice": "backoffice_user_changelist",
}


# What is there for who has to choose a password first.
WITHOUT_OWN_PASSWORD: Final = frozenset({"password_change", "logout", "jsi18n"})


def _must_change_password(request: HttpRequest) -> bool:
    match = request.resolver_match
    open_to_them = match is not None and match.url_name in WITHOUT_OWN_PASSWORD
    return not open_to_them and getattr(request.user, "must_change_password", False)


class BackofficeSite(UnfoldAdminSite):  # type: ignore[misc]  # untyped package
    login_form = SignInForm
    login_template = "backoffice/sign_in.html"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever has an account here may come in; what they see depends on their rights."""
        return request.user.is_authenticated and request.user.is_active

    def admin_view(
        self, view: Callable[..., HttpResponseBase], cacheable: bool = False
    ) -> Callable[..., HttpResponseBase]:
        """Every page: for who signed in with another's password, that to choose their own."""

        @wraps(view)
        def own_password_first(
            request: HttpRequest,
            *args: Any,  # noqa: ANN401 - of any view
            **kwargs: Any,  # noqa: ANN401
        ) -> HttpResponseBase:
            if _must_change_password(request):
                return redirect("admin:password_change")
            return view(request, *args, **kwargs)

        guarded: Callable[..., HttpResponseBase] = super().admin_view(own_password_first, cacheable)
        return guarded

    def register(
        self,
        model_or_iterable: "ModelBase | Iterable[ModelBase]",
        admin_class: "type[ModelAdmin[Any]] | None" = None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Register a model's pages, unless another package brings them along unasked."""
        if admin_class is None or admin_class.__module__.partition(".")[0] not in NOT_SHOWN:
            super().register(model_or_iterable, admin_class, **options)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": "Sign in", "demo_logins": demo_logins(), "notice": _notice()}
        context |= extra_context or {}
        return super().login(request, context)  # type: ignore[no-any-return]

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": "Signed out", **(extra_context or {})}
        return super().logout(request, context)  # type: ignore[no-any-return]

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse_lazy("admin:password_change_done"),
            extra_context={
                **self.each_context(request),
                "title": "Change password",
                **(extra_context or {}),
            },
        )
        return view(request)

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": "Password changed", **(extra_context or {})}
        return super().password_change_done(request, context)  # type: ignore[no-any-return]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from tasks.admin.home import home  # which needs the models

        return home(request)

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The first page of a section, where Django would list its models."""
        return redirect(f"admin:{FIRST_PAGES.get(app_label, 'index')}")

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ours: the theme's keeps what a person could see beyond the loss of the right."""
        from backoffice.admin import search  # which needs the models

        return search.search(request)

    def extra_urls(self) -> list[URLResolver | URLPattern]:
        from backoffice.admin.my_settings import my_settings  # these need the models
        from backoffice.monitoring import health

        status = path("status/", self.admin_view(health.status_page), name="status")
        mine = path("my-settings/", self.admin_view(my_settings), name="my_settings")
        return [path("audit/", include("audit.admin.urls")), status, mine]


def _notice() -> str:
    """What everybody reads before they sign in. Nothing where the database does not answer."""
    from tasks.access.restores import RESTORED, is_held  # which needs the models

    try:
        return RESTORED if is_held() else ""
    except Error:
        return ""
