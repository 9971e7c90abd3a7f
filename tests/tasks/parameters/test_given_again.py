"""A file or a secret that a page cannot hold is asked for again, and never left out in silence."""

from typing import Annotated

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks.admin.requests.prefilled import given_with
from tasks.models import Run
from tasks.parameters import File, Param, Secret, form_for, read
from tests.tasks.parameters.asking import page

CANARY = "canary-4711"


def send(
    count: Annotated[int, Param(max=10)],
    note: Annotated[File | None, Param(accept=(".txt",))] = None,
    token: Secret | None = None,
    proof: Annotated[File | None, Param(accept=(".txt",), only_if={"count": 3})] = None,
) -> str:
    """Send."""
    return ""


def sent(**values):
    files = {n: SimpleUploadedFile("a<b.txt", b"x") for n in values.pop("files", ())}
    return form_for(read(send), person=None, data=page(**values), files=files)


def after_a_mistake():
    """What a page sends whose first version had a mistake, as far as it was kept."""
    first = sent(count="99", token=CANARY, files=["note"])
    shown = str(first)
    assert list(first.errors) == ["count"]
    assert "Choose “a&lt;b.txt” again: a page cannot keep a file." in shown
    assert "Enter this secret again" in shown
    assert CANARY not in shown
    assert 'name="proof-given"' not in shown
    return {"note-given": "a<b.txt", "token-given": "secret"}


def test_it_does_not_go_ahead_without_them():
    second = sent(count="9", **after_a_mistake())
    assert second.errors == {
        "note": ["Choose “a<b.txt” again: a page cannot keep a file."],
        "token": ["Enter this secret again: a page does not get it back."],
    }
    assert 'name="note-without"' in str(second)
    assert 'name="token-given" value="secret"' in str(second)


def test_it_does_when_they_are_there_again():
    third = sent(count="9", token="new", files=["note"], **after_a_mistake())
    assert third.is_valid(), third.errors
    assert third.cleaned_data["token"].reveal() == "new"
    assert third.cleaned_data["note"].content == b"x"


def test_it_does_when_somebody_says_that_it_goes_without_them():
    without = {"note-without": "on", "token-without": "on"}
    fourth = sent(count="9", **without, **after_a_mistake())
    assert fourth.is_valid(), fourth.errors
    assert fourth.cleaned_data["note"] is fourth.cleaned_data["token"] is None


def test_a_question_that_does_not_arise_any_more_asks_for_nothing():
    assert sent(count="9", **{"proof-given": "a.txt"}).is_valid()
    assert not sent(count="3", **{"proof-given": "a.txt"}).is_valid()


@pytest.mark.parametrize(("name", "was"), [("note", "a.txt"), ("token", "secret")])
def test_an_earlier_run_is_not_repeated_without_them(name, was):
    first = str(form_for(read(send), person=None, initial={"count": 3}, given={name: was}))
    assert f'name="{name}-given" value="{was}"' in first


def test_other_doors_send_what_they_mean():
    form = form_for(read(send), person=None, data={"count": 3, "note-given": "a.txt"})
    assert form.is_valid(), form.errors


def test_an_earlier_run_is_known_to_have_had_them():
    file = {"content_type": "", "name": "a.txt", "sha256": "5" * 64, "size": 1}
    values = {"count": 3, "note": file, "token": {"secret": "ref"}, "proof": None}
    assert given_with(Run(values=values)) == {"note": "a.txt", "token": "secret"}
    assert given_with(None) == {}
