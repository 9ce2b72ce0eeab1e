"""How a live transcode is doing, for its creator to see."""

from dataclasses import dataclass
from enum import StrEnum

from media.transcode.rendition import Rendition


class RenditionState(StrEnum):
    ACTIVE = "active"
    SHED = "shed"


@dataclass(frozen=True, slots=True)
class RenditionHealth:
    """One rendition.

    Attributes:
        frame_rate: frames a second, rounded to hundredths; 0 for audio and while unknown.
        bitrate_max: bits a second; 0 while unknown.
        reason: why it is not passed through or why it was shed; empty when neither.
    """

    name: str
    width: int
    height: int
    frame_rate: float
    bitrate_max: int
    passed_through: bool
    state: RenditionState
    reason: str


def rendition_health(rendition: Rendition, shed: str | None, why: str = "") -> RenditionHealth:
    """What a creator is shown of a rendition.

    Args:
        shed: why it was given up, if it was.
        why: it is not passed through.
    """
    numerator, denominator = rendition.track.frame_rate
    return RenditionHealth(
        name=rendition.name,
        width=rendition.track.width,
        height=rendition.track.height,
        frame_rate=round(numerator / denominator, 2),
        bitrate_max=rendition.bitrate_max,
        passed_through=rendition.passed_through,
        state=RenditionState.ACTIVE if shed is None else RenditionState.SHED,
        reason=why if shed is None else shed,
    )


@dataclass(frozen=True, slots=True)
class LiveHealth:
    """One live transcode.

    Attributes:
        lag_ms: how far the slowest encoded rendition is behind what the publisher has sent.
        worker_restarts: workers that died or hung.
        dropped_packets: source packets that did not make it into every rendition.
        preset: of x264; "auto" while the worker has not chosen one, empty without encoders.
        messages: what happened or should be changed, as sentences, oldest first.
    """

    lag_ms: int
    worker_restarts: int
    dropped_packets: int
    preset: str
    renditions: tuple[RenditionHealth, ...]
    messages: tuple[str, ...]
