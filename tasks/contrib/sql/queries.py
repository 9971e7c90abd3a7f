"""The text of a query with names such as `:days`, and the same text as PostgreSQL takes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# What is no place for a name: strings, quoted names, comments, casts; and then names.
_TOKENS: Final = re.compile(
    r"""[eE]'(?:\\.|''|[^'\\])*' | '(?:''|[^'])*' | "(?:""|[^"])*"
    | --[^\n]* | /\*.*?\*/ | (?P<dollar>\$[A-Za-z_]*\$).*?(?P=dollar) | :: | :=
    | (?<![:\w]):(?P<name>[a-z_][a-z0-9_]*)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Query:
    """A query and where it stands. `line` is that of its first line in the file."""

    text: str
    file: str
    line: int

    def names(self) -> list[str]:
        """The names in it, each once, in their order."""
        found = (token["name"] for token in _TOKENS.finditer(self.text))
        return list(dict.fromkeys(name for name in found if name))

    def numbered(self, types: Mapping[str, str]) -> str:
        """The text with `$1::integer` where a name was. KeyError for a name without a type.

        No value is ever part of it. It has the lines of the original.
        """
        number = {name: at for at, name in enumerate(self.names(), start=1)}

        def bound(token: re.Match[str]) -> str:
            name = token["name"]
            return f"(${number[name]}::{types[name]})" if name else token[0]

        return _TOKENS.sub(bound, self.text).rstrip().removesuffix(";")
