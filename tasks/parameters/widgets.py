"""The controls of a form, in the clothes of the admin's theme.

Dates, numbers and files use the browser's own controls: these work on a phone and need no script.
Numbers are text inputs, because a number input hides what was typed when it cannot read it.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from unfold import widgets as theme

from tasks.parameters.again import ChosenFile, TypedSecret
from tasks.parameters.types import Money, Zoned

type Choices = Sequence[tuple[str, str]]

INPUT = " ".join(theme.INPUT_CLASSES)


def text_input(*, long: bool) -> forms.Widget:
    """One line, or several. Without maxlength, which cuts off pasted text in silence."""
    if long:
        return forms.Textarea({"class": " ".join(theme.TEXTAREA_CLASSES), "rows": 4})
    return forms.TextInput({"class": INPUT})


def number_input(keys: str) -> forms.Widget:
    """A text input that brings up the keys for numbers on a phone."""
    return forms.TextInput({"class": INPUT, "inputmode": keys, "autocomplete": "off"})


def secret_input(*, optional: bool) -> forms.Widget:
    """Dots instead of letters; what was typed is not sent back to the page."""
    attrs = {"class": INPUT, "autocomplete": "off"}
    return TypedSecret(attrs, can_be_left_out=optional)


def date_input(low: date | None, high: date | None) -> forms.Widget:
    """The browser's own calendar."""
    limits = {"min": low, "max": high}
    attrs = {name: day.isoformat() for name, day in limits.items() if day}
    return DateInput({"class": INPUT, **attrs}, format="%Y-%m-%d")


def time_input(low: time | None, high: time | None) -> forms.Widget:
    """The browser's own clock."""
    limits = {"min": low, "max": high}
    attrs = {name: each.isoformat() for name, each in limits.items() if each}
    return TimeInput({"class": INPUT, "step": 1, **attrs})


def moment_input() -> forms.Widget:
    """The browser's own calendar and clock; its times are those of the current time zone."""
    return MomentInput({"class": INPUT, "step": 1}, format="%Y-%m-%dT%H:%M:%S")


def file_input(
    accept: Sequence[str], *, optional: bool, kind: type[ChosenFile] = ChosenFile
) -> forms.Widget:
    """The browser's own file dialogue, showing allowed endings first."""
    return kind({"class": INPUT, "accept": ",".join(accept)}, can_be_left_out=optional)


def boolean_input(*, three_ways: bool) -> forms.Widget:
    """A tick; or, where it may be left open, a select."""
    if three_ways:
        return YesNoSelect(
            {"class": " ".join(theme.SELECT_CLASSES)},
            choices=[("", "No answer"), ("true", "Yes"), ("false", "No")],
        )
    return Tick({"class": " ".join(theme.CHECKBOX_CLASSES)})


def select(choices: Choices) -> forms.Widget:
    """One of several."""
    widget: forms.Widget = theme.UnfoldAdminSelectWidget(choices=choices)
    return widget


def checkboxes(choices: Choices) -> forms.Widget:
    """Several of several."""
    widget: forms.Widget = theme.UnfoldAdminCheckboxSelectMultipleWidget(choices=choices)
    return widget


class DateInput(forms.DateInput):
    """<input type="date">"""

    input_type = "date"


class TimeInput(forms.TimeInput):
    """<input type="time">"""

    input_type = "time"


class MomentInput(forms.DateTimeInput):
    """<input type="datetime-local">, and the zone that the page means by it.

    Whoever changes their zone meanwhile is not misread: a time is read in the zone of its page.
    """

    input_type = "datetime-local"
    template_name = "tasks/widgets/moment.html"
    zone = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ANN401
        """What was sent; from a page with its zone."""
        sent = super().value_from_datadict(data, files, name)
        self.zone = str(data.get(f"{name}-zone", "")) if isinstance(data, QueryDict) else ""
        return Zoned(sent, self.zone) if self.zone and isinstance(sent, str) else sent

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # noqa: ANN401
        """For the template."""
        zone = self.zone or timezone.get_current_timezone_name()
        return super().get_context(name, value, attrs) | {"zone": zone}


class Tick(forms.CheckboxInput):
    """A checkbox that passes on what was sent, for the field to judge.

    A page does not send an empty box, so there its absence means no. At the other doors it means
    that nothing was said.
    """

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ANN401
        """What was sent."""
        return data.get(name, False if isinstance(data, QueryDict) else None)

    def use_required_attribute(self, initial: Any) -> bool:  # noqa: ANN401
        """No is an answer."""
        return False

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ANN401
        """Whether nothing was said."""
        return name not in data and not isinstance(data, QueryDict)

    def format_value(self, value: Any) -> str | None:  # noqa: ANN401
        """No value attribute: the browser then sends “on”."""
        return None


class YesNoSelect(forms.Select):
    """Yes, no, or nothing."""

    template_name = "unfold/widgets/select.html"

    def format_value(self, value: Any) -> list[str]:  # noqa: ANN401
        """True and False as the choices spell them."""
        return super().format_value(str(value).lower() if isinstance(value, bool) else value)


class MoneyWidget(forms.MultiWidget):
    """An amount, and a currency where there is a choice: `amount` and `amount_currency`."""

    template_name = "tasks/widgets/money.html"
    use_fieldset = False

    def __init__(self, currencies: Sequence[str], label: str) -> None:
        self.currencies = currencies
        amount = number_input("decimal")
        currency: forms.Widget = forms.HiddenInput()
        if len(currencies) > 1:
            currency = theme.UnfoldAdminSelectWidget(
                {"aria-label": f"Currency of {label}"},
                choices=[(code, code) for code in currencies],
            )
        super().__init__({"": amount, "currency": currency})

    def decompress(self, value: Any) -> list[Any]:  # noqa: ANN401 -- Money or None
        """An amount and a currency for the page; the first currency is suggested."""
        if isinstance(value, Money):
            return [f"{value.amount:f}", value.currency]
        return [None, self.currencies[0]]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ANN401
        """Two inputs of a page, or one value: Money, or a dict of amount and currency."""
        given = data.get(name)
        if isinstance(given, Money):
            return given
        if isinstance(given, dict) and given.keys() == {"amount", "currency"}:
            return [given["amount"], given["currency"]]
        return [given, data.get(f"{name}_currency")]

    def id_for_label(self, id_: str) -> str:
        """A click on the label leads to the amount."""
        return f"{id_}_0" if id_ else ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # noqa: ANN401
        """Also says which currency stands beside the amount when there is no choice."""
        context = super().get_context(name, value, attrs)
        context["currency"] = self.currencies[0] if len(self.currencies) == 1 else ""
        return context


class Picker(forms.Select):
    """A select that looks objects up while a person types. Only the chosen one is loaded."""

    def __init__(
        self, url: str, text: Callable[[Any], str] = str, depends_on: Sequence[str] = ()
    ) -> None:
        super().__init__({"class": "admin-autocomplete"})
        self.url, self.text = url, text
        if depends_on:
            self.attrs["data-depends-on"] = " ".join(depends_on)

    @property
    def media(self) -> forms.Media:
        """select2 as Django brings it along; a script and styles of ours make pickers of it."""
        small = "" if settings.DEBUG else ".min"
        return forms.Media(
            js=(
                f"admin/js/vendor/jquery/jquery{small}.js",
                f"admin/js/vendor/select2/select2.full{small}.js",
                "tasks/picker.js",
            ),
            css={"screen": ("admin/css/vendor/select2/select2.css",)},
        )

    def use_required_attribute(self, initial: Any) -> bool:  # noqa: ANN401
        """select2 hides the select, so a browser could not show its complaint there."""
        return False

    def build_attrs(
        self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What select2 reads."""
        return {
            **super().build_attrs(base_attrs, extra_attrs),
            "data-ajax--cache": "true",
            "data-ajax--delay": 250,
            "data-ajax--type": "GET",
            "data-ajax--url": self.url,
            "data-theme": "admin-autocomplete",
            "data-allow-clear": json.dumps(not self.is_required),
            "data-placeholder": "Type to search",
        }

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> list[Any]:  # noqa: ANN401
        """An empty option, so that select2 can be cleared, and the chosen object."""
        keys = [key for key in value if key and "\0" not in key]
        options = [self.create_option(name, "", "", not keys, 0)]
        options += [
            self.create_option(name, str(chosen.pk), self.text(chosen), True, 1)
            for chosen in self._chosen(keys)
        ]
        return [(None, options, 0)]

    def _chosen(self, keys: list[str]) -> list[Any]:
        queryset = getattr(self.choices, "queryset", None)
        if queryset is None or not keys:
            return []
        try:
            return list(queryset.filter(pk__in=keys[:1]))
        except (ValueError, forms.ValidationError):  # what was sent is no key of this model
            return []
