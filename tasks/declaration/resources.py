"""Connections and secrets by name: what a task needs to reach another system.

    crm = Resource("crm", base="https://crm.internal/v2/", token=Env("CRM_TOKEN"))

It knows neither Django nor the database, like the declaration that uses it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tasks.declaration.errors import Refused
from tasks.declaration.source import location_of_caller


class NotNamed(RuntimeError):
    """A task uses a resource that it does not name."""


@dataclass(frozen=True, slots=True)
class Env:
    """A value of the environment; or, where `CRM_TOKEN_FILE` is set, of the file that it names.

    It is read once in each process.
    """

    name: str
    _read: list[str] = field(default_factory=list, repr=False, compare=False)

    def read(self) -> str:
        """The value without white space around it. Empty where nothing is set, or the file cannot be read."""
        if not self._read:
            self._read.append(self._now().strip())
        return self._read[0]

    def _now(self) -> str:
        if path := os.environ.get(f"{self.name}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return ""
        return os.environ.get(self.name, "")


_declared: Final[dict[str, "Resource"]] = {}
_problems: Final[list[tuple["Resource", str]]] = []
_named: ContextVar[frozenset[str] | None] = ContextVar("resources of the task", default=None)


class Resource:
    """Another system: its address, and secrets that only tasks that name it can read.

    `base` is an address, or an `Env` that holds one; it is no secret. `private` allows it to be in
    a private network. Each other argument is a secret, as an `Env`. Its values are masked in logs,
    errors and results, wherever a task meets them.
    """

    def __init__(
        self, name: str, *, base: str | Env = "", private: bool = False, **secrets: Env
    ) -> None:
        self.name = name
        self.private = private
        self.secrets: Mapping[str, Env] = MappingProxyType(secrets)
        self._base = base
        self.file, self.line = location_of_caller()
        if problem := self._problem():
            _problems.append((self, problem))
        _declared.setdefault(name, self)

    def __repr__(self) -> str:
        return f"Resource({self.name!r})"

    @property
    def base(self) -> str:
        """Its address. Empty where the environment has none."""
        return self._base.read() if isinstance(self._base, Env) else self._base

    def value(self, secret: str) -> str:
        """The secret of this name. `Refused` where it is not set, KeyError where none is declared.

        Raises NotNamed in a task without this resource among its `resources`.
        """
        named = _named.get()
        if named is not None and self.name not in named:
            raise NotNamed(
                f"This task does not name the resource “{self.name}”. Write it among the resources of "
                "its declaration."
            )
        source = self.secrets[secret]
        if not (value := source.read()):
            raise Refused(
                f"{source.name} is not set, so “{self.name}” cannot be used. Nothing was sent. "
                "Contact an administrator."
            )
        return value

    def missing(self) -> list[str]:
        """The names of what the environment does not have."""
        sources = [*self.secrets.values(), *([self._base] if isinstance(self._base, Env) else [])]
        return [source.name for source in sources if not source.read()]

    def parts(self) -> tuple[str, ...]:
        """What of it belongs into the fingerprint of a task: where it leads, and no secret."""
        return (self.name, self.base, str(self.private), *sorted(self.secrets))

    def _problem(self) -> str:
        other = _declared.get(self.name)
        if other is not None and (other.file, other.line) != (self.file, self.line):
            return f"Two resources have the name {self.name!r}: this one, and the one at {other.file}:{other.line}."
        given: Mapping[str, object] = self.secrets
        wrong = [name for name, source in given.items() if not isinstance(source, Env)]
        if wrong:  # its text would be in the repository
            return f"The secret {wrong[0]} of the resource {self.name!r} is no Env: it stands in the code."
        return ""


def all_resources() -> list[Resource]:
    """Every resource that is declared in this process, by name."""
    return [_declared[name] for name in sorted(_declared)]


def problems_of_resources() -> list[tuple[Resource, str]]:
    """What is wrong with the declarations, each with its resource."""
    return list(_problems)


def secrets_of_resources() -> Iterator[str]:
    """The values of all their secrets, to mask them."""
    for resource in _declared.values():
        sources: Iterable[object] = resource.secrets.values()
        for source in sources:
            if isinstance(source, Env) and (value := source.read()):
                yield value


@contextmanager
def using(resources: Iterable[Resource]) -> Iterator[None]:
    """Have the code in the block read the secrets of these resources, and of no others."""
    token = _named.set(frozenset(each.name for each in resources))
    try:
        yield
    finally:
        _named.reset(token)
