"""Files as banks, providers and spreadsheet programs save them: read rightly, or refused with a reason. S55."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from fixtures.ledger.models import ImportedTransaction
from tasks.contrib.imports import Into, Layout, column
from tasks.contrib.imports.reading import Reading, layout_of, read_file
from tasks.contrib.imports.reporting import rejected_file, sentences

INTO = Into(ImportedTransaction, key=("reference",), money={"amount": "currency"})
COLUMNS = {
    "reference": column("account"),
    "amount": column("amount"),
    "currency": column("currency"),
}
PLAIN = Layout("plain", COLUMNS)
SEMICOLONS = Layout("semicolons", COLUMNS, delimiter=";")
GERMAN = Layout("german", COLUMNS, delimiter=";", decimal=",", thousands=".")
TABS = Layout("tabs", COLUMNS, delimiter="\t")
ACCOUNTING = Layout("accounting", COLUMNS, negative="(1)", thousands=",")
TRAILING = Layout("trailing", COLUMNS, negative="1-")
HEADER = "account,amount,currency\r\n"
TWO = "A-1,10.00,USD\r\nA-2,11.50,USD\r\n"
BOTH = ["A-1 10.00 USD", "A-2 11.50 USD"]


def statement(encoding: str) -> Layout:
    columns = {
        "reference": column("ref"),
        "day": column("day"),
        "amount": column("amount", sign=("kind", {"debit": -1, "credit": 1})),
        "description": column("note"),
    }
    return Layout(
        f"in-{encoding.replace('_', '-')}", columns, always={"currency": "USD"}, encoding=encoding
    )


def read(content: bytes | str, layout: Layout = PLAIN) -> Reading:
    return read_file(content.encode() if isinstance(content, str) else content, layout, INTO)


def rows(reading: Reading) -> list[str]:
    return [" ".join(map(str, row)) for row in reading.rows]


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (HEADER + TWO, PLAIN),
        ("\ufeff" + HEADER + TWO, PLAIN),
        ("\ufeff\ufeff" + HEADER + TWO, PLAIN),
        ('\ufeff"account","amount","currency"\r\n' + TWO, PLAIN),
        ("Account, AMOUNT ,currency,,\r\nA-1,10.00,USD,,\r\nA-2,11.50,USD\r\n", PLAIN),
        ((HEADER + TWO).replace("\r\n", "\r"), PLAIN),
        ((HEADER + TWO).replace("\r\n", "\n"), PLAIN),
        ("sep=,\r\n" + HEADER + TWO, PLAIN),
        ("\r\n" + HEADER + "\r\n" + TWO + " , , \r\n\x1a", PLAIN),
        (HEADER + 'A-1,10.00\u00a0,USD\r\n"A-2\r\n",11.50,USD', PLAIN),
        ((HEADER + TWO).replace(",", ";"), SEMICOLONS),
        ((HEADER + TWO).replace(",", ";").replace(".", ","), GERMAN),
        ((HEADER + TWO).replace(",", "\t").encode("utf-16"), TABS),
        ((HEADER + TWO).encode("utf-32"), PLAIN),
        (b"\xfe\xff" + (HEADER + TWO).encode("utf-16-be"), PLAIN),
    ],
)
def test_what_can_only_mean_one_thing_is_read(content, layout):
    reading = read(content, layout)
    assert (rows(reading), reading.faults) == (BOTH, [])


@pytest.mark.parametrize(
    ("amount", "layout", "number"),
    [
        ("-33.52", PLAIN, "-33.52"),
        ("\u221233.52", PLAIN, "-33.52"),
        ("+5", PLAIN, "5"),
        ("-0.00", PLAIN, "0.00"),
        ('"(1,233.52)"', ACCOUNTING, "-1233.52"),
        ("33.52-", TRAILING, "-33.52"),
        ("1.250,00", GERMAN, "1250.00"),
    ],
)
def test_a_number_is_read_as_its_layout_writes_it(amount, layout, number):
    line = f"A-1,{amount},EUR".replace(",EUR", ";EUR").replace("A-1,", "A-1;")
    content = HEADER.replace(",", ";") + line if layout is GERMAN else f"{HEADER}A-1,{amount},EUR"
    assert str(read(content, layout).rows[0][1]) == number


@pytest.mark.parametrize(
    ("line", "layout", "fault"),
    [
        ("A-1,(33.52),USD", PLAIN, "Row 2, amount: “(33.52)”. Expected a number such as 1234.50."),
        ('A-1,"1,250.00",USD', PLAIN, "Expected a number such as 1234.50."),
        ('A-1,"12,50.00",USD', ACCOUNTING, "Expected a number such as 1,234.50."),
        ('A-1,"10,00",USD', ACCOUNTING, "Expected a number such as 1,234.50."),
        ("A-1,-5,USD", ACCOUNTING, "Expected a number such as 1,234.50."),
        ("A-1,$10.00,USD", PLAIN, "“$10.00”"),
        ("A-1,10.00 USD,USD", PLAIN, "“10.00 USD”"),
        ("A-1,1e2,USD", PLAIN, "“1e2”"),
        ("A-1,NaN,USD", PLAIN, "“NaN”"),
        ("A-1,.5,USD", PLAIN, "“.5”"),
        ("A-1,10.,USD", PLAIN, "“10.”"),
        ("A-1,\uff11\uff10,USD", PLAIN, "“⟨U+FF11 1⟩⟨U+FF10 0⟩”"),
        ("A-1,10.005,USD", PLAIN, "Expected at most 2 decimals."),
        ("A-1,1000.50,JPY", PLAIN, "Expected at most 0 decimals for JPY."),
        ("A-1,99999999999999999999,USD", PLAIN, "Expected a number below 1,000,000,000,000."),
        ("A-1,10.00,usd", PLAIN, "Row 2, currency: “usd”. Expected a currency code, such as USD."),
        ("A-1\u200b,10.00,USD", PLAIN, "“A-1⟨U+200B⟩”. Expected a text without hidden characters."),
        ("A\u20131,10.00,USD", PLAIN, "Expected a plain hyphen, not a longer dash."),
        ("1.23E+15,10.00,USD", PLAIN, "a spreadsheet program has changed it"),
        ('"=""A-1""",10.00,USD', PLAIN, "a spreadsheet program has changed it"),
        ("'A-1,10.00,USD", PLAIN, "a spreadsheet program has changed it"),
        ("Total,33.50,", PLAIN, "Row 2, currency: empty. Expected a value."),
        ("A-1,1.00,USD,x", PLAIN, "Row 2: “4 cells”. Expected 3, as many as the first line has."),
    ],
)  # fmt: skip
def test_a_cell_that_could_mean_something_else_is_a_fault(line, layout, fault):
    (found,) = read(HEADER + line, layout).faults
    assert fault in str(found)


@pytest.mark.parametrize(
    ("content", "layout", "said"),
    [
        (b"", PLAIN, "There is nothing in it."),
        ("\ufeff", PLAIN, "There is nothing in it."),
        (HEADER, PLAIN, "There is no row in it below the first line."),
        (b"PK\x03\x04\x06\x00", PLAIN, "It is a workbook of a spreadsheet program."),
        (HEADER + "A-1,11\0.50,USD", PLAIN, "a character that is in no text"),
        ((HEADER + TWO).encode("utf-16-le"), PLAIN, "a character that is in no text"),
        ((HEADER + TWO).encode("utf-16")[:-1], PLAIN, "Its letters are not UTF-8"),
        (HEADER + '"A-1,10.00,USD', PLAIN, "Is a quotation mark missing?"),
        ((HEADER + TWO).replace(",", ";"), PLAIN, "separated by semicolons, and those of plain by commas"),
        ("sep=;\n" + HEADER + TWO, PLAIN, "says that semicolons are between the cells; plain has commas"),
        ("account,total\nA-1,5", PLAIN, "the columns “amount”, “currency” are missing"),
        ("account,amount,currency,fee\nA-1,5,USD,1", PLAIN, "what the column “fee” is for"),
        ("account,amount,currency,Amount\nA-1,5,USD,1", PLAIN, "Two columns could be the same"),
        ((HEADER + "Łódź,1,PLN").encode(), Layout("old", COLUMNS, encoding="cp1250"), "are Unicode"),
        (b"account,amount,currency\nAC\x9d,1,USD", Layout("west", COLUMNS, encoding="cp1252"), "not Western"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_of_the_layout_is_refused_with_the_reason(content, layout, said):
    with pytest.raises(ValidationError) as refused:
        read(content, layout)
    assert said in " ".join(refused.value.messages)


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("cp1250", "zwrot dla Łukasza Żółkiewskiego"),
        ("cp1251", "Возврат Иванову"),
        ("cp1252", "crédit €5 “José”"),
        ("mac_roman", "crédit pour José"),
        ("cp932", "返金 田中"),
        ("gbk", "退款 王伟"),
    ],
)
def test_letters_are_those_of_the_layout_and_never_guessed(encoding, note):
    content = f"ref,day,amount,kind,note\nE-1,2026-01-31,5.00,Debit,{note}".encode(encoding)
    (row,) = read(content, statement(encoding)).rows
    assert row == ("E-1", date(2026, 1, 31), -5, note, "USD")
    with pytest.raises(ValidationError, match="Its letters are not UTF-8"):
        read(content, statement("utf-8"))


def test_two_columns_for_in_and_out_and_a_date_with_the_day_first():
    columns = {
        "reference": column("No"),
        "day": column("Date", "Booked"),
        "amount": column("Paid in", minus="Paid out"),
    }
    layout = Layout(
        "bank", columns, always={"currency": "GBP"}, dates="%d/%m/%Y", ignored=("Balance",)
    )
    header = "No,Booked,Paid in,Paid out,Balance\n"
    reading = read(f"{header}1,03/04/2026,5.00,,9\n2,04/04/2026,,2.50,6\n", layout)
    assert [row[1:3] for row in reading.rows] == [(date(2026, 4, 3), 5), (date(2026, 4, 4), -2.5)]
    faulty = read(f"{header}1,2026-04-03,,,9\n2,\u06604/04/2026,1,1,6\n", layout)
    assert sentences(faulty.faults) == [
        "Row 2, Booked: “2026-04-03”. Expected a date such as 31/01/2026.",
        "Row 2, Paid in: empty. Expected one of it and Paid out.",
        "Row 3, Booked: “⟨U+0660 \u0660⟩4/04/2026”. Expected a date such as 31/01/2026.",
        "Row 3, Paid in: “1 1”. Expected one of it and Paid out.",
    ]


def test_every_fault_is_found_in_one_round_and_the_rejected_rows_come_back_as_they_were():
    reading = read(HEADER + "A-1,x,usd\r\nA-2,1.00,USD\r\n=1+1,,\r\nA-2,2.00,USD\r\n")
    assert (rows(reading), len(reading.faults), list(reading.rejected)) == (
        ["A-2 1.00 USD"],
        6,
        [2, 4, 5],
    )
    lines = rejected_file(reading).content.decode("utf-8-sig").splitlines()
    assert lines[0] == '"account","amount","currency","row","fault"'
    assert lines[2].startswith('"\'=1+1","","","4","Row 4, account:')
    assert lines[3].endswith('"5","Row 5, account: “A-2”. Expected another than in row 3."')


def test_equal_rows_without_a_reference_are_kept_apart_and_found_again():
    columns = {"day": column("day"), "amount": column("amount"), "description": column("what")}
    layout = Layout("cash", columns, always={"currency": "USD"})
    coffees = "day,amount,what\n2026-01-31,-4,Coffee\n2026-01-31,-4,Coffee\n2026-02-01,-4,Coffee\n"
    first, again = read(coffees, layout), read(coffees, layout)
    assert len({row[0] for row in first.rows}) == 3
    assert first.rows == again.rows


def test_the_layout_is_the_only_one_whose_columns_the_first_line_has():
    other = Layout("other", {"reference": column("id"), "amount": column("sum")})
    assert layout_of((HEADER + TWO).encode(), [PLAIN, other]) is PLAIN
    with pytest.raises(ValidationError, match="It fits plain and accounting"):
        layout_of((HEADER + TWO).encode(), [PLAIN, ACCOUNTING])
    with pytest.raises(ValidationError, match="It fits no layout"):
        layout_of(b"a,b\n1,2", [PLAIN, other])
