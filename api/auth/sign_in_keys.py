"""The keys that signing in rests on, each in a file of its own, made at the first start."""

import base64
import secrets

from api.auth.strkey import seed_text
from api.secret_names import SIGN_IN_KEY, WEB_AUTH_SEED
from config.secret_files import SecretFiles

_BYTES = 32


def sign_in_secret(files: SecretFiles) -> bytes:
    """What access tokens are signed with. Raises: SecretExposed."""
    text, _ = files.create_or_read(SIGN_IN_KEY, _random_text)
    return base64.b64decode(text)


def challenge_seed(files: SecretFiles) -> str:
    """The seed (SEP-23: S...) of the key that signs challenges. It is no account on the chain, and
    must never be a signer of one: what it signs is made of what strangers send.

    Raises:
        SecretExposed: see there.
    """
    seed, _ = files.create_or_read(WEB_AUTH_SEED, lambda: seed_text(secrets.token_bytes(_BYTES)))
    return seed


def _random_text() -> str:
    return base64.b64encode(secrets.token_bytes(_BYTES)).decode()
