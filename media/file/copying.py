"""Whether a file's own packets can be a rendition, and in which form."""

from collections.abc import Sequence
from itertools import pairwise

from media.file.placement import PlacedTrack, Placement
from media.timeline import TIMELINE_START
from media.units import VIDEO_TIMESCALE, MediaKind
from media.wire.aac import FRAME_SAMPLES, parse_audio_specific_config
from media.wire.nal import (
    IDR_NAL_TYPE,
    PPS_NAL_TYPE,
    MalformedAccessUnit,
    MalformedConfiguration,
    annex_b_to_length_prefixed,
    avc_configuration_from_annex_b,
    iterate_annex_b,
    iterate_length_prefixed,
    parse_avc_configuration,
    widen_lengths,
)
from media.wire.sps import SPS_NAL_TYPE

_AAC_LOW_COMPLEXITY = 2
# ISO 14496-3, 4.5.3.1: 6144 bits a channel.
_AAC_CHANNEL_BYTES_MAX = 768
_CHANNELS_MAX = 6
_SAMPLE_RATES = range(32_000, 48_001)
# What may be missing at the beginning and at the end of a copied picture track.
_LATE_MAX = VIDEO_TIMESCALE // 4
_SHORT_MAX = 2 * VIDEO_TIMESCALE
_REORDER_MAX = 4 * VIDEO_TIMESCALE


class VideoCopying:
    """Looks at H.264 packets in the order of the file.

    Attributes:
        flaw: the first reason not to copy; empty as long as there is none.
        configuration: AVCDecoderConfigurationRecord; empty when there is none.
        refreshes: which packets hold an IDR picture, counted from 0.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self.flaw = ""
        self.configuration = b""
        self.refreshes: list[int] = []
        self._length_size = 0
        self._count = 0
        self._sets: frozenset[bytes] = frozenset()
        if codec == "h264":
            self._configure(extradata)

    def look(self, data: bytes | None, *, clean: bool) -> None:
        """Take the next packet.

        Args:
            data: of one that may be a keyframe; None for the others, which are not looked into.
            clean: it has its times, is to be shown and is not damaged.
        """
        if not clean:
            self.flaw = self.flaw or "its packets are not all there to be shown"
        if data is not None and self.configuration and not self.flaw:
            self._look_into(data)
        self._count += 1

    def unit(self, data: bytes) -> bytes:
        """A packet as `media.units.Packet` has it.

        Raises:
            MalformedAccessUnit: it cannot be read.
        """
        if self._length_size == 0:
            return annex_b_to_length_prefixed(data)
        return widen_lengths(data, self._length_size)

    def _configure(self, extradata: bytes) -> None:
        try:
            if extradata[:1] == b"\1":
                self.configuration = extradata
                self._length_size = parse_avc_configuration(extradata).length_size
            else:
                self.configuration = avc_configuration_from_annex_b(extradata)
            parsed = parse_avc_configuration(self.configuration)
        except MalformedConfiguration as reason:
            self.flaw = f"its configuration cannot be read: {reason}"
            return
        self._sets = frozenset((*parsed.sequence_sets, *parsed.picture_sets))

    def _look_into(self, data: bytes) -> None:
        try:
            units = [unit for unit in self._units(data) if unit]
        except MalformedAccessUnit as reason:
            self.flaw = str(reason)
            return
        kinds = {unit[0] & 0x1F for unit in units}
        if IDR_NAL_TYPE in kinds:
            self.refreshes.append(self._count)
        sets = {unit for unit in units if unit[0] & 0x1F in (SPS_NAL_TYPE, PPS_NAL_TYPE)}
        if not sets <= self._sets:
            self.flaw = "its configuration changes"

    def _units(self, data: bytes) -> list[bytes]:
        if self._length_size == 0:
            return list(iterate_annex_b(data))
        return list(iterate_length_prefixed(data, self._length_size))


def video_flaw(copying: VideoCopying, placement: Placement) -> str:
    """Why H.264 whose packets were all seen is not copied; empty when it can be."""
    track = placement.tracks[MediaKind.VIDEO, 0]
    if copying.flaw:
        return copying.flaw
    if not copying.refreshes or copying.refreshes[0] != 0:
        return "its keyframes are not places where a player can start"
    if placement.jumps:
        return "its times jump"
    if track.start - TIMELINE_START > _LATE_MAX or placement.end - track.end > _SHORT_MAX:
        return "its pictures begin later or end earlier than its sound"
    return "" if _is_in_order(track) else "its times are out of order"


def refresh_interval(refreshes: Sequence[int], end: int) -> int:
    """The longest time between two places where a player can start, the end included."""
    return max((later - one for one, later in pairwise((*refreshes, end))), default=0)


def _is_in_order(track: PlacedTrack) -> bool:
    last = track.dts[0] - 1
    for dts, pts in zip(track.dts, track.pts, strict=True):
        if not (last < dts <= pts <= dts + _REORDER_MAX):
            return False
        last = dts
    return True


def audio_flaw(codec: str, extradata: bytes, sample_rate: int, largest: int) -> str:
    """Why AAC packets are not copied; empty when they can be.

    Args:
        extradata: the AudioSpecificConfig; packets with ADTS headers come without.
        sample_rate: of what the decoder makes of them.
        largest: packet of all, in bytes.
    """
    if codec != "aac":
        return f"{codec} does not play everywhere"
    try:
        configuration = parse_audio_specific_config(extradata)
    except MalformedConfiguration as reason:
        return f"its configuration cannot be read: {reason}"
    if (
        configuration.object_type != _AAC_LOW_COMPLEXITY
        or configuration.frame_samples != FRAME_SAMPLES
        or configuration.sample_rate != configuration.output_sample_rate
        or configuration.sample_rate != sample_rate
    ):
        return "only AAC-LC plays everywhere"
    if largest > configuration.channels * _AAC_CHANNEL_BYTES_MAX:
        return "its packets are larger than frames of AAC can be"
    if configuration.channels > _CHANNELS_MAX or sample_rate not in _SAMPLE_RATES:
        return "it has an unusual number of channels or samples a second"
    return ""
