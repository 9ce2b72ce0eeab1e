"""Stream keys: 160 random bits that a person can copy, and what each of them opens."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from config.ids import base32
from ingest.network import is_within

_ENTROPY_BITS = 160
_LETTERS = 32  # of five bits each: they hold the 160 exactly
_GROUP = 8


class TooManyKeys(Exception):
    """The source has as many stream keys as it may have; revoke one first."""


class UnknownKey(Exception):
    """The source has no such stream key."""


@dataclass(frozen=True, slots=True)
class StreamKey:
    """One of the keys of a source. The key itself is nowhere.

    Attributes:
        label: what its creator calls it.
        hash: see `hash_key`.
        is_main: the one that is replaced when the source gets a new key.
        expires_at: from then on it lets nobody in; None for never.
        ends_publication: what was let in with it ends at that moment as well.
        bitrate_max: bit/s that may be sent; 0 for as many as somebody likes.
        addresses: networks from which it is good (`ingest.network`); empty for from everywhere.
        last_used_at: when somebody was let in with it, to the minute.
    """

    id: str
    source_id: str
    label: str
    hash: bytes
    created_at: datetime
    is_main: bool = False
    expires_at: datetime | None = None
    ends_publication: bool = False
    bitrate_max: int = 0
    addresses: tuple[str, ...] = ()
    last_used_at: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def opens(self, address: str, now: datetime) -> bool:
        """Whether it lets in somebody from this address now."""
        if self.has_expired(now):
            return False
        return not self.addresses or is_within(address, self.addresses)


def new_key(entropy: int | None = None) -> str:
    """A stream key: four groups of eight letters, joined by dashes.

    Args:
        entropy: 160 bits; drawn from the system when left out.
    """
    bits = secrets.randbits(_ENTROPY_BITS) if entropy is None else entropy
    letters = base32(bits, _LETTERS)
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def hash_key(key: str) -> bytes:
    """What is stored of a key: plain SHA-256, which is enough for a secret nobody can guess."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def matches(key: str, key_hash: bytes) -> bool:
    """Whether `key` is the one that was hashed, in a time that does not depend on the answer."""
    return hmac.compare_digest(hash_key(key), key_hash)
