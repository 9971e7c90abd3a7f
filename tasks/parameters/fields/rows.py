"""Rows: a CSV file whose every cell is checked while the person who sends it is there."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tasks.parameters.fields.files import UploadField
from tasks.parameters.rows import Rows, Table


class RowsField(UploadField):
    """Rows with the file from which they were read."""

    default_error_messages = {"required": "Choose a CSV file."}

    def __init__(self, table: Table, max_size: int, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__((".csv",), max_size, **kwargs)
        self.table = table

    def parse(self, value: object) -> Any:  # noqa: ANN401 -- Rows, where the parent has a File
        """Rows. Raises ValidationError, which names each cell with a fault."""
        file = super().parse(value.file if isinstance(value, Rows) else value)
        return Rows(self.table.read(file.content), file)


class QueriedField(forms.Field):
    """What a look-up finds when the form is sent: nobody fills it in."""

    widget = forms.HiddenInput

    def __init__(self, table: Table) -> None:
        super().__init__(required=False)
        self.table = table

    def clean(self, value: object) -> None:
        """Nothing yet: see `ParameterForm.clean`."""
        if value not in (None, ""):
            raise ValidationError("This is looked up, and cannot be sent.")
