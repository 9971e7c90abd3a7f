"""One HTTP call to another system: to an address that was looked at, within a time, up to a size.

No redirects, no proxies of the environment, no cookies, no second look-up of the host's name, no retries.
Webhooks are sent by it, and so are the calls of tasks.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

TO_CONNECT: Final = 5.0  # seconds at most, of all that there are
BLOCK: Final = 65_536
# What the internet routes, and what of it is set apart: for protocols (Teredo among them) and examples.
UNICAST: Final = ipaddress.IPv6Network("2000::/3")
SET_APART: Final = [
    ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "3fff::/20")
]
RELAYS: Final = ipaddress.IPv4Network("192.88.99.0/24")  # of 6to4, which lead anywhere
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
ISATAP: Final = (0x5EFE, 0x02005EFE)  # before the IPv4 address in the last 64 bits
IPV4: Final = 0xFFFFFFFF  # the last 32 bits


class NotAllowed(Exception):
    """Nothing was sent, and nothing will be: the address is private, or its certificate wrong."""


class NotSent(Exception):
    """Nothing was sent: the host could not be found or reached. Later it may be."""


class NoAnswer(Exception):
    """It was sent, or a part of it, and no whole answer came."""


class TooLarge(Exception):
    """It was answered with more than the size allows."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent where. `seconds` are for all of it, `most` is in bytes after decompression.

    `private` allows addresses of a private network. With `cut`, what is longer than `most` is cut off.
    """

    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    seconds: float = 10.0
    most: int = 1_000_000
    private: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Plain(http.client.HTTPConnection):
    """Connects to the address that was checked."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port)
        self.address = address
        self.made: socket.socket | None = None  # also when the answer has taken it over

    def connect(self) -> None:
        self.sock = self.made = socket.create_connection((self.address, self.port), self.timeout)


class _Secure(_Plain):
    """The same, and believes the certificate of the name only."""

    def connect(self) -> None:
        super().connect()
        # In two steps, so that the deadline finds the socket while they shake hands.
        self.sock = self.made = ssl.create_default_context().wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()


def exchange(call: Call) -> Answer:
    """Send it, and return the answer, whatever its status is.

    Raises NotAllowed, NotSent, NoAnswer, TooLarge; ValueError for a header or an address that HTTP does
    not know.
    """
    parts = urlsplit(call.url)
    connection = _connection(parts, call)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _deadline(connection, call.seconds) as is_late:
        try:
            _connect(connection)
            answer = _exchanged(connection, call, target)
            if is_late():  # what looks like its end may be ours
                raise TimeoutError
            return answer
        except (OSError, http.client.HTTPException, zlib.error) as error:
            late = f"It did not answer within {call.seconds:g} seconds." if is_late() else ""
            raise NoAnswer(late or "The connection broke before it answered.") from error
        finally:
            connection.close()


def _connection(parts: SplitResult, call: Call) -> _Plain:
    is_secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_secure else 80)
    address = address_of(host, port, seconds=min(TO_CONNECT, call.seconds), private=call.private)
    connection = (_Secure if is_secure else _Plain)(host, port, address)
    connection.timeout = min(TO_CONNECT, call.seconds)
    return connection


def _connect(connection: _Plain) -> None:
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise NotAllowed("The certificate of the host is not valid.") from error
    except OSError as error:
        raise NotSent("The host could not be reached.") from error


def _exchanged(connection: _Plain, call: Call, target: str) -> Answer:
    connection.sock.settimeout(None)  # the deadline is for all of it, and not for each byte
    connection.request(call.method, target, call.body, dict(call.headers))
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    body = _read(answer, headers.get("content-encoding", ""), call)
    return Answer(answer.status, headers, body)


def _read(answer: http.client.HTTPResponse, encoding: str, call: Call) -> bytes:
    unpack = _unpacking(encoding)
    body = b""
    while len(body) <= call.most and (block := answer.read1(BLOCK)):
        body += unpack(block, call.most + 1 - len(body))
    if len(body) > call.most:
        if call.cut:
            return body[: call.most]
        raise TooLarge(f"It answered with more than {call.most:,} bytes.")
    if answer.length:
        raise http.client.IncompleteRead(body, answer.length)
    return body


def _unpacking(encoding: str) -> Callable[[bytes, int], bytes]:
    """It was not asked to compress. Some do all the same, and a little of it may become very much."""
    if encoding in ("gzip", "x-gzip", "deflate"):
        unpacker = zlib.decompressobj(wbits=47)
        return unpacker.decompress
    return lambda block, most: block


@contextmanager
def _deadline(connection: _Plain, seconds: float) -> Iterator[Callable[[], bool]]:
    """End the connection then, whatever it is doing. Gives whether that has happened."""
    late = threading.Event()

    def end() -> None:
        late.set()
        if connection.made is not None:
            with suppress(OSError):
                connection.made.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield late.is_set
    finally:
        timer.cancel()


def address_of(host: str, port: int, *, seconds: float = TO_CONNECT, private: bool = False) -> str:
    """Where this host is.

    Raises NotSent where nobody knows, NotAllowed unless all of its addresses are public. `private`
    allows those of a private network, and of this machine; never those that have meaning on one link only,
    at which clouds hand out passwords.
    """
    addresses = _resolved(host, port, seconds)
    fits = _is_reachable if private else is_public
    if not addresses or not all(map(fits, addresses)):
        raise NotAllowed("The address points into a private network. Nothing is sent there.")
    return addresses[0]


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """All addresses of a host. Asked in another thread, since nothing can interrupt the question."""
    found: list[str] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(each[4][0]) for each in infos)
        except (OSError, UnicodeError) as error:
            failed.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if not found:
        raise NotSent("The host cannot be found.") from next(iter(failed), None)
    return found


def _is_reachable(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or ip
    return not (inner.is_link_local or inner.is_multicast or inner.is_unspecified)


def is_public(address: str) -> bool:
    """Whether this is a unicast address of the internet, and so is any IPv4 address inside it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return _is_public_v4(ip)
    if (inner := _translated(ip)) is not None:
        return _is_public_v4(inner)
    set_apart = any(ip in network for network in SET_APART)
    return ip in UNICAST and not set_apart and all(map(_is_public_v4, _tunnelled(ip)))


def _is_public_v4(ip: ipaddress.IPv4Address) -> bool:
    return ip.is_global and not ip.is_multicast and ip not in RELAYS


def _translated(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that this one is another notation of."""
    return ipaddress.IPv4Address(int(ip) & IPV4) if ip in NAT64 else ip.ipv4_mapped


def _tunnelled(ip: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses to which a tunnel takes what is sent there."""
    if ip.sixtofour:
        yield ip.sixtofour
    if (int(ip) >> 32) & IPV4 in ISATAP:
        yield ipaddress.IPv4Address(int(ip) & IPV4)
