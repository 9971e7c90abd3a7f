"""The secrets with which webhooks are signed: encrypted, under a key of their own."""

from typing import Final

from audit import ciphers

PURPOSE: Final = "webhooks"


def locked(secret: str) -> bytes:
    """A secret as it is stored."""
    return ciphers.locked(secret, purpose=PURPOSE)


def opened(ciphertext: bytes | memoryview) -> str:
    """The secret that was stored."""
    return ciphers.opened(ciphertext, purpose=PURPOSE)
