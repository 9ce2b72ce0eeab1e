"""What one transcode worker is to make of one source."""

import json
from dataclasses import asdict, dataclass

from config.limits import (
    TRANSCODE_LAG_MS_MAX,
    TRANSCODE_LAG_PATIENCE_MS,
    WORKER_INBOX_BYTES_MAX,
    WORKER_INBOX_PACKETS_MAX,
)
from media.ladder import Rung
from media.transcode.picture_plan import LIVE_PICTURES, PicturePlan
from media.transcode.protocol import Appearance
from media.units import VIDEO_TIMESCALE, Coding

SEGMENT_TICKS = 2 * VIDEO_TIMESCALE
"""Default segment duration: what encoders are told to use as keyframe interval everywhere."""


class MalformedPlan(ValueError):
    """The bytes are no plan."""


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How rungs are encoded.

    Attributes:
        preset: of x264, or "auto": the worker chooses one that the machine affords.
        lookahead: let x264 look some pictures ahead where its preset does so. That saves bits, and
            costs a live stream the time of those pictures.
        rate_factor: x264's CRF; a rung's `bitrate_max` caps it.
        b_frames: pictures in a row that may refer to later ones. They save a tenth of the bits, and
            cost a live stream the time that it takes to wait for the later ones.
    """

    preset: str = "superfast"
    rate_factor: int = 23
    b_frames: int = 0
    lookahead: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """One decode, several encodes.

    Attributes:
        configuration: the source's extradata, as `media.units.Track` has it.
        frame_rate: of the source, as a fraction; (0, 1) when unknown.
        rungs: highest first.
        named_boundaries: segments start at the packets that say so (the source is passed through);
            otherwise the worker cuts at the first frame that reaches `segment_ticks`.
        start: pictures before this pts only serve as references; None to start with the first.
        appearance: of earlier encoders that these replace; None to take it from the source.
        shedding: give up rungs, then frames, rather than stay more than `lag_ms_max` behind for
            more than `patience_ms`.
        pictures: which posters and sheets to make.
        share_millicores: of the machine, in thousandths of a core; what "auto" goes by.
        coding: of the source.
    """

    configuration: bytes
    frame_rate: tuple[int, int]
    rungs: tuple[Rung, ...]
    named_boundaries: bool
    segment_ticks: int = SEGMENT_TICKS
    start: int | None = None
    appearance: Appearance | None = None
    encoder: EncoderSettings = EncoderSettings()
    shedding: bool = True
    lag_ms_max: int = TRANSCODE_LAG_MS_MAX
    patience_ms: int = TRANSCODE_LAG_PATIENCE_MS
    pictures: PicturePlan = LIVE_PICTURES
    share_millicores: int = 1_000
    coding: Coding = Coding.H264
    inbox_packets_max: int = WORKER_INBOX_PACKETS_MAX
    inbox_bytes_max: int = WORKER_INBOX_BYTES_MAX


def plan_to_bytes(plan: Plan) -> bytes:
    """A plan as JSON."""
    return json.dumps({**asdict(plan), "configuration": plan.configuration.hex()}).encode()


def plan_from_bytes(data: bytes) -> Plan:
    """The plan that `plan_to_bytes` wrote.

    Raises:
        MalformedPlan: something is missing, unknown or of another shape.
    """
    try:
        fields = json.loads(data)
        numerator, denominator = fields.pop("frame_rate")
        appearance = fields.pop("appearance")
        return Plan(
            coding=Coding(fields.pop("coding")),
            configuration=bytes.fromhex(fields.pop("configuration")),
            frame_rate=(numerator, denominator),
            rungs=tuple(Rung(**rung) for rung in fields.pop("rungs")),
            appearance=None if appearance is None else Appearance(**appearance),
            encoder=EncoderSettings(**fields.pop("encoder")),
            pictures=PicturePlan(**fields.pop("pictures")),
            **fields,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as reason:
        raise MalformedPlan(str(reason)) from reason
