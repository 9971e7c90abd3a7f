"""What is stored encrypted, under keys made from SECRET_KEY: one for each purpose."""

import hashlib
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def locked(text: str, *, purpose: str) -> bytes:
    """A text as it is stored."""
    return _cipher(purpose).encrypt(text.encode())


def opened(ciphertext: bytes | memoryview, *, purpose: str) -> str:
    """The text that was stored for this purpose, also under a key that was replaced since."""
    return _cipher(purpose).decrypt(bytes(ciphertext)).decode()


def _cipher(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(str(key), purpose)) for key in keys])


def _derived(key: str, purpose: str) -> bytes:
    # A key of its own, so that what leaks here opens nothing else and signs no session.
    return urlsafe_b64encode(hashlib.sha256(f"backoffice.{purpose}:{key}".encode()).digest())
