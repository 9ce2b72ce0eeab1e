"""AES in cipher block chaining mode: the one module here that knows the `cryptography` package."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK_BYTES = 16
"""Of a cipher block, a key and an initialisation vector."""

type Bytes = bytes | bytearray | memoryview


def encrypt_blocks(key: bytes, vector: bytes, data: Bytes) -> bytes:
    """Encrypt whole blocks; other threads run meanwhile."""
    assert len(data) % BLOCK_BYTES == 0, "a chain has whole blocks"
    return Cipher(AES(key), CBC(vector)).encryptor().update(data)


def encrypt_padded(key: bytes, vector: bytes, data: Bytes) -> bytes:
    """Encrypt any number of bytes, padded to blocks as PKCS#7 says (RFC 5652, 6.3)."""
    missing = BLOCK_BYTES - len(data) % BLOCK_BYTES
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    return encryptor.update(data) + encryptor.update(bytes((missing,)) * missing)
