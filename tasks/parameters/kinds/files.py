"""Files: bounded, of a known ending, kept under their SHA-256."""

import rule_engine
from django import forms
from django.template.defaultfilters import filesizeformat

from audit.texts.hidden import with_hidden_characters_shown
from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields import UploadField
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, RuleType, fits
from tasks.parameters.param import are_names
from tasks.parameters.types import File


class FileKind(Kind):
    """`File`: in conditions, its name"""

    what = "a File"
    can_be_filled_in = False
    options = frozenset({"accept", "max_size"})

    def prepare(self) -> None:
        accept = self.param.accept
        if are_names(accept) and not all(ending.startswith(".") for ending in accept):
            raise DeclarationError(
                f"accept={accept!r} has an ending without its dot.",
                "Write accept=(" + ", ".join(f'".{each.lstrip("*.")}"' for each in accept) + ",).",
            )
        if not are_names(accept):
            raise DeclarationError(
                "It is not said which files may be handed in.",
                'Name the endings: Param(accept=(".csv",)).',
            )
        if self.param.max_size <= 0:
            raise DeclarationError("max_size must be above 0.", "Write it in bytes.")

    def field(self, asked: Asked) -> forms.Field:
        return UploadField(
            self.param.accept,
            self.param.max_size,
            optional=asked.optional,
            required=asked.required,
        )

    def note(self) -> str:
        endings = " or ".join(self.param.accept or (".csv",))
        return f"A {endings} file of at most {filesizeformat(self.param.max_size)}."

    def accepts(self, value: object) -> bool:
        return False  # a default would be no file that a person handed in

    def freeze(self, value: File, keep: Keep) -> Json:
        if keep.file is None:
            raise DoesNotFit("There is a file among the parameters, and no place to keep it.")
        keep.file(value)
        return {
            "content_type": value.content_type,
            "name": value.name,
            "sha256": value.sha256,
            "size": value.size,
        }

    def thaw(self, frozen: Json, load: Load) -> File:
        stored = fits(frozen, dict)
        if load.file is None:
            raise DoesNotFit("There is a file among the parameters, and no place to find it.")
        checksum = fits(stored.get("sha256"), str)
        file = File.of(
            fits(stored.get("name"), str),
            load.file(checksum),
            fits(stored.get("content_type"), str),
        )
        if file.sha256 != checksum:
            raise DoesNotFit(f"The file {file.name} is not the one that was handed in.")
        return file

    def text(self, frozen: Json) -> str:
        stored = fits(frozen, dict)
        name = with_hidden_characters_shown(fits(stored.get("name"), str))
        return f"{name} ({filesizeformat(fits(stored.get('size'), int))})"

    def identity(self, frozen: Json) -> str:
        return fits(fits(frozen, dict).get("sha256"), str)

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        stored = None if frozen is None else fits(frozen, dict)
        return {name: stored and stored.get("name"), f"{name}_size": stored and stored.get("size")}

    def rule_types(self, name: str) -> dict[str, RuleType]:

        return {
            name: rule_engine.DataType.STRING,
            f"{name}_size": rule_engine.DataType.FLOAT,
        }
