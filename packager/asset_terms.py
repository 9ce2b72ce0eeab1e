"""How an asset is offered to players: its owner's choice, for its whole life."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """Terms of a live asset or an upload.

    Attributes:
        dvr_ms: how far back a viewer of a live may seek; None: to its beginning. Less than the
            playlist's window is the window.
        key_segments: 0: segments are not encrypted, and each request for one is billed. Otherwise
            how many neighbours share a key: requests for keys are billed, segments are public.
    """

    dvr_ms: int | None = 0
    key_segments: int = 0
