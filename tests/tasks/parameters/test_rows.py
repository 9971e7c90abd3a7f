"""Rows: a CSV file by the rules of its columns, or what a look-up finds, frozen as one."""

import re
import tracemalloc
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Annotated

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.texts.hidden import with_hidden_characters_shown
from tasks.models import StoredFile
from tasks.parameters import (
    DeclarationError,
    File,
    Money,
    Param,
    Rows,
    display,
    form_for,
    freeze,
    read,
    thaw,
)
from tests.tasks.parameters.asking import page


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_it_reads_what_spreadsheets_save(encoding, delimiter, end):
    text = f"{HEADER}{end}{end}José,12.50,EUR,{end},,,{end}Zoë,1.00,USD,2026-01-31{end}"
    rows = rows_of(text.replace(",", delimiter).encode(encoding))
    assert [row.account for row in rows] == ["José", "Zoë"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A-1,five,EUR,", "Row 2, amount “five EUR”: "),
        ("A-1,0,EUR,", "Row 2, amount “0 EUR”: "),
        ("A-1,501,EUR,", "Row 2, amount “501 EUR”: "),
        ("A-1,5,JPY,", "Row 2, amount “5 JPY”: "),
        (",5,EUR,", "Row 2, account: "),
        ("A-1,5,EUR,31.31.2026", "Row 2, due “31.31.2026”: "),
        ("A-1,5,EUR,,more", "Row 2: it has 5 cells, and the header 4."),
        ("A-1", "Row 2, amount: "),
        ("A-1,5,EUR,\nA-1,6,EUR,", "Row 3, account: A-1 is already in row 2."),
        ("", "There is no row in it below the header."),
    ],
)
def test_a_fault_is_named_by_its_row_and_column(line, said):
    assert faults_of(f"{HEADER}\n{line}")[0].startswith(said)


def test_a_row_is_counted_as_the_spreadsheet_counts_it():
    assert faults_of(f"{HEADER}\n\nA-1,5,EUR,\n\nA-2,x,EUR,")[0].startswith(
        "Row 5, amount “x EUR”: "
    )


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
    assert "this is no CSV" in faults_of(f'{HEADER}\n"A-1,5')[0]


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

    (said,) = look_up_with(writes).errors["payouts"]
    assert said.startswith("The rows could not be looked up. Nothing may be written to “default”")
    assert not StoredFile.objects.exists()


def test_nobody_sends_the_rows_of_a_look_up(db):
    def pay_due(
        payouts: Annotated[Rows[Payout], Param(key="account", rows=lambda: some(1))],
    ) -> str:
        return ""

    form = form_for(read(pay_due), person=None, data={"payouts": "A-9,500,USD"})
    assert form.errors["payouts"] == ["This is looked up, and cannot be sent."]


# Of real files: what each is, and how its note reads right.
LETTERS = {
    "cp1250": (b"\xa3ukasza \xaf\xf3\xb3kiewskiego", "Łukasza Żółkiewskiego"),
    "cp1251": (b"\xc2\xee\xe7\xe2\xf0\xe0\xf2 \xc8\xe2\xe0\xed\xee\xe2\xf3", "Возврат Иванову"),
    "cp1252": (b"Jos\xe9", "José"),
    "mac_roman": (b"Jos\x8e", "José"),
    "cp932": (b"\x95\xd4\x8b\xe0", "返金"),
    "gbk": (b"\xcd\xcb\xbf\xee", "退款"),
}


def chosen(content: bytes, letters: str = "", **more):
    """The form as a page sends it."""
    files = {"payouts": SimpleUploadedFile("payouts.csv", content, "text/csv")}
    data = page(**{"payouts-letters": letters}, **more)
    return form_for(read(pay), person=None, data=data, files=files)


@pytest.mark.parametrize(("code_page", "case"), LETTERS.items(), ids=LETTERS)
def test_letters_that_the_bytes_do_not_tell_are_for_a_person_to_say(code_page, case):
    note, right = case
    content = f"{HEADER}\nPLACE,12.50,EUR,\n".encode().replace(b"PLACE", note)
    first = chosen(content)
    assert first.errors["payouts"][0].startswith("Its letters are not UTF-8.")
    shown = unescape(str(first))
    assert f"“{right},12.50,EUR,”" in shown
    (said,) = re.findall(rf'name="payouts-letters" value="({code_page}:[0-9a-f]+)"', shown)

    second = chosen(content, said, **{"payouts-given": "payouts.csv"})
    assert second.is_valid(), second.errors
    rows = second.cleaned_data["payouts"]
    assert rows[0].account == right

    kept = {}
    frozen = freeze(read(pay), {"payouts": rows}, store_file=lambda f: kept.update({f.sha256: f}))
    (shown_text,) = [text for _, text in display(read(pay), frozen)]
    assert "1 row, read as " in shown_text
    again = thaw(read(pay), frozen, files=lambda sha256: kept[sha256].content)["payouts"]
    assert again[0].account == right
    assert again.file.content == content


def test_what_was_said_of_one_file_is_not_taken_for_another():
    one = chosen(f"{HEADER}\nJosé,1.00,EUR,\n".encode("cp1252"))
    (said,) = re.findall(r'value="(cp1252:[0-9a-f]+)"', str(one))
    assert not chosen(f"{HEADER}\nŁukasz,1.00,EUR,\n".encode("cp1250"), said).is_valid()
    utf8 = chosen(f"{HEADER}\nŁukasz,1.00,EUR,\n".encode(), said)
    assert utf8.is_valid()
    assert utf8.cleaned_data["payouts"][0].account == "Łukasz"


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04\x14\x00\xff\xfe", b"\xef\xbb\xbfacc\xff", b"\xff\xfea"],
    ids=["a workbook", "broken UTF-8", "broken UTF-16"],
)
def test_what_is_no_text_is_refused_without_a_choice(content):
    refused = chosen(content)
    assert refused.errors["payouts"] == [
        "Its letters cannot be read. Save it again as “CSV UTF-8”."
    ]
    assert 'type="radio"' not in str(refused)


def test_a_file_that_was_taken_before_anybody_was_asked_still_reads():
    content = f"{HEADER}\nJosé,1.00,EUR,\n".encode("cp1252")
    file = File.of("payouts.csv", content)
    frozen = {"payouts": {"content_type": "text/csv", "name": file.name, "sha256": file.sha256,
                          "size": file.size, "rows": 1}}  # fmt: skip
    assert thaw(read(pay), frozen, files=lambda _: content)["payouts"][0].account == "José"


@pytest.mark.parametrize(
    "other", ["a b", "A B", "a\u00a0b", "ab", "a\u200bb", "a\u2800b", "\uff41b"]
)
def test_two_keys_that_look_the_same_are_one(other):
    faults = faults_of(f"{HEADER}\na b,1.00,EUR,\n{other},2.00,EUR,\n")
    shown = with_hidden_characters_shown(other)
    assert faults[-1] == f"Row 3, account: {shown} is already in row 2."


def test_a_file_of_empty_lines_is_given_up_before_its_end():
    """A million of them took fifteen seconds and half a gigabyte, from anybody who may ask."""
    tracemalloc.start()
    try:
        (said,) = faults_of(HEADER + "\n" * 4_900_000)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said == (
        "It has more than 10,030 lines. At most 30 rows are allowed: remove empty lines."
    )
    assert most < 60_000_000  # bytes: the text itself, a few times over


def test_some_empty_lines_are_let_be():
    assert len(rows_of(HEADER + "\n" * 5_000 + "A-1,12.50,EUR,\n,,,\n")) == 1
