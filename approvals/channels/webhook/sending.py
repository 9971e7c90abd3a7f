"""One POST to a public address that was resolved once. No redirects, no proxies, no second look-up."""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from approvals.channels.base import Permanent, Retry

TIMEOUT: Final = 10.0  # seconds for each step
# What the internet routes, and what of it is set apart: for protocols (Teredo among them) and examples.
UNICAST: Final = ipaddress.IPv6Network("2000::/3")
SET_APART: Final = [
    ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "3fff::/20")
]
RELAYS: Final = ipaddress.IPv4Network("192.88.99.0/24")  # of 6to4, which lead anywhere
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
ISATAP: Final = (0x5EFE, 0x02005EFE)  # before the IPv4 address in the last 64 bits
IPV4: Final = 0xFFFFFFFF  # the last 32 bits
ANSWER: Final = 1024  # bytes of the answer that are read, and thrown away


class Pinned(http.client.HTTPSConnection):
    """Connects to the address that was checked, and believes the certificate of the name only."""

    def __init__(self, host: str, port: int, address: str) -> None:
        self.tls = ssl.create_default_context()
        super().__init__(host, port, timeout=TIMEOUT, context=self.tls)
        self.address = address

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)


def problem_of(url: str) -> str:
    """Why nothing is sent to such an address, as far as it can be seen without asking; else empty."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is not a valid address."
    if parts.scheme != "https" or not parts.hostname:
        return "Enter an address that begins with https:// and names a host."
    if parts.username or parts.password:
        return "Remove username and password from the address. Webhooks are signed instead."
    if port == 0:
        return "This is not a valid address."
    return ""


def why_not_there(url: str) -> str:
    """Why nothing is sent to where this leads now; else empty. One that leads nowhere may later."""
    parts = urlsplit(url)
    try:
        public_address(parts.hostname or "", parts.port or 443)
    except Permanent as error:
        return str(error)
    except Retry:
        return ""
    return ""


def public_address(host: str, port: int) -> str:
    """Where this host is.

    Raises `Permanent` unless all of its addresses are public, or the settings name host and port.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Retry("The host of the endpoint cannot be found.") from error
    addresses = [str(each[4][0]) for each in found]
    if f"{host}:{port}" in settings.WEBHOOK_PRIVATE_HOSTS:
        return addresses[0]
    if not addresses or not all(is_public(address) for address in addresses):
        raise Permanent("The address points into a private network. Nothing is sent there.")
    return addresses[0]


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


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send it, and return the status of the answer. Raises `Retry` or `Permanent`."""
    if problem := problem_of(url):
        raise Permanent(problem)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    connection = Pinned(host, port, public_address(host, port))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        answer.read(ANSWER)
    except ssl.SSLCertVerificationError as error:
        raise Permanent("The certificate of the endpoint's host is not valid.") from error
    except (OSError, http.client.HTTPException) as error:
        raise Retry("The endpoint could not be reached, or closed the connection.") from error
    finally:
        connection.close()
    return answer.status
