"""An object, out of those a person may choose from."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from tasks.parameters.widgets import Picker


class ObjectField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An object of a model. One outside the queryset does not exist, as far as answers tell."""

    def __init__(
        self,
        queryset: models.QuerySet[Any],
        picker_url: str,
        *,
        text: Callable[[Any], str],
        plural: str,
        depends_on: Sequence[str] = (),
        required: bool,
    ) -> None:
        self.model = queryset.model
        super().__init__(
            queryset,
            widget=Picker(picker_url, text, depends_on),
            required=required,
            empty_label=None,
        )
        self.error_messages |= {
            "required": "Choose one.",
            "invalid_choice": f"Choose one of the {plural} you can see.",
        }

    def to_python(self, value: Any) -> Any:  # noqa: ANN401 -- a key or an object
        """The object, or None. Raises ValidationError."""
        if isinstance(value, self.model):
            value = value.pk
        if isinstance(value, (list, tuple, dict, bool, float, models.Model)) or "\0" in str(value):
            raise ValidationError(self.error_messages["invalid_choice"], "invalid_choice")
        try:
            return super().to_python(value)
        except (
            self.model.MultipleObjectsReturned
        ):  # a limit across a relation finds it several times
            return self.queryset.filter(pk=value).first()  # type: ignore[union-attr]
