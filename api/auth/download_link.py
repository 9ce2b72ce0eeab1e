"""Signed links to downloads, for browsers: they show no account's token when they load a file."""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass

from config.limits import DOWNLOAD_LINK_CHARACTERS_MAX

_SIGNATURE_BYTES = 16


class LinkRefused(Exception):
    """The link is not one of ours, or its time is over."""


@dataclass(frozen=True, slots=True)
class DownloadGrant:
    """Who has this may download a part of an asset until then (Unix seconds).

    Attributes:
        rendition, part: as `packager.movies.Wish` has them.
    """

    asset_id: str
    rendition: str | None
    part: int | None
    expires_s: int


class DownloadLinks:
    """Signs and reads links with one secret key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a signing key has at least 32 bytes")
        self._key = key

    def sign(self, grant: DownloadGrant) -> str:
        fields = [grant.asset_id, grant.rendition, grant.part, grant.expires_s]
        payload = json.dumps(fields, separators=(",", ":")).encode()
        return _encoded(self._signature(payload) + payload)

    def read(self, text: str, now_s: int) -> DownloadGrant:
        """Raises: LinkRefused."""
        if len(text) > DOWNLOAD_LINK_CHARACTERS_MAX:
            raise LinkRefused
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LinkRefused from None
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(payload)):
            raise LinkRefused
        grant = DownloadGrant(*json.loads(payload))
        if grant.expires_s <= now_s:
            raise LinkRefused
        return grant

    def _signature(self, payload: bytes) -> bytes:
        """128 of HMAC-SHA256's 256 bits; the key signs other things too, which begin otherwise."""
        return hmac.digest(self._key, b"download\0" + payload, "sha256")[:_SIGNATURE_BYTES]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
