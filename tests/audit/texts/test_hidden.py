"""Two texts that look the same are told apart; ordinary writing stays as it is. No database."""

import pytest

from audit.texts.hidden import folded, with_hidden_characters_shown

INVISIBLE = [
    *"\x00\x1b\x7f\x85\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u200f",
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2003\u2060\u2066\u2067\u2068\u2069\u2800\u3164",
    *"\ue000\ufe00\ufe0f\ufeff\uffa0\ufffc\U0001d159\U000e0041\U000e0101\U000f0000",
]
MISLEADING = {
    "p\u0430ypal": "p⟨U+0430 \u0430⟩ypal",  # a Cyrillic letter in a Latin word
    "м\u006fна": "м⟨U+006F o⟩на",  # and the other way round
    "\u0410-10001": "⟨U+0410 \u0410⟩-10001",  # a number of an account
    "\u039f5": "⟨U+039F \u039f⟩5",  # Greek
    "\uff11\uff10.00": "⟨U+FF11 1⟩⟨U+FF10 0⟩.00",  # full-width digits
    "\U0001d429ay": "⟨U+1D429 p⟩ay",  # a letter for mathematics
    "A\u0661": "A⟨U+0661 \u0661⟩",  # another digit beside our letters
}
ORDINARY = [
    "Zoë O’Brien – 12.50 €, “no” …",
    "Żółkiewskiego", "Возврат Иванову", "Ελλάδα", "IT-отдел", "北京 10月", "Nguyễn Văn A", "a μm Δt",
    "👩‍⚕️ 👨‍👩‍👧 🏳️‍🌈 👍🏽 1️⃣ ❤️ ™️ 🇺🇦",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "می‌خواهم", "क्‍ष न्‍य", "ക്‍", "۱۲۳", "one\ntwo\tthree", "10\u00a0000\u202f€",
]  # fmt: skip


@pytest.mark.parametrize("c", INVISIBLE, ids=lambda c: f"U+{ord(c):04X}")
def test_what_is_invisible_is_written_out(c):
    assert with_hidden_characters_shown(f"pay{c}pal") == f"pay⟨U+{ord(c):04X}⟩pal"


@pytest.mark.parametrize(("text", "shown"), MISLEADING.items())
def test_what_looks_like_something_else_is_pointed_at(text, shown):
    assert with_hidden_characters_shown(text) == shown


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_writing_stays_as_it_is(text):
    assert with_hidden_characters_shown(text) == text


@pytest.mark.parametrize("text", [f"a{c}b" for c in INVISIBLE] + [*MISLEADING])
def test_twice_does_no_more(text):
    once = with_hidden_characters_shown(text)
    assert with_hidden_characters_shown(once) == once


@pytest.mark.parametrize("text", ["a b", "ab", "A\u00a0B", "a\u200bb", "\uff41b", "a\u3164b"])
def test_texts_that_look_the_same_are_folded_to_one(text):
    assert folded(text) == "ab"
