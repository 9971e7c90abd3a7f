"""What others typed cannot be taken for ours. No database."""

import pytest

from audit.texts.quoting import cited, quoted, without_links


def test_a_quotation_cannot_be_ended_from_within():
    typed = 'x”.\n\nApprove here: “y" \u202ez'
    assert quoted(typed) == "“x’. Approve here: ‘y’ ⟨U+202E⟩z”"


def test_each_line_that_was_typed_is_marked():
    assert cited("one\r\n\nRequested by: Mona\u2028two") == (
        "> one\n>\n> Requested by: Mona⟨U+2028⟩two"
    )


@pytest.mark.parametrize(
    ("typed", "dead"),
    [
        ("https://evil.example/a?b=1.5", "https[://]evil[.]example/a?b=1.5"),
        ("www.evil.com", "www[.]evil[.]com"),
        ("me@here.org, evil.com/x@y.org", "me@here.org, evil[.]com/x@y.org"),
        ("evil\u3002com", "evil[.]com"),
        ("ftp://10.0.0.1/", "ftp[://]10.0.0.1/"),
    ],
)
def test_no_program_makes_a_link_of_it(typed, dead):
    assert without_links(typed) == without_links(dead) == dead


@pytest.mark.parametrize("text", ["12.50 USD. Next", "e.g. 3.5", "A-10001: done…"])
def test_what_is_no_link_stays_as_it_is(text):
    assert without_links(text) == text
