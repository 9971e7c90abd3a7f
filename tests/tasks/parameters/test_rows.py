"""Rows: a CSV file by the rules of its columns, or what a look-up finds, frozen as one."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks.models import StoredFile
from tasks.parameters import (
    DeclarationError,
    File,
    Money,
    Param,
    Rows,
    form_for,
    freeze,
    read,
    thaw,
)


@dataclass(frozen=True)
class Payout:
    """One row."""

    account: str
    amount: Annotated[Money, Param(min="0.01", max=500, currencies=("USD", "EUR"))]
    due: date | None = None


Payouts = Annotated[Rows[Payout], Param(key="account", max_rows=30)]
HEADER = "account,amount,currency,due"


def pay(payouts: Payouts) -> str:
    """Pay."""
    return ""


def sent(content: bytes | str):
    data = content.encode() if isinstance(content, str) else content
    files = {"payouts": SimpleUploadedFile("payouts.csv", data, "text/csv")}
    return form_for(read(pay), person=None, data={}, files=files)


def rows_of(content: bytes | str) -> Rows[Payout]:
    form = sent(content)
    assert form.is_valid(), form.errors
    return form.cleaned_data["payouts"]


def faults_of(content: bytes | str) -> list[str]:
    return list(sent(content).errors["payouts"])


def test_each_cell_becomes_what_its_column_says():
    (row,) = rows_of(f"{HEADER}\nA-1,12.50,EUR,2026-01-31")
    assert row == Payout("A-1", Money(Decimal("12.50"), "EUR"), date(2026, 1, 31))


def test_what_may_be_missing_is_its_default():
    assert rows_of(f"{HEADER}\nA-1,12.50,EUR,")[0].due is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_it_reads_what_spreadsheets_save(encoding, delimiter, end):
    text = f"{HEADER}{end}{end}José,12.50,EUR,{end},,,{end}Zoë,1.00,USD,2026-01-31{end}"
    rows = rows_of(text.replace(",", delimiter).encode(encoding))
    assert [row.account for row in rows] == ["José", "Zoë"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A-1,five,EUR,", "Row 2, amount: "),
        ("A-1,0,EUR,", "Row 2, amount: "),
        ("A-1,501,EUR,", "Row 2, amount: "),
        ("A-1,5,JPY,", "Row 2, amount: "),
        (",5,EUR,", "Row 2, account: "),
        ("A-1,5,EUR,31.31.2026", "Row 2, due: "),
        ("A-1,5,EUR,,more", "Row 2: it has 5 cells, and the header 4."),
        ("A-1", "Row 2, amount: "),
        ("A-1,5,EUR,\nA-1,6,EUR,", "Row 3, account: A-1 is already in row 2."),
        ("", "There is no row in it below the header."),
    ],
)
def test_a_fault_is_named_by_its_row_and_column(line, said):
    assert faults_of(f"{HEADER}\n{line}")[0].startswith(said)


def test_a_row_is_counted_as_the_spreadsheet_counts_it():
    assert faults_of(f"{HEADER}\n\nA-1,5,EUR,\n\nA-2,x,EUR,")[0].startswith("Row 5, amount: ")


def test_twenty_faults_are_shown_with_the_number_of_the_others():
    faults = faults_of("\n".join([HEADER, *(f"A-{n},x,EUR," for n in range(25))]))
    assert (len(faults), faults[-1]) == (21, "And 5 more.")


def test_too_many_rows_are_refused():
    content = "\n".join([HEADER, *(f"A-{n},5,EUR," for n in range(31))])
    assert faults_of(content) == ["It has 31 rows. At most 30 are allowed."]


@pytest.mark.parametrize("header", ["", "account,amount", "account,amount,amount,due", "x"])
def test_another_header_is_refused_with_the_right_one(header):
    assert faults_of(f"{header}\nA-1,5,EUR,") == [f"Its first line must be {HEADER}."]


def test_what_is_no_csv_is_said_to_be_none():
    assert "cannot be read as CSV" in faults_of(f'{HEADER}\n"A-1,5')[0]


def test_it_is_frozen_by_its_content_and_reads_the_same(db):
    kept: dict[str, bytes] = {}
    value = rows_of(f"{HEADER}\nA-1,12.50,EUR,")
    frozen = freeze(
        read(pay), {"payouts": value}, store_file=lambda f: kept.update({f.sha256: f.content})
    )
    assert frozen["payouts"]["rows"] == 1
    again = thaw(read(pay), frozen, files=kept.__getitem__)["payouts"]
    assert list(again) == list(value)


def test_an_empty_file_to_fill_in_has_the_header():
    (parameter,) = read(pay)
    assert parameter.kind.table.template().decode("utf-8-sig") == f"{HEADER}\r\n"


@pytest.mark.parametrize("hint", [Rows, Rows[str]])
def test_a_row_must_be_declared(hint):
    def wrong(rows: Annotated[hint, Param(key="account")]) -> str:
        return ""

    with pytest.raises(DeclarationError, match="what a row consists of"):
        read(wrong)


def test_its_key_must_be_a_column():
    def wrong(rows: Annotated[Rows[Payout], Param(key="number")]) -> str:
        return ""

    with pytest.raises(DeclarationError, match="is no column"):
        read(wrong)


def test_a_file_fits_in_no_cell():
    @dataclass(frozen=True)
    class Row:
        name: str
        file: Annotated[File, Param(accept=(".csv",))]

    def wrong(rows: Annotated[Rows[Row], Param(key="name")]) -> str:
        return ""

    with pytest.raises(DeclarationError, match="no cell can hold"):
        read(wrong)


# --- From a look-up -------------------------------------------------------------------------------


def look_up_with(function):
    def pay_due(
        least: int,
        payouts: Annotated[Rows[Payout], Param(key="account", max_rows=3, rows=function)],
    ) -> str:
        return ""

    return form_for(read(pay_due), person=None, data={"least": "2"})


def some(least: int) -> list[Payout]:
    return [
        Payout(f"A-{n}", Money(Decimal(n), "USD"), date(2026, 1, n)) for n in range(1, least + 1)
    ]


def test_a_look_up_is_asked_with_the_other_values_and_frozen_as_a_file(db):
    form = look_up_with(some)
    assert form.is_valid(), form.errors
    found = form.cleaned_data["payouts"]
    assert list(found) == some(2)
    assert found.file.content.startswith(b"account,amount,currency,due\r\nA-1,1.00,USD,2026-01-01")


@pytest.mark.parametrize(
    ("number", "said"), [(0, "Nothing was found"), (4, "4 were found. At most 3")]
)
def test_nothing_and_too_much_are_said(db, number, said):
    form = look_up_with(lambda least: some(number))
    assert said in form.errors["payouts"][0]


def test_a_look_up_changes_nothing(db):
    def writes(least: int) -> list[Payout]:
        StoredFile.objects.create(sha256="0" * 64, content=b"")
        return some(least)

    assert look_up_with(writes).errors["payouts"] == [
        "The look-up failed. Nothing may be written to “default” here."
    ]


def test_nobody_sends_the_rows_of_a_look_up(db):
    def pay_due(
        payouts: Annotated[Rows[Payout], Param(key="account", rows=lambda: some(1))],
    ) -> str:
        return ""

    form = form_for(read(pay_due), person=None, data={"payouts": "A-9,500,USD"})
    assert form.errors["payouts"] == ["This is looked up, and cannot be sent."]
