"""The sound worker over real pipes, in its jail, without anybody in between."""

import subprocess
import sys
from dataclasses import replace

import pytest

from media.jail.level import Level
from media.transcode.protocol import (
    Configure,
    Encoded,
    Finish,
    Finished,
    Message,
    MessageReader,
    Opened,
    Progress,
    SourcePacket,
    encode_message,
)
from media.transcode.rendition import Rendition
from media.transcode.sound_plan import (
    SoundPlan,
    encoded_track,
    plan_for_track,
    sound_plan_to_bytes,
)
from media.transcode.worker_process import sound_worker_command
from media.units import VIDEO_TIMESCALE, Coding, Packet
from tests.media.transcode.sound_source import ONSET_SECONDS, TONE_HZ, Heard, heard, sound_source
from tests.media.transcode.synthetic import START, Source

pytestmark = pytest.mark.process

ONSET = START / VIDEO_TIMESCALE + ONSET_SECONDS
LEVEL = Level.FULL if sys.platform.startswith("linux") else Level.NONE


def run(*messages: Message) -> tuple[list[Message], int]:
    """Everything a worker says to these messages, and its exit code."""
    said = subprocess.run(
        sound_worker_command(LEVEL),
        input=b"".join(encode_message(one) for one in messages),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return MessageReader().feed(said.stdout), said.returncode


def packets_of(source: Source) -> list[SourcePacket]:
    return [
        SourcePacket(time, time, time, keyframe=True, boundary=False, data=one.data)
        for one in source.packets
        for time in (one.pts * VIDEO_TIMESCALE // source.track.timescale,)
    ]


def encode(plan: SoundPlan, packets: list[SourcePacket]) -> tuple[Heard, list[Packet]]:
    said, code = run(Configure(sound_plan_to_bytes(plan)), *packets, Finish())
    assert code == 0
    assert said[-1] == Finished()
    opened = said[0]
    assert isinstance(opened, Opened)
    made = [
        Packet(one.dts, one.pts, one.duration, one.keyframe, one.data)
        for one in said
        if isinstance(one, Encoded)
    ]
    progress = [one for one in said if isinstance(one, Progress)][-1]
    assert progress.consumed == len(packets)
    track = encoded_track(plan, opened.configurations[0])
    return heard(Rendition("audio", track, 0, passed_through=False), made), made


@pytest.mark.parametrize(
    ("coding", "sample_rate", "layout"),
    [
        (Coding.OPUS, 48_000, "stereo"),
        (Coding.OPUS, 48_000, "5.1"),
        (Coding.FLAC, 44_100, "stereo"),
        (Coding.FLAC, 96_000, "mono"),
        (Coding.AC3, 48_000, "5.1"),
        (Coding.EAC3, 32_000, "stereo"),
        (Coding.MP3, 44_100, "stereo"),
    ],
)
def test_sound_of_every_coding_is_heard_when_it_was_meant_to_be(
    coding: Coding, sample_rate: int, layout: str
) -> None:
    source = sound_source(coding, sample_rate=sample_rate, layout=layout)
    sound, _ = encode(plan_for_track(source.track), packets_of(source))
    assert sound.sample_rate == (44_100 if sample_rate == 44_100 else 48_000)
    assert abs(sound.onset() - ONSET) < 0.02
    assert abs(sound.frequency() - TONE_HZ) <= 2
    assert sound.silent_seconds() < 0.03


@pytest.mark.parametrize("coding", [Coding.AC3, Coding.MP3])
def test_several_frames_in_a_packet_are_all_heard(coding: Coding) -> None:
    """As senders of both may do (Enhanced RTMP, AC-3 and MP3)."""
    source = sound_source(coding)
    packets = packets_of(source)
    pairs = [
        replace(first, data=first.data + second.data)
        for first, second in zip(packets[::2], packets[1::2], strict=False)
    ]
    sound, _ = encode(plan_for_track(source.track), pairs)
    assert abs(sound.onset() - ONSET) < 0.02
    assert sound.silent_seconds() < 0.03


def test_sound_goes_on_where_an_earlier_worker_had_come_to() -> None:
    """What is missing in between is silence; frames of the earlier worker are not made again."""
    source = sound_source(Coding.OPUS)
    start = (START // VIDEO_TIMESCALE + 1) * 48_000
    plan = replace(plan_for_track(source.track), start=start)
    later = [one for one in packets_of(source) if one.pts >= START + 2 * VIDEO_TIMESCALE]
    sound, made = encode(plan, later)
    assert made[0].dts == start
    assert abs(sound.onset() - later[0].pts / VIDEO_TIMESCALE) < 0.02


def test_packets_that_are_noise_become_silence() -> None:
    source = sound_source(Coding.OPUS)
    packets = packets_of(source)
    noise = [replace(one, data=b"\xff" * 40) for one in packets[80:100]]
    sound, _ = encode(plan_for_track(source.track), [*packets[:80], *noise, *packets[100:]])
    assert abs(sound.onset() - ONSET) < 0.02
    assert 0.3 < sound.silent_seconds() < 0.5


@pytest.mark.parametrize(
    "messages", [(), (Finish(),), (Configure(b"{}"), Finish())], ids=["nothing", "no plan", "bad"]
)
def test_a_worker_without_a_plan_fails(messages: tuple[Message, ...]) -> None:
    assert run(*messages)[1] != 0


def test_a_worker_whose_server_is_gone_ends() -> None:
    plan = plan_for_track(sound_source(Coding.OPUS).track)
    assert run(Configure(sound_plan_to_bytes(plan)))[1] != 0
