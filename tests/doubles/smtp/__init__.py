"""A double of a mail server: real SMTP over loopback, with refusals on demand."""

from tests.doubles.smtp.server import Refuse, SmtpDouble
from tests.doubles.smtp.tarpit import Tarpit

__all__ = ["Refuse", "SmtpDouble", "Tarpit"]
