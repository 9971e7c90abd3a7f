"""Markdown as HTML that is safe to put into a page, whatever the text holds."""

import re
from collections.abc import Sequence
from typing import Final

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

_LINK: Final = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_BELOW: Final = 2  # levels: the page and the card have a heading above these


def html_of(text: str) -> SafeString:
    """CommonMark with tables as HTML.

    HTML in the text is shown as text. Links lead to http, https and mailto only. A picture, which
    would be fetched from elsewhere, becomes its description.
    """
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + _BELOW, 6)}"
        token.children = token.children and [_tame(child) for child in token.children]
    html = _parser.renderer.render(tokens, _parser.options, {})
    # Rendered with HTML off, and each link checked.
    return SafeString(html)


def _tame(token: Token) -> Token:
    if token.type == "image":
        return Token("text", "", 0, content=_plain(token.children or []))
    if token.type == "link_open":
        token.attrSet("rel", "noopener noreferrer")
    return token


def _plain(tokens: Sequence[Token]) -> str:
    return "".join(token.content for token in tokens)


def _may_lead_to(url: str) -> bool:
    return _LINK.match(url) is not None


_parser: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_parser.validateLink = _may_lead_to  # type: ignore[method-assign]
