"""Rows of a CSV file, typed; or of a look-up, frozen as one."""

from dataclasses import is_dataclass
from typing import Any, get_args

import rule_engine
from django import forms
from django.core.exceptions import ValidationError

from tasks.declaration.calling import call_with
from tasks.parameters.encodings import CODE_PAGES, USUAL
from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields import QueriedField, RowsField
from tasks.parameters.kinds.base import Asked, Json, Keep, Load, RuleType, fits
from tasks.parameters.kinds.choices import SeveralKind, YesNoKind
from tasks.parameters.kinds.files import FileKind
from tasks.parameters.kinds.objects import ObjectKind
from tasks.parameters.kinds.plain import ConfirmKind, JSONKind
from tasks.parameters.kinds.text import SecretKind
from tasks.parameters.param import takes_one
from tasks.parameters.rows import Rows, Table
from tasks.parameters.types import File

NOT_IN_A_CELL = (
    ConfirmKind, FileKind, JSONKind, ObjectKind, SecretKind, SeveralKind, YesNoKind,
)  # fmt: skip


class RowsKind(FileKind):
    """`Rows[Credit]`: the rows of a CSV file; in conditions, how many there are"""

    what = "Rows"
    options = frozenset({"key", "max_rows", "max_size", "decimal_comma", "check", "rows"})
    table: Table

    def prepare(self) -> None:
        from tasks.parameters.signature import read

        (row,) = get_args(self.hint) or (None,)
        if not (isinstance(row, type) and is_dataclass(row)):
            raise DeclarationError(
                "It is not said what a row consists of.", "Write Rows[Credit], a dataclass."
            )
        columns = read(row)
        for column in columns:
            if isinstance(column.kind, (*NOT_IN_A_CELL, RowsKind)):
                raise DeclarationError(
                    f"The column {column.name} is {column.kind.what}, which no cell can hold.",
                    "Use a text, a number, an amount, a date or a choice.",
                )
        key = self.param.key
        if key not in [column.name for column in columns]:
            raise DeclarationError(
                f"key={key!r} is no column.", 'Name the one that names a row: key="account".'
            )
        self._refuse_what_files_alone_have()
        self.table = Table(row, columns, key, self.param.max_rows, self.param.decimal_comma)

    def _refuse_what_files_alone_have(self) -> None:
        if self.param.check is not None and not takes_one(self.param.check):
            raise DeclarationError(
                "check must be a function of a list of rows, and of nothing else.",
                'Write check=closed_ones, with: def closed_ones(rows): return [(row, "Why not.")].',
            )
        if self.is_looked_up and (self.param.check or self.param.decimal_comma):
            raise DeclarationError(
                "check and decimal_comma are for files, and rows= looks the rows up.",
                "Leave them out.",
            )

    @property
    def is_looked_up(self) -> bool:
        """Whether the rows come from a look-up, and not from a person."""
        return self.param.rows is not None

    @property
    def has_money(self) -> bool:
        return any(column.kind.is_money for column in self.table.columns)

    def field(self, asked: Asked) -> forms.Field:
        if self.is_looked_up:
            return QueriedField(self.table)
        return RowsField(
            self.table,
            self.param.max_size,
            check=self.param.check,
            optional=asked.optional,
            required=asked.required,
        )

    def note(self) -> str:
        return "" if self.is_looked_up else f"{super().note()} At most {self.table.most:,} rows."

    def look_up(self, name: str, values: dict[str, Any]) -> Rows[Any]:
        """What the author's function finds for these values. Raises ValidationError."""
        found = list(call_with(self.param.rows, values)) if self.param.rows else []
        if not found:
            raise ValidationError("Nothing was found for these values.")
        if len(found) > self.table.most:
            raise ValidationError(
                f"{len(found):,} were found. At most {self.table.most:,} can be done at once."
            )
        content = self.table.written(found)
        return Rows(self.table.read(content), File.of(f"{name}.csv", content, "text/csv"))

    def freeze(self, value: Rows[Any], keep: Keep) -> Json:  # type: ignore[override]
        letters = {"letters": value.code_page} if value.code_page else {}
        return {**fits(super().freeze(value.file, keep), dict), "rows": len(value), **letters}

    def thaw(self, frozen: Json, load: Load) -> Rows[Any]:  # type: ignore[override]
        file = super().thaw(frozen, load)
        code_page = fits(fits(frozen, dict).get("letters", USUAL), str)
        try:
            return Rows(self.table.read(file.content, code_page), file, code_page)
        except ValidationError as error:
            raise DoesNotFit(
                f"The rows of {file.name} no longer fit the task: {error.messages[0]}"
            ) from error

    def text(self, frozen: Json) -> str:
        stored = fits(frozen, dict)
        number = fits(stored.get("rows"), int)
        letters = CODE_PAGES.get(str(stored.get("letters", "")), "")
        text = f"{super().text(frozen)}, {number:,} row{'' if number == 1 else 's'}"
        return f"{text}, read as {letters}" if letters else text

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        stored = None if frozen is None else fits(frozen, dict)
        return {f"{name}_rows": stored and stored.get("rows")}

    def rule_types(self, name: str) -> dict[str, RuleType]:
        return {f"{name}_rows": rule_engine.DataType.FLOAT}
