"""No page prints what cannot be seen, wherever its text comes from."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.texts.pages import page_with_hidden_characters_shown

HIDDEN = "\u202e\u200b\u2800"
SHOWN = "⟨U+202E⟩⟨U+200B⟩⟨U+2800⟩"


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (f"<p>a{HIDDEN}b</p>{HIDDEN}", f"<p>a{SHOWN}b</p>{SHOWN}"),
        (
            f"<option value='{HIDDEN}'>{HIDDEN}</option>",
            f"<option value='{HIDDEN}'>{SHOWN}</option>",
        ),
        (f'<a x="1 > 0">{HIDDEN}</a>', f'<a x="1 > 0">{SHOWN}</a>'),
        (f"<!-- it's --><p>{HIDDEN}</p>", f"<!-- it's --><p>{SHOWN}</p>"),
    ],
)
def test_texts_are_shown_and_what_is_sent_again_is_not(page, shown):
    assert page_with_hidden_characters_shown(page) == shown


@pytest.mark.parametrize("tag", ["textarea", "script", "style", "TEXTAREA"])
def test_what_can_be_edited_and_what_is_code_stays_as_it_is(tag):
    page = f"<p>x</p><{tag} name=a>a{HIDDEN}<</{tag}>"
    assert page_with_hidden_characters_shown(page) == page


def test_every_page_goes_through_it(db, alice):
    """A message beside a field, here of the sign-in form: none of them has to remember it."""
    alice.is_staff = True
    alice.first_name = f"Al{HIDDEN}ice"
    alice.save()
    client = Client()
    client.force_login(alice, backend="backoffice.sign_in.NameOrEmailBackend")
    page = client.get(reverse("admin:index"), follow=True).content.decode()
    assert f"Al{SHOWN}ice" in page
    assert not any(c in page for c in HIDDEN)
