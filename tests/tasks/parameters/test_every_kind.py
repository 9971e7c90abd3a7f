"""S10: a form is made from type hints. Each kind goes from the page to JSON and back."""

import json

import pytest
from django.db import models

from tasks.parameters import canonical, display, freeze, read, register_kind, thaw
from tasks.parameters.kinds import base
from tasks.parameters.kinds.choices import YesNoKind
from tests.tasks.parameters.asking import EXAMPLES, form, page, taking

KINDS = pytest.mark.parametrize(("hint", "sent", "value"), EXAMPLES.values(), ids=EXAMPLES)


class Keeper:
    """Keeps secrets and files in memory."""

    def __init__(self):
        self.secrets, self.files = {}, {}

    def store_secret(self, text):
        return self.secrets.setdefault(text, f"secret-{len(self.secrets)}")

    def read_secret(self, reference):
        return next(text for text, kept in self.secrets.items() if kept == reference)

    def store_file(self, file):
        self.files[file.sha256] = file.content

    def freeze(self, parameters, values):
        return freeze(
            parameters, values, store_secret=self.store_secret, store_file=self.store_file
        )

    def thaw(self, parameters, frozen):
        return thaw(parameters, frozen, files=self.files.__getitem__, secrets=self.read_secret)


def sent_from_a_page(hint, sent):
    filled = form(taking(value=hint), page(**sent), files=sent)
    assert filled.is_valid(), filled.errors.get_json_data()
    return filled.cleaned_data


@KINDS
def test_what_a_page_sends_becomes_a_typed_value(hint, sent, value):
    typed = sent_from_a_page(hint, sent)["value"]
    assert typed == value
    assert isinstance(typed, type(value))


@KINDS
def test_json_and_back_gives_the_same_value_and_the_same_bytes(hint, sent, value):
    parameters, keeper = read(taking(value=hint)), Keeper()
    frozen = keeper.freeze(parameters, sent_from_a_page(hint, sent))
    stored = json.loads(canonical(frozen))
    thawed = keeper.thaw(parameters, stored)
    assert thawed == {"value": value}
    assert canonical(keeper.freeze(parameters, thawed)) == canonical(frozen)


@KINDS
def test_a_typed_value_from_another_door_passes_the_same_rules(hint, sent, value):
    filled = form(taking(value=hint), {"value": value})
    assert filled.is_valid(), filled.errors.get_json_data()
    assert filled.cleaned_data == {"value": value}


@KINDS
def test_nothing_sent_is_asked_for(hint, sent, value):
    filled = form(taking(value=hint), {})
    assert list(filled.errors) == ["value"]


@KINDS
def test_nothing_sent_is_none_where_none_is_allowed(hint, sent, value):
    filled = form(taking(value=hint | None), {})
    assert filled.is_valid(), filled.errors.get_json_data()
    assert filled.cleaned_data == {"value": None}
    assert display(read(taking(value=hint | None)), {"value": None}) == [("Value", "")]


@KINDS
@pytest.mark.parametrize(
    "trick",
    [{"a": 1}, {"__class__": "x"}, [{"a": 1}], [["x"]], 1.5, object(), b"bytes"],
    ids=lambda trick: type(trick).__name__ if type(trick) is object else repr(trick),
)
def test_a_value_of_another_shape_is_refused(hint, sent, value, trick):
    if hint is dict and type(trick) is dict:
        pytest.skip("an object is what it takes")
    filled = form(taking(value=hint), {"value": trick})
    assert list(filled.errors) == ["value"]


def test_there_is_an_example_of_each_kind():
    covered = {type(read(taking(value=hint))[0].kind) for hint, _, _ in EXAMPLES.values()}
    factories = {*base._EXACT.values(), *base._FAMILIES.values()}
    known = {factory for factory in factories if isinstance(factory, type)}
    elsewhere = {"ObjectKind", "RowsKind"}  # test_objects.py, test_rows.py
    assert {kind.__name__ for kind in known - covered} == elsewhere


def test_an_adopter_adds_a_kind(monkeypatch):
    class Colour(str):
        pass

    class ColourKind(YesNoKind):
        what = "a colour"

    monkeypatch.setattr(base, "_EXACT", dict(base._EXACT))
    register_kind(Colour, ColourKind)
    assert isinstance(read(taking(value=Colour))[0].kind, ColourKind)


def test_a_kind_of_a_family_serves_its_subclasses():
    assert base._FAMILIES[models.Model].__name__ == "ObjectKind"
