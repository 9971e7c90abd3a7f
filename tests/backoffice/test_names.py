"""Nobody passes for somebody else by their name; and nobody's account is changed behind their back."""

# ruff: noqa: RUF001 - letters that look like others are what this is about
import io
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse

from approvals import channels
from approvals.actions import pump
from approvals.channels.email import Email
from approvals.models import Notification
from approvals.models.deliveries import Delivery
from audit.context import Door
from backoffice import actions
from backoffice.management.commands import changepassword
from backoffice.models import User
from backoffice.names import look_alike, problem_of, tidy
from tests.people import person
from tests.races import at_once

PASSWORD = "a-long-one-4711"


@pytest.fixture
def erin(db):
    return person("Erin", is_superuser=True)


@pytest.fixture
def mona(db):
    mona = person("Mona")
    User.objects.filter(pk=mona.pk).update(last_name="Castillo")
    return User.objects.get(pk=mona.pk)


@pytest.fixture
def add(erin):
    def add_person(username="frieda", first_name="Frieda", last_name="Novak"):
        return actions.add_person(
            username=username,
            first_name=first_name,
            last_name=last_name,
            email=f"{uuid4().hex}@example.com",
            password=PASSWORD,
            by=erin,
            door=Door.ADMIN,
            reason="New",
        )

    return add_person


@pytest.fixture
def change(erin):
    def change_person(who, by=erin, **fields):
        names = {"first_name": who.first_name, "last_name": who.last_name, "email": who.email}
        said = {"by": by, "door": Door.ADMIN, "reason": "As she\nsigns"}
        return actions.change_person(who.pk, **(names | said | fields))

    return change_person


# --- The rule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Mona\u200b", "\u202eanoM", "Mo\u00adna", "M\u2066ona", "Mona\u3164",
        "Mona\u2800", "Mona\u034f", "Mona\ufe0f", "Mona\U000e0041", "Mona\ue000", "Ｍｏｎａ",
        "Mona\x00", "\u200dMona", "Mo\u200dna", "Mo\u200cna", "M\u043ena", "M\u03bfna",
    ],
)  # fmt: skip
def test_what_hides_something_or_mixes_alphabets_is_no_name(name):
    assert problem_of(tidy(name))


def test_a_name_is_one_line_with_plain_spaces():
    assert tidy(" Mona\n\u2028\u00a0Castillo\u3000") == "Mona Castillo"


@pytest.mark.parametrize(
    "name",
    [
        "Siobhán O’Brien", "Jürgen Groß-Weiß", "Nguyễn Thị Hồng", "Мона Кастильо", "Γιώργος",
        "می‌خواهم", "क्‍ष", "山田太郎 Taro", "김철수", "Team 👩🏽‍💻", "We ❤️‍🔥 ops", "Иванов-Smith", "3M",
    ],
)  # fmt: skip
def test_ordinary_names_of_all_alphabets_are(name):
    assert problem_of(tidy(name)) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mona Castillo", "MONA  castillo"), ("Mona Castillo", "Mona\u00a0Castillo"),
        ("Coca", "Сoca"), ("Coca", "Соса"), ("alice", "aIice"), ("alice", "a1ice"),
        ("Mona", "Ｍｏｎａ"), ("Max Brandt", "Мах Brandt"), ("O'Brien", "O’Brien"),
        ("Marnie", "Mamie"), ("Otto", "0tto"), ("Pio", "Ρio"),
    ],
)  # fmt: skip
def test_what_people_take_for_another(one, other):
    assert look_alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("Mona", "Mina"), ("Lan", "Ian"), ("Ella", "Eila"), ("Zoe", "Zoé")]
)
def test_what_they_can_tell_apart(one, other):
    assert not look_alike(one, other)


# --- People and groups ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("username", {"username": "mоna"}),  # a Cyrillic o
        ("username", {"username": "М0NA"}),
        ("first_name", {"first_name": "Mona", "last_name": "Castillo"}),
        ("first_name", {"first_name": "Мona", "last_name": "Kent"}),
        ("first_name", {"first_name": "mona", "last_name": "Castillo"}),
        ("first_name", {"first_name": "Mona", "last_name": "CastiIlo"}),
        ("first_name", {"first_name": "Support", "last_name": "Managers"}),
        ("last_name", {"last_name": "Castillo\u200b"}),
    ],
)
def test_nobody_is_added_who_imitates_a_person_or_a_group(add, mona, field, names):
    Group.objects.get_or_create(name="Support Managers")
    with pytest.raises(ValidationError) as refused:
        add(**names)
    assert field in refused.value.message_dict
    assert User.objects.count() == 2


@pytest.mark.parametrize("name", ["Support Managers\u200b", "SUPPORT  MANAGERS", "Mona Castillo"])
def test_no_group_is_made_that_imitates_one_or_a_person(erin, mona, name):
    Group.objects.get_or_create(name="Support Managers")
    there = Group.objects.count()
    with pytest.raises(ValidationError):
        actions.add_group(name=name, by=erin, door=Door.ADMIN)
    assert Group.objects.count() == there


def test_nobody_is_renamed_to_somebody_else(change, erin, mona):
    with pytest.raises(ValidationError, match="the name of another person, Mona Castillo"):
        change(erin, first_name="Mona", last_name="Castillo")


def test_who_has_such_a_name_already_keeps_it(change, mona):
    """From before there was this rule: an email address can be changed all the same."""
    other = person("Mona2")
    User.objects.filter(pk=other.pk).update(first_name="Mona", last_name="Castillo")
    other.refresh_from_db()
    assert change(other, email="new@example.com").email == "new@example.com"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_look_alike_at_the_same_instant_one_is_added(add, erin):
    results = at_once(
        lambda: add(username="zoe", first_name="Zoe", last_name="K"),
        lambda: add(username="zoe2", first_name="Zoe", last_name="K"),
    )
    assert sorted(type(each).__name__ for each in results) == ["User", "ValidationError"]


@pytest.fixture
def emails():
    with channels.temporarily(Email()):
        yield


# --- Telling ----------------------------------------------------------------------------------------


def test_a_changed_name_or_address_takes_a_reason(change, mona):
    with pytest.raises(actions.ReasonMissing):
        change(mona, email="mine@example.com", reason=" ")


def test_who_is_renamed_or_whose_mail_is_redirected_hears_of_it(change, mona, erin, emails):
    change(mona, first_name="Ramona", email="mine@example.com")
    said = (
        "Erin Example (erin) changed your account. Name: Mona Castillo → Ramona Castillo. Email: "
        "mona@example.com → mine@example.com. Reason: “As she signs”"
    )
    assert Notification.objects.get(person=mona).text == said
    sent = Delivery.objects.filter(event="account_changed", text=said)
    assert set(sent.values_list("address", "person")) == {
        ("mona@example.com", None),
        ("mine@example.com", mona.pk),
    }
    row = mona.history.first()
    assert (row.history_user, row.history_change_reason) == (erin, "As she\nsigns")


def test_the_former_address_is_written_to(change, mona, emails):
    change(mona, email="mine@example.com")
    pump()
    assert {message.to[0] for message in mail.outbox} == {"mona@example.com", "mine@example.com"}


def test_what_stays_as_it_is_tells_nobody(change, mona):
    change(mona)
    assert not Notification.objects.exists()


# --- A password that another person has chosen ------------------------------------------------------


@pytest.fixture
def frieda(add, client):
    frieda = add()
    assert client.login(username="frieda", password=PASSWORD)
    return frieda


@pytest.mark.parametrize("page", ["tasks_task_changelist", "approvals_approvalrequest_changelist"])
def test_who_signs_in_with_a_password_of_another_chooses_their_own_first(frieda, client, page):
    answer = client.get(reverse(f"admin:{page}"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("admin:password_change")
    assert "Somebody else chose your present password." in answer.text
    sent = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    answer = client.post(reverse("admin:password_change"), sent)
    assert "This is your current password." in answer.text
    assert client.get(reverse("admin:tasks_task_changelist")).status_code == 302
    sent |= {"new_password1": "another-one-0815", "new_password2": "another-one-0815"}
    client.post(reverse("admin:password_change"), sent)
    assert client.get(reverse("admin:tasks_task_changelist")).status_code == 200
    row = frieda.history.first()
    assert (row.must_change_password, row.history_user) == (False, frieda)


def test_and_who_gets_one_from_the_server(mona, monkeypatch):
    monkeypatch.setattr(changepassword.Command, "_get_pass", lambda *_, **__: PASSWORD)
    call_command("changepassword", "mona", stdout=io.StringIO())
    mona.refresh_from_db()
    assert mona.must_change_password
    assert mona.check_password(PASSWORD)
