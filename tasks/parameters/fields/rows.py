"""Rows: a CSV file whose every cell is checked while the person who sends it is there."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tasks.parameters.again import ChosenRows, Lettered, beginning_of
from tasks.parameters.encodings import UnknownLetters, is_unicode
from tasks.parameters.faults import AuthorsFault, told_in_a_sentence
from tasks.parameters.fields.files import UploadField
from tasks.parameters.rows import Check, Rows, Table
from tasks.parameters.types import File
from tasks.parameters.widgets import file_input
from tasks.time_limits import in_time


class RowsField(UploadField):
    """Rows with the file from which they were read."""

    default_error_messages = {"required": "Choose a CSV file."}

    widget: ChosenRows

    def __init__(
        self,
        table: Table,
        max_size: int,
        *,
        check: Check | None = None,
        optional: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        accept = (".csv",)
        widget = file_input(accept, optional=optional, kind=ChosenRows)
        super().__init__(accept, max_size, widget=widget, **kwargs)
        self.table, self.check = table, check

    def parse(self, value: object) -> Any:  # noqa: ANN401 -- Rows, where the parent has a File
        """Rows. Raises ValidationError, which names each cell with a fault."""
        given = value.file if isinstance(value, Rows | Lettered) else value
        file = super().parse(given)
        code_page = _code_page(value, file)
        try:
            return Rows(self.table.read(file.content, code_page, self._checked), file, code_page)
        except UnknownLetters:
            self.widget.ask_for_letters(file)
            raise

    @property
    def _checked(self) -> Check | None:
        """What the author says of each row, in the time that a page can wait."""
        return _in_a_sentence(self.check) if self.check else None


def _in_a_sentence(check: Check) -> Check:
    def checked(rows: list[Any]) -> list[tuple[Any, str]]:
        try:
            with told_in_a_sentence("The rows could not be checked"):
                return in_time(lambda: list(_of_these(rows, check(rows))))
        except AuthorsFault as fault:
            raise ValidationError(str(fault)) from fault

    return checked


def _of_these(rows: list[Any], said: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    """What an author's check gives. Raises TypeError for what is no row of these with a text."""
    known = {id(row) for row in rows}
    for row, why in said:
        if id(row) not in known or not isinstance(why, str):
            raise TypeError("check gave something else than pairs of one of its rows and a text.")
        yield row, why


def _code_page(value: object, file: File) -> str:
    """What somebody said about the letters of this very file; of another it says nothing."""
    if isinstance(value, Rows):
        return value.code_page
    if not isinstance(value, Lettered) or is_unicode(file.content):
        return ""
    code_page, _, of = value.letters.partition(":")
    return code_page if of == beginning_of(file) else ""


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
