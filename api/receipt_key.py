"""The key that receipts are signed with (Ed25519, RFC 8032), and how a signature is checked."""

import base64
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api.secret_names import RECEIPT_KEY
from config.secret_files import SecretFiles

_SECRET_BYTES = 32


class ReceiptKey:
    """Signs receipts.

    Args:
        secret: 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key()
        self.name = public_name(self.public)

    @classmethod
    def of_text(cls, text: str) -> "ReceiptKey":
        """The key as its file has it: in base 64."""
        return cls(base64.b64decode(text))

    def sign(self, message: bytes) -> str:
        """128 hexadecimal digits."""
        return self._private.sign(message).hex()


def open_receipt_key(secret_files: SecretFiles) -> ReceiptKey:
    """This server's own key, which is made at the first start.

    Raises:
        SecretExposed: others can read the key.
    """
    text, _ = secret_files.create_or_read(
        RECEIPT_KEY, lambda: base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    )
    return ReceiptKey.of_text(text)


def public_name(key: Ed25519PublicKey) -> str:
    """A public key as receipts have it: 43 characters, the `x` of RFC 8037."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")


def verify(name: str, message: bytes, signature: str) -> bool:
    """Whether a signature is of this message and by the key of that name; both of the right form
    (see `metering.receipts.shape`).
    """
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(name + "="))
    try:
        key.verify(bytes.fromhex(signature), message)
    except InvalidSignature:
        return False
    return True
