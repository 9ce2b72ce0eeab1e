"""How live sources are transcoded."""

from dataclasses import dataclass, field

from config.limits import TRANSCODE_LAG_MS_MAX
from media.transcode.conversation import Patience
from media.transcode.machine import Machine
from media.transcode.plan import SEGMENT_TICKS, EncoderSettings


@dataclass(frozen=True, slots=True)
class TranscodeSettings:
    """For all live sources of this process.

    Attributes:
        segment_ticks: segment duration to aim at, in 1/90000 s.
        pass_through: hand on the source's own video where players can take it.
        shedding, lag_ms_max: give up rungs when the worker stays this far behind.
        patience: with workers.
        machine: that all live workers share.
        jail_minimum: the level below which no worker works.
    """

    segment_ticks: int = SEGMENT_TICKS
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    pass_through: bool = True
    shedding: bool = True
    lag_ms_max: int = TRANSCODE_LAG_MS_MAX
    patience: Patience = field(default_factory=Patience)
    machine: Machine = field(default_factory=Machine)
    jail_minimum: int = 0
