from typing import Final

from django.contrib.admin import site
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

urlpatterns: Final[list[URLPattern | URLResolver]] = [
    # Where people who know Django look for it.
    path("admin/", RedirectView.as_view(pattern_name="admin:index")),
    path("", site.urls),
]
