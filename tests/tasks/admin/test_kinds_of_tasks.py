"""What a task of another kind runs is on its page, on its requests, and in what is approved."""

import pytest
from django.urls import reverse

from tasks.declaration.kinds import Shown, TaskKind
from tasks.models import Run
from tests.tasks.admin.reading import form_of, signed_in, words

QUERY = "SELECT <b> FROM accounts"


@pytest.fixture
def kind(task, deploy):
    kind = TaskKind(
        "SQL",
        run=lambda values, run: f"{run.requested_by}: {values['amount']}",
        content={"query": QUERY.encode()},
        shown=(Shown("Query", QUERY),),
    )
    deploy(kind=kind, preview=None)
    return kind


def test_its_page_shows_what_it_runs(kind, task, alice):
    assert f"Query {QUERY}" in words(signed_in(alice).get(form_of(task)))


def test_reviewers_read_what_runs_as_it_was_requested(kind, ask, bob, deploy):
    run = ask()
    deploy(kind=TaskKind("SQL", run=kind.run, shown=(Shown("Query", "DROP TABLE accounts"),)))
    request = reverse("admin:approvals_approvalrequest_change", args=[run.approval_id])
    page = words(signed_in(bob).get(request))
    assert f"Query {QUERY}" in page
    assert "DROP" not in page


def test_what_its_kind_returns_is_the_result(kind, ask, work, credit):
    run = work(ask("50.00"))
    assert (run.status, run.output["text"]) == (Run.Status.SUCCEEDED, "Alice Example: 50.00 USD")
    assert credit.calls == []
