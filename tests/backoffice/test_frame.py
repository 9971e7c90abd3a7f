"""The frame of every page: what it loads, where it leads, and that it needs nothing from elsewhere."""

import gzip
import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests.icons import FONTS, kept, used

INBOX = "admin:approvals_approvalrequest_changelist"


def test_each_icon_of_a_page_is_in_our_font():
    assert used() == kept(), "Write the font anew: python -m tests.icons"
    assert (FONTS / "icons.woff2").stat().st_size < 20_000


def test_a_page_loads_one_script_and_two_style_sheets(client, alice):
    client.force_login(alice)
    text = client.get(reverse(INBOX)).text
    assert len(re.findall(r"<script", text)) == 1
    assert len(re.findall(r'rel="stylesheet"', text)) == 2
    for path in re.findall(r'(?:href|src)="/static/([^"]+)"', text):
        assert finders.find(path), path


def test_no_script_is_evaluated_or_written_into_a_page(client, alice):
    client.force_login(alice)
    response = client.get(reverse(INBOX))
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};".replace("; ", ";")
    assert "eval" not in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|\s(on\w+|x-\w+|hx-\w+)=", response.text)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nowhere/", 404, "The address may be wrong"),
        ("/audit/history/", 404, "The address may be wrong"),
        ("/audit/event/", 403, "You don&#x27;t have permission|You don't have permission"),
    ],
)
def test_who_is_signed_in_keeps_the_sidebar_on_an_error(path, status, words, client, alice):
    client.force_login(alice)
    response = client.get(path)
    assert response.status_code == status
    assert re.search(words, response.text)
    assert 'id="sidebar"' in response.text
    assert reverse(INBOX) in response.text


def test_who_is_not_signed_in_gets_the_error_without_a_sidebar(client, db):
    response = client.get("/a/no-such-link/")
    assert response.status_code == 404
    assert 'id="sidebar"' not in response.text
    assert "bo-brand" in response.text


def test_an_error_page_needs_no_database(client, alice, monkeypatch):
    from django.contrib.admin import site
    from django.db import OperationalError

    def gone(request):
        raise OperationalError("the database has gone away")

    client.force_login(alice)
    monkeypatch.setattr(site, "each_context", gone)
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "The address may be wrong" in response.text


def test_pages_are_compressed_each_time_with_another_length(client, alice):
    client.force_login(alice)
    sent = [client.get(reverse(INBOX), headers={"accept-encoding": "gzip"}) for _ in range(8)]
    assert {response.headers["Content-Encoding"] for response in sent} == {"gzip"}
    assert b"</html>" in gzip.decompress(sent[0].content)
    assert len(sent[0].content) < 9_000
    # What stands against guessing by lengths: see docs/decisions/0030-a-frame-of-our-own.md.
    assert len({len(response.content) for response in sent}) > 1
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"


def test_no_page_is_kept_by_browsers_and_proxies(client, alice):
    client.force_login(alice)
    kept_for = client.get(reverse(INBOX)).headers["Cache-Control"]
    assert "no-store" in kept_for
    assert "private" in kept_for


def test_the_account_menu_comes_after_its_button_and_the_skip_link_first(client, alice):
    client.force_login(alice)
    text = client.get(reverse(INBOX)).text
    order = ["Skip to content", "<summary>", "Sign out", "<main"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert text.count("<h1") == text.count("<main") == 1
