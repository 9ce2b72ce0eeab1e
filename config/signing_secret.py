"""Secrets with which two servers sign what they say: their bytes, and whether they are any good."""

import base64
import binascii

from config.limits import SIGNING_SECRET_BYTES_MIN, SIGNING_SECRET_DISTINCT_MIN

_PREFIX = "whsec_"
# Parts of what stands in samples and is left as it is.
_SAMPLES = (
    "changeme",
    "changethis",
    "default",
    "development",
    "example",
    "inproduction",
    "password",
    "placeholder",
    "replaceme",
    "yoursecret",
)
# With the prefix: the libraries of Standard Webhooks take all that they are given for base 64.
_ADVICE = "; make one with: echo whsec_$(openssl rand -base64 32)"


def signing_key(secret: str) -> bytes:
    """The bytes that a secret stands for: `whsec_` and base 64, or its own.

    Raises:
        ValueError: what follows `whsec_` is not in base 64.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("is not in base 64 after whsec_") from None


def require_strong(secret: str) -> None:
    """Refuse what somebody could guess.

    Raises:
        ValueError: the secret is short, from a sample, or little else than a repetition.
    """
    key = signing_key(secret)
    if len(key) < SIGNING_SECRET_BYTES_MIN:
        raise ValueError(f"should have at least {SIGNING_SECRET_BYTES_MIN} bytes{_ADVICE}")
    if len(set(key)) < SIGNING_SECRET_DISTINCT_MIN:
        raise ValueError(f"should be random{_ADVICE}")
    words = "".join(letter for letter in secret.lower() if letter.isalnum())
    if any(sample in words for sample in _SAMPLES):
        raise ValueError(f"should not be that of a sample{_ADVICE}")
