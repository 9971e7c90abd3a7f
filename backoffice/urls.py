from typing import Final

from django.contrib.admin import site
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from approvals.admin.email_links import open_link
from approvals.slack_app.http import pressed
from backoffice.demo.mail import sent_messages
from backoffice.demo.slack import press
from backoffice.monitoring import health

handler400: Final = "backoffice.bad_requests.bad_request"
handler403: Final = "backoffice.error_pages.permission_denied"
handler404: Final = "backoffice.error_pages.page_not_found"

urlpatterns: Final[list[URLPattern | URLResolver]] = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("a/<str:token>/", open_link, name="approvals_open_link"),
    path("slack/", pressed, name="slack"),
    path("sent/slack/", press, name="press_in_slack"),  # in the demo only, like the next
    path("sent/", sent_messages, name="sent_messages"),  # in the demo only
    # Where people who know Django look for it.
    path("admin/", RedirectView.as_view(pattern_name="admin:index")),
    path("", site.urls),
]
