"""How viewers get the segments of an asset: their creator's choice for each asset."""

from enum import StrEnum


class Delivery(StrEnum):
    """Which requests of viewers are billed."""

    DIRECT = "direct"
    """Those for segments and parts, which come from this server alone."""
    KEYS = "keys"
    """Those for keys: segments are encrypted whole, public, and come from any cache or CDN."""
    KEYS_CBCS = "keys-cbcs"
    """As `KEYS`, with samples encrypted in their containers as DRM systems do it (cbcs)."""
