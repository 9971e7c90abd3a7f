"""What a person sets for themselves."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from audit.admin.pages import page, person_of
from audit.context import Door
from backoffice.actions import set_time_zone
from backoffice.time_zones import zone_names


class MySettingsForm(forms.Form):
    """The time zone. The choices are made anew each time: the zone database is of the system."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        required=False,
        help_text="Times on pages are shown in it, and times that you enter are read in it. "
        "Emails, Slack messages, files and what reviewers approve keep to the zone of the server, "
        "and say so.",
        error_messages={"invalid_choice": "Choose a time zone from the list."},
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as a form takes them
        zones = [(name, name.replace("_", " ")) for name in zone_names()]
        default = ("", f"As on the server ({settings.TIME_ZONE})")
        self.fields["time_zone"].choices = [default, *zones]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def my_settings(request: HttpRequest) -> HttpResponse:
    """The page, which says what time it is in the zone that is set."""
    person = person_of(request)
    form = MySettingsForm(request.POST or None, initial={"time_zone": person.time_zone})
    if request.method == "POST" and form.is_valid():
        set_time_zone(person, form.cleaned_data["time_zone"], door=Door.ADMIN)
        messages.success(request, "Your settings are saved.")
        return redirect("admin:my_settings")
    return page(
        request,
        "backoffice/my_settings.html",
        title="My settings",
        status=400 if form.errors else 200,
        form=form,
        now=timezone.now(),
    )
