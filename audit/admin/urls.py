"""The pages of the Audit section, and the saved filters of every list. The admin site includes them under `audit/`."""

from typing import Final

from django.contrib.admin import site
from django.urls import URLPattern, path

from audit.admin import saved_filters, views

app_name = "audit"
urlpatterns: Final[list[URLPattern]] = [
    path("history/", site.admin_view(views.kinds), name="kinds"),
    path("history/<str:kind>/", site.admin_view(views.history), name="history"),
    path("history/<str:kind>/export/", site.admin_view(views.export), name="export"),
    path("filters/save/", site.admin_view(saved_filters.save), name="save_filter"),
    path("filters/<int:pk>/delete/", site.admin_view(saved_filters.delete), name="delete_filter"),
]
