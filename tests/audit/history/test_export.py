import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.history.export import (
    BATCH,
    BOM,
    PIECE,
    cell,
    csv_pieces,
    csv_response,
    header,
    history_rows,
)
from audit.history.versions import history_model_of
from audit.models import Event
from backoffice.models import Membership, User

HISTORY = history_model_of(User)

FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"
COMPUTED = [
    "=HYPERLINK(0)",
    "+1+1",
    "-5+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    '"\n=1',
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    *(f"{sign}1" for sign in FULL_WIDTH),
    "Ada; =1+1;",
    "Ada\n=1+1",
    "Ada\t@SUM(1)",
    "\ttext",
    "\x00text",
]
HARMLESS = [
    "Ada",
    "",
    "a=b",
    "1-2",
    "ada@example.com",
    'say "hi"',
    "two\nlines",
    "a,b;c",
    "'",
    "Zoë 🙂",
    "-12.50",
    "-7",
]


def test_a_spreadsheet_computes_no_name_of_a_column_either():
    """The columns of a table may come from data."""
    names = [*COMPUTED, *HARMLESS]
    (header,) = csv.reader(
        io.StringIO("".join(csv_pieces(names, [], spreadsheet=True))), strict=True
    )
    assert not any(
        starts_a_formula(name) for name in header if name.removeprefix(BOM) not in HARMLESS
    )


def text_of(rows, *, spreadsheet):
    return "".join(csv_pieces(["column"], rows, spreadsheet=spreadsheet))


def parsed(text):
    return [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]


def starts_a_formula(cell):
    """Whether a spreadsheet computes the cell, or a part of it where it also cuts at semicolons."""
    parts = re.split(r"[;\t\r\n]", cell)
    starts = [part.strip(" \u00a0\u200b\ufeff\x00")[:1] for part in parts]
    return any(start and start in "=+-@" + FULL_WIDTH for start in starts)


@pytest.mark.parametrize("value", COMPUTED)
def test_a_spreadsheet_computes_nothing(value):
    (found,) = parsed(text_of([[value]], spreadsheet=True))
    assert not starts_a_formula(found)
    assert found[0] not in "\t\r\n\x00"
    assert found.replace("'", "") == value.replace("'", "")


@pytest.mark.parametrize("value", HARMLESS)
def test_text_that_is_no_formula_stays_as_it_is(value):
    assert parsed(text_of([[value]], spreadsheet=True)) == [value]


@pytest.mark.parametrize("value", [*COMPUTED, *HARMLESS])
def test_a_program_reads_exactly_what_was_there(value):
    assert parsed(text_of([[value]], spreadsheet=False)) == [value]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5, "-5"),
        (Decimal("-5.00"), "-5.00"),
        (Decimal("1E+3"), "1000"),
        (-0.5, "-0.5"),
        (None, ""),
        (datetime(2026, 11, 23, 15, 9, 8, 7, tzinfo=UTC), "2026-11-23T15:09:08.000007Z"),
    ],
)
def test_numbers_and_times_are_not_text(value, text):
    assert parsed(text_of([[value]], spreadsheet=True)) == [text]


def test_a_long_run_of_blanks_costs_no_time():
    # Looking ahead to the end from each of its characters would take a minute.
    assert len(cell("\n" * 200_000, spreadsheet=True)) > 200_000


def test_each_field_is_in_quotes_and_each_line_ends_as_rfc_4180_says():
    assert text_of([["a"], [1]], spreadsheet=False) == '"column"\r\n"a"\r\n"1"\r\n'


def test_only_a_spreadsheet_gets_a_byte_order_mark():
    assert text_of([], spreadsheet=True).startswith(f'{BOM}"column"')
    assert not text_of([], spreadsheet=False).startswith(BOM)


def test_a_long_export_comes_in_pieces():
    rows = [["x" * 1000]] * 200
    pieces = list(csv_pieces(["column"], rows, spreadsheet=True))
    assert [PIECE <= len(piece) < PIECE + 1010 for piece in pieces[:-1]] == [True] * 3
    assert len(parsed("".join(pieces))) == 200


def test_rows_are_read_only_as_far_as_the_file_is_written():
    read = []

    def rows():
        for number in range(1000):
            read.append(number)
            yield ["x" * 1000]

    next(csv_pieces(["column"], rows(), spreadsheet=True))
    assert len(read) < 100


def test_the_response_is_a_download_that_no_browser_interprets():
    response = csv_response("history.csv", ["a"], [["ä"]])
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="history.csv"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.getvalue().decode("utf-8-sig") == '"a"\r\n"ä"\r\n'


def exported(history_model=HISTORY, **filters):
    names = ["object" if name == "subject" else name for name in _names()]
    return [dict(zip(names, row, strict=True)) for row in history_rows(history_model, **filters)]


def _names():
    return [name.split(" ")[0] for name in header()]


@pytest.mark.django_db
def test_one_line_for_each_changed_field(alice, rename):
    row = rename("Alicia", reason="as she signs", door="slack")
    row.refresh_from_db()
    last = exported()[-1]
    assert last == {
        "when_utc": row.history_date.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "when_local": timezone.localtime(row.history_date).strftime("%Y-%m-%d %H:%M:%S"),
        "who": "Bob Example (bob)",
        "through": "Slack",
        "action": "changed",
        "object": "Alicia Example",
        "field": "First name",
        "old": "Alice",
        "new": "Alicia",
        "why": "as she signs",
        "request_id": "",
        "recorded_utc": row.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


@pytest.mark.django_db
def test_the_header_says_the_zone_of_local_times(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    with timezone.override("America/New_York"):  # whoever downloads it: a file has many readers
        assert "when_local (Europe/Berlin)" in header()


@pytest.mark.django_db
def test_a_version_without_a_difference_has_a_line_too(alice):
    alice.save()
    last = exported()[-1]
    assert (last["action"], last["field"], last["object"]) == ("changed", "", "Alice Example")


@pytest.mark.django_db
def test_the_first_change_of_a_range_is_compared_with_the_one_before_the_range(alice, rename):
    rename("one")
    row = rename("two")
    found = exported(since=row.history_date)
    assert [(line["old"], line["new"]) for line in found] == [("one", "two")]


@pytest.mark.django_db
def test_a_range_leaves_out_its_end(alice, rename):
    row = rename("one")
    assert "one" not in {line["new"] for line in exported(until=row.history_date)}
    later = row.history_date + timedelta(microseconds=1)
    assert "one" in {line["new"] for line in exported(until=later)}


@pytest.mark.django_db
def test_the_rows_come_through_a_cursor_of_the_server(alice):
    row = alice.history.get()
    versions = [HISTORY(**{**_values(row), "first_name": str(n)}) for n in range(2 * BATCH)]
    HISTORY._base_manager.bulk_create(versions)
    rows = history_rows(HISTORY)
    next(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_cursors")
        names = [name for (name,) in cursor.fetchall()]
    assert [name for name in names if name.startswith("_django_curs_")]
    assert sum(line[6] == "First name" for line in rows) == 2 * BATCH + 1


def _values(row):
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.fields
        if not field.primary_key
    }


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_too(alice, rename):
    rename("Alicia")
    assert exported()[-1]["new"] == "Alicia"


@pytest.mark.django_db
def test_an_export_costs_the_same_queries_for_thirty_rows_as_for_three(django_assert_num_queries):
    group = Group.objects.create(name="Front desk")
    for size in (3, 30):
        Membership.history.all()
        for number in range(size):
            user = User.objects.create_user(f"p{size}-{number}", f"p{size}-{number}@example.com")
            Membership.objects.create(user=user, group=group)
        with django_assert_num_queries(3):
            list(history_rows(history_model_of(Membership)))


@pytest.mark.django_db
def test_a_command_writes_the_same_to_its_output(alice, rename):
    rename("=1+1")
    out = io.StringIO()
    call_command("export_history", "backoffice.user", reader="machine", stdout=out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert rows[-1]["new"] == "=1+1"


@pytest.mark.django_db
def test_a_command_defuses_formulas_unless_told_otherwise(alice, rename):
    rename("=1+1")
    out = io.StringIO()
    call_command("export_history", "backoffice.user", stdout=out)
    assert out.getvalue().startswith(BOM)
    assert '"\'=1+1"' in out.getvalue()


@pytest.mark.django_db
def test_an_export_by_command_is_an_event(alice):
    call_command("export_history", "backoffice.user", "--since=2026-01-01", stdout=io.StringIO())
    event = Event.objects.get()
    assert (event.verb, event.door, event.actor_label) == ("exported", "command", "System")
    assert event.data == {
        "export": "change history of people",
        "format": "spreadsheet",
        "since": "2026-01-01 00:00:00+00:00",
    }


@pytest.mark.django_db
def test_a_command_takes_a_range(alice, rename):
    rename("Alicia")
    out = io.StringIO()
    call_command("export_history", "backoffice.user", "--until=2001-01-01", stdout=out)
    assert len(list(csv.reader(io.StringIO(out.getvalue())))) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backoffice.nothing"], "has no change history. These have one: .*backoffice.user"),
        (["backoffice.user", "--since=yesterday"], "is not a date"),
    ],
)
def test_a_command_explains_what_is_wrong(arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("export_history", *arguments)
