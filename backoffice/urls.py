from typing import Final

from django.contrib.admin import site
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from backoffice import health

urlpatterns: Final[list[URLPattern | URLResolver]] = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    # Where people who know Django look for it.
    path("admin/", RedirectView.as_view(pattern_name="admin:index")),
    path("", site.urls),
]
