"""Without these a green checker would mean nothing: each invariant is broken, and is named."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.checker.__main__ import main
from tests.checker.breaks import GUARDS, ROWS
from tests.checker.conftest import unguarded
from tests.checker.guarded import GUARDED
from tests.checker.invariants import INVARIANTS

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def test_a_healthy_house_gives_no_finding(hand):
    assert hand.finds() == {}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_broken_in_the_rows_is_named_and_nothing_else(hand, name):
    found = []
    for statements in ROWS[name]:
        hand.breaks(*statements)
        found.append(list(hand.finds()))
        hand.undo()
    assert found == [[name]] * len(ROWS[name])


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_that_is_gone_is_named_and_nothing_else(hand, name):
    found = []
    for statements in GUARDS[name]:
        for statement in statements:
            hand.tells(statement)
        found.append(list(hand.finds()))
        hand.undo()
    assert found == [[name]] * len(GUARDS[name])


def movement(**changes: object) -> dict[str, object]:
    return {"id": "re_2", "amount": 5000, "currency": "usd", "idempotency_key": ""} | changes


def test_money_without_a_step_is_named(hand, house):
    for key in ("", None, "bo-of-somebody-else"):
        found = hand.finds([*house.ledger, movement(idempotency_key=key)])
        assert list(found) == ["each_movement_belongs_to_a_step"]


def test_money_that_moved_twice_is_named(hand, house):
    (first,) = house.ledger
    assert list(hand.finds([first, {**first, "id": "re_2"}])) == ["no_key_moves_money_twice"]


@pytest.mark.parametrize("change", [{"amount": 15001}, {"currency": "eur"}])
def test_another_amount_than_was_asked_is_named(hand, house, change):
    twin = movement(idempotency_key=house.key("it happened"), **change)
    assert list(hand.finds([*house.ledger, twin])) == ["what_moved_is_what_was_asked"]


def test_an_answer_that_the_provider_does_not_know_is_named(hand, house):
    assert list(hand.finds([])) == ["each_answer_is_true"]


def test_an_answer_with_another_amount_is_named(hand):
    hand.tells(
        'UPDATE tasks_effect SET answer = answer || \'{"amount": "15.00"}\' WHERE run_id = %(paid)s'
    )
    assert list(hand.finds()) == ["each_answer_is_true"]


def test_money_that_moved_although_a_person_said_it_did_not_is_named(hand, house):
    late = movement(idempotency_key=house.key("it did not"))
    assert list(hand.finds([*house.ledger, late])) == ["nobody_denies_what_moved"]


def test_money_that_moved_although_it_is_noted_as_refused_is_named(hand):
    hand.tells("UPDATE tasks_effect SET refused = true WHERE run_id = %(paid)s")
    assert list(hand.finds()) == ["nobody_denies_what_moved"]


def test_money_that_moved_under_the_old_key_and_the_new_one_is_named(hand, house):
    hand.breaks(
        """INSERT INTO tasks_effect (run_id, step, generation, key, sent_at, answered_at, refused)
        SELECT run_id, step, 0, 'an earlier key', now(), NULL, false FROM tasks_effect
        WHERE run_id = %(paid)s"""
    )
    (first,) = house.ledger
    earlier = {**first, "id": "re_2", "idempotency_key": "an earlier key"}
    assert list(hand.finds([first, earlier])) == ["no_step_moves_money_twice"]


def test_money_that_moved_for_a_step_that_was_not_begun_is_named(hand, house):
    hand.breaks(
        """UPDATE tasks_effect SET sent_at = NULL, answered_at = NULL, answer = NULL
        WHERE run_id = %(it_happened)s"""
    )
    early = movement(idempotency_key=house.key("it happened"))
    assert list(hand.finds([*house.ledger, early])) == ["nothing_moves_before_it_is_sent"]


def test_a_step_that_was_not_begun_is_no_doubt(hand):
    hand.breaks(
        """INSERT INTO tasks_effect (run_id, step, key, sent_at, refused)
        VALUES (%(small)s, 'the second half', 'not sent', NULL, false)"""
    )
    assert hand.finds() == {}


def test_each_invariant_is_broken_by_a_test():
    of_the_ledger = {name for name, each in INVARIANTS.items() if each.needs_ledger}
    assert len(of_the_ledger) == 7
    assert set(INVARIANTS) == ROWS.keys() | GUARDS.keys() | of_the_ledger
    source = Path(__file__).read_text(encoding="utf-8")
    for name in of_the_ledger:
        assert f'["{name}"]' in source


def test_no_guard_of_the_product_is_missing_from_those_that_are_looked_for(house):
    """A trigger that a later migration brings has to be told to the checker, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tgrelid::regclass::text, tgname FROM pg_trigger
            WHERE NOT tgisinternal AND tgrelid::regclass::text ~ '^(tasks|approvals)_'
                AND tgrelid::regclass::text !~ '_historical'"""
        )
        there = set(cursor.fetchall())
    assert {pair for pair in there if "({!r}, {!r}, ".format(*pair) not in GUARDED} == set()


def test_each_invariant_says_what_holds():
    assert [name for name, each in INVARIANTS.items() if not each.sentence.endswith(".")] == []
    assert len(INVARIANTS) > 20


# --- As a command --------------------------------------------------------------------------------


def test_the_command_finds_nothing_in_a_healthy_house(house, address, capsys):
    assert main(["--database", address, "--stripe", house.double.url]) == 0
    assert capsys.readouterr().out == "Nothing found: the promises hold.\n"


def test_the_command_says_what_it_did_not_compare(house, address, capsys):
    assert main(["--database", address]) == 0
    assert "Without --stripe" in capsys.readouterr().out


def test_the_command_names_what_is_broken_with_its_id(house, address):
    with psycopg.connect(address) as connection, unguarded(connection):
        connection.execute(
            "UPDATE tasks_run SET reason = 'Another' WHERE id = %s", [house.runs["paid"]]
        )
    done = subprocess.run(
        [sys.executable, "-m", "tests.checker", "--database", address],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "the_seal_fits_what_is_stored (promise 4): The seal of each run" in done.stdout
    assert f"  - Run {house.runs['paid']} is not what was sealed" in done.stdout
    assert done.stdout.endswith("Findings: 1.\n")


def test_the_grace_decides_what_is_late(house, address, capsys):
    assert main(["--database", address, "--grace", "0"]) == 1
    assert str(house.runs["queued"]) in capsys.readouterr().out


def test_a_role_that_does_not_exist_is_not_taken_for_a_harmless_one(house, address, capsys):
    assert main(["--database", address, "--app-role", "nobody_of_us"]) == 1
    assert "nobody_of_us is no role" in capsys.readouterr().out


def test_the_command_says_when_it_cannot_look(house, address, capsys):
    assert main(["--database", address, "--stripe", "http://127.0.0.1:1"]) == 2
    assert "Nothing can be said" in capsys.readouterr().err


def test_the_checker_imports_nothing_of_the_product(address):
    code = (
        "import sys, tests.checker.__main__\n"
        "ours = ('django', 'approvals', 'audit', 'backoffice', 'fixtures', 'tasks')\n"
        "sys.exit(', '.join(set(ours) & {name.split('.')[0] for name in sys.modules}) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
