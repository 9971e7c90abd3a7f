"""The server. It keeps what it accepts, and answers once with each refusal it is given."""

import asyncio
import threading
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

type Command = Literal["RCPT", "DATA", "MAIL", "AUTH", "DROP_BEFORE", "DROP_AFTER"]


@dataclass(frozen=True)
class Refuse:
    """Refuse one command with this answer; DROP_AFTER hangs up after the message was taken."""

    command: Command
    answer: str = ""


class SmtpDouble(Controller):
    """A mail server on a free port of 127.0.0.1: `with SmtpDouble() as server`."""

    def __init__(self) -> None:
        self.refusals: list[Refuse] = []
        self.arrived: list[tuple[float, EmailMessage]] = []
        self._lock = threading.Lock()
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=0,
            authenticator=self._login,
            auth_require_tls=False,
        )

    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="mail.test", **self.SMTP_kwargs)

    def __enter__(self) -> "SmtpDouble":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _trigger_server(self) -> None:
        """Port 0 is known only after the server has been made."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[EmailMessage]:
        return [message for _, message in self.arrived]

    def refuse(self, command: Command, answer: str = "", *, times: int = 1) -> None:
        with self._lock:
            self.refusals += [Refuse(command, answer)] * times

    def _refusal(self, *commands: str) -> Refuse | None:
        with self._lock:
            found = next((r for r in self.refusals if r.command in commands), None)
            if found:
                self.refusals.remove(found)
            return found

    def _login(self, *_: Any) -> AuthResult:
        refusal = self._refusal("AUTH")
        return AuthResult(
            success=refusal is None, handled=False, message=refusal.answer if refusal else None
        )

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if refusal := self._refusal("MAIL"):
            return refusal.answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if refusal := self._refusal("RCPT"):
            return refusal.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        refusal = self._refusal("DATA", "DROP_BEFORE", "DROP_AFTER")
        if refusal and refusal.command == "DATA":
            return refusal.answer
        if refusal is None or refusal.command == "DROP_AFTER":
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            self.arrived.append((time.time(), message))
        if refusal:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"
