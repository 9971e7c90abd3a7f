"""The secrets with which webhooks are signed: encrypted, under a key of their own."""

import hashlib
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def locked(secret: str) -> bytes:
    """A secret as it is stored."""
    return _cipher().encrypt(secret.encode())


def opened(ciphertext: bytes | memoryview) -> str:
    """The secret that was stored."""
    return _cipher().decrypt(bytes(ciphertext)).decode()


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(str(key))) for key in keys])


def _derived(key: str) -> bytes:
    # What leaks here opens nothing else.
    return urlsafe_b64encode(hashlib.sha256(b"backoffice.webhooks:" + key.encode()).digest())
