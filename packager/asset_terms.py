"""How an asset is offered to players: its owner's choice, for its whole life."""

from dataclasses import dataclass
from enum import StrEnum


class Encryption(StrEnum):
    """How segments are encrypted; the values are in the archive's indexes."""

    NONE = "none"
    """Not at all: each request for one is billed."""
    AES_128 = "aes-128"
    """Whole files (RFC 8216, 4.3.2.4)."""
    CBCS = "cbcs"
    """Samples, by Common Encryption (ISO 23001-7, 10.4)."""


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """Terms of a live asset or an upload.

    Attributes:
        dvr_ms: how far back a viewer of a live may seek; None: to its beginning. Less than the
            playlist's window is the window.
        encryption: with any, requests for keys are billed, and segments are public.
    """

    dvr_ms: int | None = 0
    encryption: Encryption = Encryption.NONE
