"""Files: small enough, with an allowed ending and a harmless name."""

import mimetypes
import unicodedata
from pathlib import PurePath, PureWindowsPath
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from tasks.parameters.fields.base import TypedField
from tasks.parameters.types import File
from tasks.parameters.widgets import file_input

LONGEST_NAME = 100


class UploadField(TypedField):
    """A File with its content in memory."""

    default_error_messages = {"required": "Choose a file."}

    def __init__(
        self,
        accept: tuple[str, ...],
        max_size: int,
        *,
        optional: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.accept = tuple(ending.lower() for ending in accept)
        self.max_size = max_size
        kwargs.setdefault("widget", file_input(accept, optional=optional))
        super().__init__(**kwargs)

    def parse(self, value: object) -> File:
        """A File. Raises ValidationError, before reading what is too large."""
        if not isinstance(value, (UploadedFile, File)):
            raise ValidationError("Choose a file.", "file")
        name = harmless(value.name or "")
        self._check(name, value.size or 0)
        # What the browser says about the type is only what the sender says about it.
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return File.of(name, self._content(value), content_type)

    def _content(self, value: Any) -> bytes:  # noqa: ANN401 -- an upload or a File
        if isinstance(value, File):
            return value.content
        value.seek(0)
        return bytes(value.read())

    def _check(self, name: str, size: int) -> None:
        if not name.lower().endswith(self.accept):
            raise ValidationError(f"Choose a file that ends in {' or '.join(self.accept)}.", "type")
        if size > self.max_size:
            raise ValidationError(
                f"The file has {exactly(size, self.max_size)}. At most {filesizeformat(self.max_size)} "
                "are allowed.",
                "max_size",
            )
        if size == 0:
            raise ValidationError("The file is empty. Choose another.", "empty")


def exactly(size: int, most: int) -> str:
    """The size; in bytes where it would read like the most that is allowed."""
    text = filesizeformat(size)
    return f"{size - most:,} bytes too many" if text == filesizeformat(most) else text


def harmless(name: str) -> str:
    """The last part of a path, without invisible characters, at most 100 characters long."""
    last = PurePath(PureWindowsPath(name).name).name
    visible = "".join(c for c in last if not unicodedata.category(c).startswith("C")).strip(". ")
    path = PurePath(visible or "file")
    return path.stem[: LONGEST_NAME - len(path.suffix)] + path.suffix[:LONGEST_NAME]
