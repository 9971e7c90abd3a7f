"""A service that speaks JSON over HTTP, and the calls that tasks make of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from tasks.authoring import Resource

BEARER: Final = "token"
PLACE: Final = re.compile(r"\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]+")
# What a path may consist of, beside places: no dots alone, nothing that begins a query.
_PART: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")


@dataclass(frozen=True, slots=True)
class Service:
    """A resource that speaks JSON over HTTP.

    Its base ends with a slash, and every call is below it. Where it has the secret `token`, each call
    carries it as a bearer token. Only a resource in a private network may be called by http. `seconds` are for
    one call as a whole, `max_bytes` for its answer.
    """

    resource: Resource
    seconds: float = 10.0
    max_bytes: int = 1_000_000
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def get(self, path: str, *, query: Mapping[str, str] | None = None) -> "Endpoint":
        """A call that changes nothing."""
        return Endpoint(self, "GET", path, query or {})

    def post(self, path: str, *, query: Mapping[str, str] | None = None) -> "Endpoint":
        """A call that makes something: twice, when it is sent twice without a key."""
        return Endpoint(self, "POST", path, query or {})

    def put(self, path: str, *, query: Mapping[str, str] | None = None) -> "Endpoint":
        """A call that makes something be as it says, however often it is sent."""
        return Endpoint(self, "PUT", path, query or {})

    def patch(self, path: str, *, query: Mapping[str, str] | None = None) -> "Endpoint":
        """A call that changes a part of something."""
        return Endpoint(self, "PATCH", path, query or {})

    def delete(self, path: str, *, query: Mapping[str, str] | None = None) -> "Endpoint":
        """A call that removes something, however often it is sent."""
        return Endpoint(self, "DELETE", path, query or {})

    @property
    def name(self) -> str:
        """What people call it."""
        return self.resource.name

    @property
    def private(self) -> bool:
        """Whether it may be in a private network."""
        return self.resource.private

    def sent_headers(self) -> dict[str, str]:
        """What every call is sent with. Raises Refused where the token is not set."""
        own = {"Accept": "application/json", "User-Agent": "backoffice", **self.headers}
        if BEARER in self.resource.secrets:
            own["Authorization"] = f"Bearer {self.resource.value(BEARER)}"
        return own

    def problem(self) -> tuple[str, str] | None:
        """What is wrong with it, as far as it can be seen without asking, and what to write."""
        base = self.resource.base  # empty while the environment has none
        if base and (problem := problem_of_base(base, private=self.private)):
            return f"The base of {self.name} cannot be used. {problem}", "Correct it."
        if not 0 < self.seconds <= 120:
            return f"seconds of {self.name} is {self.seconds!r}.", "Write a number up to 120."
        if wrong := [name for name in self.headers if not _HEADER.fullmatch(name)]:
            return f"{wrong[0]!r} is no name of a header.", "Use letters, digits and dashes."
        return None


def problem_of_base(base: str, *, private: bool) -> str:
    """Why nothing can be called below such an address; empty where it can."""
    parts = urlsplit(base)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "It has to begin with https:// and to name a host."
    if parts.scheme == "http" and not private:
        return "Only a service in a private network may be called by http."
    if parts.username or parts.password:
        return "It has a password in it: use `token` instead."
    if not parts.path.endswith("/") or parts.query or parts.fragment:
        return "It has to end with a slash."
    return ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call of a service: a method and a path below its base, with places for values.

    A place is the name of a parameter, `{account}`, or of what that has, `{account.number}`; or
    `{run.id}`, `{run.reason}`, `{run.requested_by}`, `{run.key}`. `query` has such names by the names of
    the address.
    """

    service: Service
    method: str
    path: str
    query: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "query", MappingProxyType(dict(self.query)))

    @property
    def text(self) -> str:
        """As people read it."""
        query = "&".join(f"{name}={{{source}}}" for name, source in self.query.items())
        return f"{self.method} {self.service.resource.base}{self.path}{'?' if query else ''}{query}"

    @property
    def places(self) -> list[str]:
        """The names that it needs values for."""
        return [*PLACE.findall(self.path), *self.query.values()]

    @property
    def is_safe_twice(self) -> bool:
        """Whether the method itself says that sending it again changes nothing more."""
        return self.method in ("GET", "PUT", "DELETE")

    def problem(self) -> tuple[str, str] | None:
        """What is wrong with it, and what to write."""
        bare = PLACE.sub("x", self.path)
        if any(not _PART.fullmatch(part) or set(part) <= {"."} for part in bare.split("/")):
            return (
                f"The path {self.path!r} is not one below the base.",
                'Write it without a slash in front, such as "accounts/{account}/credits".',
            )
        return self.service.problem()

    def within(self, seconds: float) -> "Endpoint":
        """The same with less time."""
        service = replace(self.service, seconds=min(seconds, self.service.seconds))
        return replace(self, service=service)
