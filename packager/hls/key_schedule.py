"""The keys of all assets, derived from one secret: none is ever stored, and all can be made again.

Whoever makes a segment public (a live origin, its recording, another process, later a pin) makes
the very same bytes, so caches may keep them for good.
"""

import hmac
from dataclasses import dataclass

from packager.hls.cipher import BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """Keys by asset and key period, which is called by the sequence number of its first segment.

    Each is the beginning of HMAC-SHA256 (RFC 2104) of what it is for, and says nothing of any
    other one. The secret can neither be changed nor lost: public segments would open no more.

    Renditions of a period share its key and vector, so that a viewer who goes over to another one
    needs no other key. That two of its segments begin alike is all that can be seen of it.
    """

    secret: bytes

    def key(self, asset_id: str, period: int) -> bytes:
        return self._derived("key", asset_id, period)

    def vector(self, asset_id: str, period: int) -> bytes:
        """Initialisation vector; no secret."""
        return self._derived("vector", asset_id, period)

    def key_id(self, asset_id: str, period: int) -> bytes:
        """Names the key in the init segments of Common Encryption; no secret."""
        return self._derived("id", asset_id, period)

    def _derived(self, purpose: str, asset_id: str, period: int) -> bytes:
        message = f"{purpose} {asset_id} {period}".encode()
        return hmac.digest(self.secret, message, "sha256")[:BLOCK_BYTES]
