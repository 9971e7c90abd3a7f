from typing import Annotated

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from tasks.parameters import (
    DoesNotFit,
    ObjectGone,
    Param,
    display,
    form_for,
    freeze,
    read,
    rule_values,
    search,
    thaw,
)
from tests.tasks.parameters.asking import form, page, taking

pytestmark = pytest.mark.django_db


def visible(person):
    return (
        Group.objects.exclude(name__startswith="Secret") if person is None else Group.objects.none()
    )


OWN = Annotated[Group, Param(limit=visible, search=("name",))]


@pytest.fixture
def lake():
    return Group.objects.create(name="Lake")


@pytest.fixture
def merger():
    return Group.objects.create(name="Secret lake merger")


def found(term, page=1, hint=OWN, person=None):
    answer = search(read(taking(value=hint))[0], person, term, page)
    return [result["text"] for result in answer["results"]], answer["pagination"]["more"]


def test_an_object_is_chosen_by_its_key(lake):
    filled = form(taking(value=OWN), page(value=str(lake.pk)))
    assert filled.is_valid(), filled.errors
    assert filled.cleaned_data == {"value": lake}


def test_an_object_itself_passes_the_same_rule(lake, merger):
    assert form(taking(value=OWN), {"value": lake}).is_valid()
    assert not form(taking(value=OWN), {"value": merger}).is_valid()


@pytest.mark.parametrize("trick", ["0", "-1", "x", "\0", "9" * 30, ["1"], {"pk": 1}, True, 1.0])
def test_what_is_no_key_is_refused(lake, trick):
    errors = form(taking(value=OWN), {"value": trick}).errors
    assert errors["value"] == ["Choose one of the groups you can see."]


def test_an_object_outside_the_limit_is_refused_and_not_named(lake, merger):
    filled = form(taking(value=OWN), page(value=str(merger.pk)))
    assert filled.errors["value"] == ["Choose one of the groups you can see."]
    assert "merger" not in str(filled)


def test_the_limit_is_that_of_the_person(lake):
    filled = form_for(read(taking(value=OWN)), person="mallory", data=page(value=str(lake.pk)))
    assert not filled.is_valid()


def test_only_the_chosen_object_is_loaded(lake, django_assert_num_queries):
    Group.objects.bulk_create(Group(name=f"Other {number}") for number in range(5))
    asked = form(taking(value=OWN), initial={"value": lake})
    with django_assert_num_queries(1):
        html = str(asked)
    assert f'<option value="{lake.pk}" selected>Lake</option>' in html
    assert "Other" not in html


def test_an_empty_picker_asks_the_database_nothing(django_assert_num_queries):
    asked = form(taking(value=OWN), picker_url=lambda name: f"/pick/{name}/")
    with django_assert_num_queries(0):
        assert 'data-ajax--url="/pick/value/"' in str(asked)


def test_what_was_chosen_stays_chosen_after_a_mistake(lake):
    html = str(form(taking(number=int, value=OWN), page(number="x", value=str(lake.pk))))
    assert "selected>Lake</option>" in html


def test_json_and_back_gives_the_object(lake):
    parameters = read(taking(value=OWN))
    frozen = freeze(parameters, {"value": lake})
    assert frozen == {"value": {"label": "Lake", "model": "auth.group", "pk": str(lake.pk)}}
    assert thaw(parameters, frozen) == {"value": lake}
    assert freeze(parameters, thaw(parameters, frozen)) == frozen
    assert display(parameters, frozen) == [("Value", "Lake")]
    assert rule_values(parameters, frozen) == {"value": str(lake.pk)}


def test_an_object_that_is_gone_is_explained(lake):
    parameters = read(taking(value=OWN))
    frozen = freeze(parameters, {"value": lake})
    lake.delete()
    with pytest.raises(ObjectGone, match="The group “Lake” no longer exists"):
        thaw(parameters, frozen)


def test_an_object_of_another_model_does_not_fit(lake):
    frozen = {"value": {"label": "x", "model": "auth.permission", "pk": str(lake.pk)}}
    with pytest.raises(DoesNotFit, match=r"auth\.permission was chosen, and auth\.group"):
        thaw(read(taking(value=OWN)), frozen)


def test_search_finds_every_word_and_nothing_outside_the_limit(lake, merger):
    Group.objects.create(name="Lake Harbour")
    assert found("la") == (["Lake", "Lake Harbour"], False)
    assert found("harbour lake") == (["Lake Harbour"], False)
    assert found("merger") == ([], False)
    assert found("la", person="mallory") == ([], False)


def test_search_gives_twenty_at_a_time():
    Group.objects.bulk_create(Group(name=f"Team {number:02}") for number in range(41))
    first, more = found("team")
    assert (len(first), more) == (20, True)
    assert found("team", 3) == (["Team 40"], False)
    assert found("team", 4) == ([], False)
    assert found("team", -5) == (first, True)


@pytest.mark.parametrize("term", ["", "\0", "%", "'; drop", "x" * 10_000])
def test_search_survives_any_term(lake, term):
    assert found(term)[1] is False


def test_search_across_a_relation_finds_each_object_once(bob, carol):
    hint = Annotated[Group, Param(search=("user__email",))]
    assert found("example", hint=hint) == (["Approvers"], False)


def test_people_are_found_by_name_and_only_while_active(alice, dave):
    dave.is_active = False
    dave.save()
    person = get_user_model()
    assert found("example", hint=person) == (["Alice Example · alice"], False)
    assert not form(taking(value=person), page(value=str(dave.pk))).is_valid()


def test_only_objects_can_be_searched_for():
    with pytest.raises(TypeError, match="no object"):
        search(read(taking(value=str))[0], None, "x")
