"""What a mail server's refusal means for one message, or for all of them."""

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from approvals.channels.base import Misconfigured, Permanent, Retry

type Refused = Retry | Permanent | Misconfigured

FINAL: Final = 500  # from here on trying again is useless, says SMTP
# The server wants us to prove who we are, or does not believe us.
WHO_ARE_YOU: Final = frozenset({530, 534, 535, 538})
NOT_OURS: Final = frozenset({401, 403})  # the same of a provider's API
TOO_MANY: Final = 429


def said(error: Exception) -> Refused:
    """The refusal in the words of a channel. The server's own text stays out: it may quote people.

    Raises the error itself where it is no refusal: a mistake of ours, which the log has to show.
    """
    for kind, meaning in MEANINGS:
        if isinstance(error, kind):
            return meaning(error)
    raise error


def _of_recipient(error: Any) -> Refused:  # noqa: ANN401 - one of MEANINGS
    code = max((code for code, _ in error.recipients.values()), default=0)
    if code >= FINAL and code not in WHO_ARE_YOU:
        return Permanent(f"The mail server rejected this address ({code}).")
    return _of_code(code)


def _of_sender(error: Any) -> Refused:  # noqa: ANN401 - as above
    if error.smtp_code >= FINAL:
        return Misconfigured("The mail server rejected our address as the sender.")
    return _of_code(error.smtp_code)


def _of_code(code: int) -> Refused:
    if code in WHO_ARE_YOU:
        return Misconfigured(f"The mail server rejected our login ({code}).")
    if code >= FINAL:
        return Permanent(f"The mail server rejected this message ({code}).")
    return Retry(f"The mail server cannot take this message now ({code}).")


def _of_api(error: Any) -> Refused:  # noqa: ANN401 - as above
    status = error.status_code
    if status in NOT_OURS:
        return Misconfigured(f"The mail provider rejected our key ({status}).")
    if status is None or status == TOO_MANY or status >= FINAL:
        return Retry(f"The mail provider cannot take this message now ({status or 'no answer'}).")
    return Permanent(f"The mail provider rejected this message ({status}).")


# The first that fits: some of these are kinds of others below them.
MEANINGS: list[tuple[type[Exception], Callable[[Any], Refused]]] = [
    (smtplib.SMTPRecipientsRefused, _of_recipient),
    (
        smtplib.SMTPAuthenticationError,
        lambda error: (
            _of_code(error.smtp_code)
            if error.smtp_code < FINAL
            else Misconfigured("The mail server rejected our login.")
        ),
    ),
    (
        smtplib.SMTPNotSupportedError,
        lambda _: Misconfigured("The mail server does not support what EMAIL_URL requires."),
    ),
    (smtplib.SMTPSenderRefused, _of_sender),
    (smtplib.SMTPResponseException, lambda error: _of_code(error.smtp_code)),
    (
        ssl.SSLCertVerificationError,
        lambda _: Misconfigured("The mail server's certificate is not valid."),
    ),
    (OSError, lambda _: Retry("The mail server could not be reached, or closed the connection.")),
]

with suppress(ImportError):  # unless the extra is installed
    from anymail import exceptions as anymail

    MEANINGS[:0] = [
        (
            anymail.AnymailConfigurationError,
            lambda _: Misconfigured("The settings of the mail provider are wrong."),
        ),
        (
            anymail.AnymailRecipientsRefused,
            lambda _: Permanent("The mail provider rejected this address."),
        ),
        (anymail.AnymailAPIError, _of_api),
    ]
