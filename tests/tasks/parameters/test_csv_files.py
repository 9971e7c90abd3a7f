"""Files as banks, spreadsheets and providers save them: each reads rightly, or is refused with the right sentence."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks.parameters import DeclarationError, Money, Param, Rows, form_for, freeze, read, thaw


@dataclass(frozen=True)
class Credit:
    """One row."""

    account: str
    amount: Annotated[Money, Param(min="0.01", max=500)]


def pay(file: Annotated[Rows[Credit], Param(key="account", max_rows=30)]) -> str:
    """Pay."""
    return ""


def sent(content: bytes, function=pay):
    files = {"file": SimpleUploadedFile("credits.csv", content, "text/csv")}
    return form_for(read(function), person=None, data={}, files=files)


HEADER = b"account,amount,currency\r\n"
ROWS = b"A-10001,10.00,USD\r\nA-10002,11.50,USD\r\nA-10003,12.00,USD\r\n"
PLAIN = HEADER + ROWS
TEXT = PLAIN.decode()
BOM = b"\xef\xbb\xbf"

READ = {
    "plain": PLAIN,
    "with a mark": BOM + PLAIN,
    "with two marks": BOM + BOM + PLAIN,
    "with a mark and a quoted header": BOM + b'"account","amount","currency"\r\n' + ROWS,
    "a delimiter at the end of each line": PLAIN.replace(b"\r\n", b",\r\n").replace(b",", b";"),
    "a delimiter at the end of each row": HEADER + ROWS.replace(b"\r\n", b",\r\n"),
    "semicolons": PLAIN.replace(b",", b";"),
    "tabs": PLAIN.replace(b",", b"\t"),
    "pipes": PLAIN.replace(b",", b"|"),
    "a quoted header with semicolons": b'"account";"amount";"currency"\r\n'
    + ROWS.replace(b",", b";"),
    "sep=;": b"sep=;\r\n" + PLAIN.replace(b",", b";"),
    "sep=,": b"sep=,\r\n" + PLAIN,
    "sep= in quotes, after a mark": BOM + b'"sep=;"\n' + PLAIN.replace(b",", b";"),
    "lines end in LF": PLAIN.replace(b"\r\n", b"\n"),
    "lines end in CR": PLAIN.replace(b"\r\n", b"\r"),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16, the other way round": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "an empty line first": b"\r\n" + PLAIN,
    "empty lines last": PLAIN + b"\r\n\r\n,,\r\n , , \r\n",
    "the end of file of DOS": PLAIN + b"\x1a",
    "a no-break space behind a number": PLAIN.replace(b"10.00", b"10.00\xc2\xa0"),
    "a no-break space beside a key": PLAIN.replace(b"A-10001", b"\xc2\xa0A-10001\xc2\xa0"),
    "fewer decimals": PLAIN.replace(b"10.00", b"10").replace(b"11.50", b"11.5"),
    "a line break within a cell": PLAIN.replace(b"A-10001", b'"A-10001\r\n"'),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_it_reads(content):
    form = sent(content)
    assert form.is_valid(), form.errors
    assert [(row.account, str(row.amount)) for row in form.cleaned_data["file"]] == [
        ("A-10001", "10.00 USD"),
        ("A-10002", "11.50 USD"),
        ("A-10003", "12.00 USD"),
    ]


# What is a text stays that text: nothing is computed, and no zero is lost.
TEXTS = ["00123", "=1+1", "@SUM(A1)", "'A-10001", '12" pipe', "A\u201110001", "A\u201310002"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stays_as_it_is(text):
    form = sent(HEADER + f"{text},10.00,USD\r\n".encode())
    assert form.is_valid(), form.errors
    assert form.cleaned_data["file"][0].account == text


FIRST_LINE = "Its first line must be account,amount,currency."
UNREADABLE = "Its letters cannot be read. Save it again as “CSV UTF-8”."
ASKED = (
    "Its letters are not UTF-8. Save it again as “CSV UTF-8”; or say below how it reads right, and "
    "choose the file again."
)


def no_text(line: int) -> str:
    return (
        f"It has a character that is in no text (U+0000, the first on line {line}): it is damaged, or "
        "saved in another format. Save it again as “CSV UTF-8”."
    )


def amount(row: int, found: str) -> str:
    return f"Row {row}, amount “{found} USD”: Enter the amount as 1000.00."


REFUSED = {
    "nothing": (b"", ["The file is empty. Choose another."]),
    "a mark alone": (BOM, [FIRST_LINE]),
    "spaces alone": (b"   \r\n  \r\n", [FIRST_LINE]),
    "a header alone": (HEADER, ["There is no row in it below the header."]),
    "a workbook": (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\xff\xfe", [UNREADABLE]),
    "half a character of UTF-16": (TEXT.encode("utf-16")[:-1], [UNREADABLE]),
    "UTF-16 without its mark": (TEXT.encode("utf-16-le"), [no_text(1)]),
    "NUL in a cell": (PLAIN.replace(b"11.50", b"11\0.50"), [no_text(3)]),
    "NUL to its end": (PLAIN + b"\0" * 500, [no_text(5)]),
    "Windows, Western": (HEADER + "José,1.00,USD".encode("cp1252"), [ASKED]),
    "Windows, Western, with a byte that it has not": (HEADER + b"AC\x9d1,1.00,USD", [ASKED]),
    "Windows, Central": (HEADER + "Łukasz,1.00,USD".encode("cp1250"), [ASKED]),
    "Windows, Cyrillic": (HEADER + "Счёт,1.00,USD".encode("cp1251"), [ASKED]),
    "Mac": (HEADER + "José,1.00,USD".encode("mac_roman"), [ASKED]),
    "Shift JIS": (HEADER + "返金 田中,1.00,USD".encode("cp932"), [ASKED]),
    "GBK": (HEADER + "退款 王伟,1.00,USD".encode("gbk"), [ASKED]),
    "a no-break space of Latin 1": (PLAIN.replace(b"10.00", b"1\xa0000.00"), [ASKED]),
    "decimal commas": (
        HEADER + b'A-1,"10,00",USD\r\nA-2,"1.250,00",USD',
        [amount(2, "10,00"), amount(3, "1.250,00")],
    ),
    "negative as accountants write it, and signs of currency": (
        HEADER + b'A-1,(33.52),USD\r\nA-2,$10.00,USD\r\nA-3,"1,250.00",USD\r\nA-4,10.00-,USD',
        [
            amount(2, "(33.52)"),
            amount(3, "$10.00"),
            amount(4, "1,250.00"),
            amount(5, "10.00-"),
        ],
    ),
    "other signs": (
        HEADER + "A-1,+10.00,USD\r\nA-2,-10.00,USD\r\nA-3,\u221210.00,USD".encode(),
        [
            amount(2, "+10.00"),
            "Row 3, amount “-10.00 USD”: The smallest allowed is 0.01.",
            amount(4, "\u221210.00"),
        ],
    ),
    "other ways to write a number": (
        HEADER + b"A-1,.5,USD\r\nA-2,10.005,USD\r\nA-3,1e2,USD\r\nA-4,10.,USD",
        [
            amount(2, ".5"),
            "Row 3, amount “10.005 USD”: USD has 2 decimals. Enter the amount as 1000.00.",
            amount(4, "1e2"),
            amount(5, "10."),
        ],
    ),
    "digits that are not ours": (
        HEADER + "A-1,\uff11.00,USD".encode(),
        [amount(2, "⟨U+FF11 1⟩.00")],
    ),
    "too much, too little, another currency": (
        HEADER + b"A-1,99999999999999999999,USD\r\nA-2,0,USD\r\nA-3,1000.50,JPY\r\nA-4,1,usd",
        [
            "Row 2, amount “99999999999999999999 USD”: This amount is too large.",
            "Row 3, amount “0 USD”: The smallest allowed is 0.01.",
            "Row 4, amount “1000.50 JPY”: Choose a currency: USD.",
            "Row 5, amount “1 usd”: Choose a currency: USD.",
        ],
    ),
    "a number that a spreadsheet shortened": (
        HEADER + b"1.23E+15,10.00,USD",
        [
            "Row 2, account “1.23E+15”: a spreadsheet has shortened this number. Format its column "
            "as text, and enter it again."
        ],
    ),
    "invisible characters in a key": (
        HEADER + "A-10001\u200b,10.00,USD\r\n\ufeffA-10002,x,USD\r\n".encode(),
        [
            "Row 2, account “A-10001⟨U+200B⟩”: this has an invisible character (U+200B, zero width "
            "space). Empty the cell and type it again.",
            amount(3, "x"),
            "Row 3, account “⟨U+FEFF⟩A-10002”: this has an invisible character (U+FEFF, zero width "
            "no-break space). Empty the cell and type it again.",
        ],
    ),
    "a line with the total": (
        PLAIN + b"Total,33.50,\r\n",
        ["Row 5, amount “33.50”: the currency is missing."],
    ),
    "a quotation mark that is not closed, after another fault": (
        HEADER + b'A-1,x,USD\r\n"A-2,10.00,USD\r\nA-3,11.00,USD\r\n',
        [
            amount(2, "x"),
            "Row 3: this is no CSV: a quotation mark opens a cell and none closes it.",
        ],
    ),
    "the rows behind sep= count as the spreadsheet shows them": (
        b"sep=;\r\naccount;amount;currency\r\nA-1;x;USD",
        [amount(2, "x")],
    ),
    "the same key twice, beside another fault of the row": (
        HEADER + b"A-1,1.00,USD\r\nA-1,x,USD",
        [amount(3, "x"), "Row 3, account: A-1 is already in row 2."],
    ),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_all_that_is_wrong(content, said):
    assert list(sent(content).errors["file"]) == said


# --- A decimal comma, and a check of each row ------------------------------------------------------


def pay_by_comma(
    file: Annotated[Rows[Credit], Param(key="account", decimal_comma=True)],
) -> str:
    """Pay."""
    return ""


def test_a_decimal_comma_is_read_where_it_is_declared_and_reads_the_same_again():
    form = sent(b"account;amount;currency\r\nA-1;10,50;USD\r\nA-2;11;USD\r\n", pay_by_comma)
    assert form.is_valid(), form.errors
    rows = form.cleaned_data["file"]
    assert [row.amount.amount for row in rows] == [Decimal("10.50"), Decimal(11)]
    kept = {}
    frozen = freeze(read(pay_by_comma), {"file": rows}, store_file=lambda f: kept.update(it=f))
    again = thaw(read(pay_by_comma), frozen, files=lambda _: kept["it"].content)
    assert list(again["file"]) == list(rows)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1.250,00", "Enter the number with a decimal comma, and without other marks."),
        ("10.50", "Enter the number with a decimal comma, and without other marks."),
        ("1,2,3", "Enter the amount as 1000,00."),
        ("0,005", "USD has 2 decimals. Enter the amount as 1000,00."),
        ("0,00", "The smallest allowed is 0,01."),
    ],
)
def test_with_a_decimal_comma_nothing_else_is_one(cell, said):
    form = sent(f"account;amount;currency\r\nA-1;{cell};USD".encode(), pay_by_comma)
    assert list(form.errors["file"]) == [f"Row 2, amount “{cell} USD”: {said}"]


def no_closed_ones(credits_: list[Credit]) -> Iterator[tuple[Credit, str]]:
    """The check of an author."""
    yield from ((c, f"{c.account} is closed.") for c in credits_ if c.account.startswith("C"))


def checked_by(check):
    def pay_open_ones(
        file: Annotated[Rows[Credit], Param(key="account", check=check)],
    ) -> str:
        return ""

    return pay_open_ones


def test_what_the_author_says_of_a_row_comes_with_its_number_and_with_all_else():
    content = HEADER + b"A-1,1.00,USD\r\nC-1,1.00,USD\r\nA-2,x,USD\r\nC-2,1.00,USD"
    assert list(sent(content, checked_by(no_closed_ones)).errors["file"]) == [
        "Row 3: C-1 is closed.",
        amount(4, "x"),
        "Row 5: C-2 is closed.",
    ]
    assert sent(PLAIN, checked_by(no_closed_ones)).is_valid()


@pytest.mark.parametrize("wrong", [lambda rows: rows[5], lambda rows: [("A-1", "Not this one.")]])
def test_a_check_that_fails_is_a_sentence(wrong):
    (said,) = sent(PLAIN, checked_by(wrong)).errors["file"]
    assert said.startswith("The rows could not be checked: the code of this task has a fault")


def test_a_look_up_has_no_file_to_check():
    def pay_found(
        file: Annotated[Rows[Credit], Param(key="account", rows=list, check=no_closed_ones)],
    ) -> str:
        return ""

    with pytest.raises(DeclarationError, match="are for files"):
        read(pay_found)


def test_a_check_takes_the_rows():
    with pytest.raises(DeclarationError, match="check must be a function"):
        read(checked_by(lambda: [()]))
