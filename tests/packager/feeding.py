"""Gives a sink the packets of several clips as a pipeline would: interleaved by time."""

from collections.abc import Mapping
from heapq import merge
from itertools import repeat

from media.transcode.rendition import Rendition, RenditionSink
from media.units import Packet
from tests.packager.clip import Clip


def renditions_of(clips: Mapping[str, Clip], bitrate_max: int = 0) -> list[Rendition]:
    return [
        Rendition(name, clip.track, bitrate_max, passed_through=name == "source")
        for name, clip in clips.items()
    ]


def interleaved(clips: Mapping[str, Clip]) -> list[tuple[str, Packet]]:
    """All packets in order of decoding time."""
    timed = [
        [
            (packet.dts / clip.track.timescale, name, packet)
            for name, packet in zip(repeat(name), clip.packets, strict=False)
        ]
        for name, clip in clips.items()
    ]
    merged = merge(*timed, key=lambda each: each[0])
    return [(name, packet) for _, name, packet in merged]


def feed(sink: RenditionSink, clips: Mapping[str, Clip]) -> None:
    for name, packet in interleaved(clips):
        sink.packet(name, packet)
