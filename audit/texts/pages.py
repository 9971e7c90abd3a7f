"""Every page shows what is hidden in its texts. Values that a form sends again stay as they are."""

import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from audit.texts.hidden import with_hidden_characters_shown

# What is no text of the page: comments, scripts, what can be edited, tags.
_OTHER: Final = re.compile(
    r"<!--.*?-->|<(script|style|textarea)\b.*?</\1\s*>|<(?:[^\"'<>]++|\"[^\"]*+\"|'[^']*+')*+>",
    re.DOTALL | re.IGNORECASE,
)


class NothingHiddenMiddleware:
    """Writes out what is invisible or misleading in the texts of a page, wherever they come from.

    Not in downloads, which are for programs as well.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and _is_page(response):
            page = response.content.decode(response.charset)
            if page != (shown := page_with_hidden_characters_shown(page)):
                response.content = shown
        return response


def page_with_hidden_characters_shown(page: str) -> str:
    """The page with its texts as `with_hidden_characters_shown` gives them."""
    parts, end = [], 0
    for other in _OTHER.finditer(page):
        parts += [with_hidden_characters_shown(page[end : other.start()]), other[0]]
        end = other.end()
    return "".join([*parts, with_hidden_characters_shown(page[end:])])


def _is_page(response: HttpResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/html")
