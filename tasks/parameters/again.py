"""Controls whose content no page can hold: files and secrets. They are asked for again, never lost.

A page that comes back with a mistake elsewhere has them empty. It says so, and is not taken until
they are given again, or a person has said that it is to go without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from tasks.parameters.encodings import Reading, readings
from tasks.parameters.types import File, Secret

LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Missing:
    """What a form says instead of a value that was given before, and is not there any more."""

    complaint: str


@dataclass(frozen=True, slots=True)
class Lettered:
    """A file, and in which letters somebody says that it is written: `code page:start of its SHA-256`."""

    file: object
    letters: str


class GivenAgain(forms.Widget):
    """What both kinds share. `given` is what was there before, in words; empty where nothing was."""

    own_template = ""
    sentence = ""
    without = ""
    template_name = "tasks/widgets/chosen_again.html"

    def __init__(self, attrs: Mapping[str, Any], *, can_be_left_out: bool) -> None:
        super().__init__(dict(attrs))
        self.can_be_left_out = can_be_left_out
        self.given = ""
        self.left_out = False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ANN401
        """What was sent; `Missing` where it was there before, and nobody said to do without."""
        sent = super().value_from_datadict(data, files, name)
        if not isinstance(data, QueryDict):
            return sent  # of a door without pages
        before = data.get(f"{name}-given", "")[:LONGEST_NAME]
        self.given = _in_words(sent) or before
        self.left_out = self.can_be_left_out and f"{name}-without" in data
        if sent or not before or self.left_out:
            return sent
        return Missing(self.sentence.format(before))

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # noqa: ANN401
        """For the template."""
        again = {
            "template_name": self.own_template,
            "name": self.given,
            "sentence": self.sentence.format(self.given),
            "can_be_left_out": self.can_be_left_out,
            "left_out": self.left_out,
            "without": self.without,
        }
        return super().get_context(name, value, attrs) | {"again": again}


class ChosenFile(GivenAgain, forms.FileInput):
    """The browser's own file dialogue."""

    own_template = "django/forms/widgets/file.html"
    sentence = "Choose “{}” again: a page cannot keep a file."
    without = "Without a file"


class TypedSecret(GivenAgain, forms.PasswordInput):
    """Dots instead of letters; what was typed is not sent back to the page."""

    own_template = "django/forms/widgets/password.html"
    sentence = "Enter this secret again: a page does not get it back."
    without = "Without this secret"


class ChosenRows(ChosenFile):
    """A file of rows; where its letters are not known, with a choice of how it reads right."""

    def __init__(self, attrs: Mapping[str, Any], *, can_be_left_out: bool) -> None:
        super().__init__(attrs, can_be_left_out=can_be_left_out)
        self.readings: Sequence[Reading] = ()
        self.of = self.letters = ""

    def ask_for_letters(self, file: File) -> None:
        """Show how this file can be read, for a person to say which is right."""
        self.readings, self.of, self.letters = readings(file.content), beginning_of(file), ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ANN401
        """The file with what was said about its letters."""
        sent = super().value_from_datadict(data, files, name)
        self.letters = str(data.get(f"{name}-letters", ""))[:LONGEST_NAME]
        return Lettered(sent, self.letters) if self.letters and _in_words(sent) else sent

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # noqa: ANN401
        """For the template."""
        more = {"readings": self.readings, "of": self.of, "letters": self.letters}
        return super().get_context(name, value, attrs) | more


def beginning_of(file: File) -> str:
    """What tells a file from another, so that what is said of one is not taken for the other."""
    return file.sha256[:16]


def _in_words(sent: object) -> str:
    """What was given, without its content."""
    if isinstance(sent, (UploadedFile, File)):
        return (sent.name or "the file")[:LONGEST_NAME]
    return "secret" if sent and isinstance(sent, (str, Secret)) else ""
