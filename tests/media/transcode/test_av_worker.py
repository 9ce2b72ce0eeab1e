"""The worker over real pipes, without anybody in between."""

import os
import subprocess
import sys

import pytest

from media.ladder import Rung
from media.pictures import Picture, PictureKind, why_unfit
from media.transcode.picture_plan import PicturePlan
from media.transcode.plan import EncoderSettings, Plan, plan_to_bytes
from media.transcode.protocol import (
    Appearance,
    Configure,
    Encoded,
    Finish,
    Finished,
    Message,
    MessageReader,
    Opened,
    Progress,
    Shed,
    SourcePacket,
    encode_message,
)
from media.transcode.worker_process import WORKER_COMMAND
from media.units import VIDEO_TIMESCALE, Coding, Packet
from tests.media.transcode.picture_source import filmed_source
from tests.media.transcode.synthetic import Source, video_source

pytestmark = pytest.mark.process

TWO_RUNGS = (Rung("big", 320, 180, 500_000), Rung("small", 160, 90, 200_000))


def plan_for(source: Source, **settings: object) -> Plan:
    plan = {
        "configuration": source.track.extradata,
        "frame_rate": (15, 1),
        "rungs": TWO_RUNGS,
        "named_boundaries": False,
        "encoder": EncoderSettings(preset="ultrafast"),
        "shedding": False,
        **settings,
    }
    return Plan(**plan)  # type: ignore[arg-type]


def of_source(packet: Packet, newest: int = 0) -> SourcePacket:
    """`newest` is how far the server claims to be; less than the packet's own time counts not."""
    return SourcePacket(
        packet.dts, packet.pts, newest, packet.keyframe, packet.keyframe, packet.data
    )


def run(*messages: Message) -> tuple[list[Message], int]:
    """Everything a worker says to these messages, and its exit code."""
    said = subprocess.run(
        WORKER_COMMAND,
        input=b"".join(encode_message(one) for one in messages),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return MessageReader().feed(said.stdout), said.returncode


def transcode(plan: Plan, source: Source) -> list[Message]:
    messages = [of_source(one) for one in source.packets]
    said, code = run(Configure(plan_to_bytes(plan)), *messages, Finish())
    assert code == 0
    assert said[-1] == Finished()
    return said


def transcode_in_step(plan: Plan, source: Source, hurry: int) -> list[Message]:
    """Hand over each packet when the one before is done with.

    `hurry`: how much more the server claims to have with each packet.
    """
    said: list[Message] = []
    reader = MessageReader()
    with subprocess.Popen(
        WORKER_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def tell(message: Message) -> None:
            assert process.stdin is not None
            process.stdin.write(encode_message(message))
            process.stdin.flush()

        def listen_for(consumed: int) -> None:
            assert process.stdout is not None
            while not any(isinstance(o, Progress) and o.consumed == consumed for o in said):
                heard = os.read(process.stdout.fileno(), 65_536)
                assert heard, "the worker ended"
                said.extend(reader.feed(heard))

        tell(Configure(plan_to_bytes(plan)))
        for number, one in enumerate(source.packets):
            tell(of_source(one, one.pts + hurry * number))
            listen_for(number + 1)
        tell(Finish())
        said.extend(reader.feed(process.stdout.read()))
        assert process.wait(60) == 0
    return said


def encoded(said: list[Message], rung: int) -> list[Encoded]:
    return [one for one in said if isinstance(one, Encoded) and one.rung == rung]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("b_frames", "jitter"), [(0, False), (2, False), (3, True)])
def test_every_picture_comes_out_of_every_rung_with_the_same_boundaries(
    named: bool, b_frames: int, jitter: bool
) -> None:
    source = video_source(320, 180, b_frames=b_frames, jitter=jitter)
    said = transcode(plan_for(source, named_boundaries=named), source)

    times = sorted(one.pts for one in source.packets)
    keyframes = [one.pts for one in source.packets if one.keyframe]
    for rung in (0, 1):
        packets = encoded(said, rung)
        assert [one.pts for one in packets] == times
        assert [one.dts for one in packets] == times
        boundaries = [one.pts for one in packets if one.boundary]
        assert boundaries == [one.pts for one in packets if one.keyframe]
        assert not named or boundaries == keyframes
        assert len(boundaries) == len(keyframes)


def test_encoders_open_before_anything_is_encoded_and_totals_add_up() -> None:
    source = video_source(320, 180)
    said = transcode(plan_for(source), source)
    opened = next(one for one in said if isinstance(one, Opened | Encoded))
    assert isinstance(opened, Opened)
    assert len(opened.configurations) == 2
    totals = [one for one in said if isinstance(one, Progress)]
    assert totals[-1] == Progress(
        consumed=60, undecodable=0, skipped=0, displaced=0, finished=source.packets[-1].pts
    )


def test_a_replacement_encodes_only_what_is_new_and_looks_the_same() -> None:
    source = video_source(320, 180, keyframe_every=1000)
    first = transcode(plan_for(source), source)
    boundary = [one.pts for one in encoded(first, 0) if one.boundary][1]
    appearance = Appearance(primaries=1, transfer=1, matrix=1)
    again = transcode(plan_for(source, start=boundary, appearance=appearance), source)
    assert [one.appearance for one in again if isinstance(one, Opened)] == [appearance]
    assert encoded(again, 0)[0].pts == boundary
    assert encoded(again, 0)[0].boundary


def test_configurations_do_not_depend_on_where_a_worker_started() -> None:
    source = video_source(320, 180)
    later = Source(source.track, source.packets[30:])
    whole, part = (
        [said for said in transcode(plan_for(one), one) if isinstance(said, Opened)]
        for one in (source, later)
    )
    assert whole == part


def test_packets_that_are_noise_are_counted_and_passed_over() -> None:
    source = video_source(320, 180)
    noise = [SourcePacket(0, pts, pts, False, False, b"\0\0\0\4noise" * 9) for pts in (1, 2)]
    good = [of_source(one) for one in source.packets]
    plan = Configure(plan_to_bytes(plan_for(source)))
    said, code = run(plan, *noise, *good, Finish())
    assert code == 0
    assert len(encoded(said, 0)) == 60
    assert [one.undecodable for one in said if isinstance(one, Progress)][-1] >= 1


def test_the_last_rung_loses_pictures_rather_than_time() -> None:
    """Told that it is ever later, a worker gives up its top rung, then all but boundaries."""
    source = video_source(320, 180, seconds=8)
    plan = plan_for(source, shedding=True, lag_ms_max=1, patience_ms=0)
    said = transcode_in_step(plan, source, hurry=900_000)
    assert [one.rung for one in said if isinstance(one, Shed)] == [0]
    small = encoded(said, 1)
    assert [one.pts for one in small if one.boundary] == [
        one.pts for one in source.packets if one.keyframe
    ]
    assert len(small) < len(source.packets)
    skipped = [one.skipped for one in said if isinstance(one, Progress)][-1]
    assert skipped > 0
    shed = next(place for place, one in enumerate(said) if isinstance(one, Shed))
    assert not encoded(said[shed:], 0)


def test_a_worker_chooses_its_preset_when_it_is_told_to() -> None:
    source = video_source(320, 180, seconds=1)
    auto = EncoderSettings(preset="auto", lookahead=False)
    chosen = [
        one.preset
        for share in (1, 64_000)
        for one in transcode(plan_for(source, encoder=auto, share_millicores=share), source)
        if isinstance(one, Opened)
    ]
    assert chosen == ["ultrafast", "veryfast"]


def test_a_still_source_is_encoded_at_boundaries_and_at_its_end() -> None:
    source = video_source(640, 352, seconds=5, still=True, rate=30, keyframe_every=1000)
    said = transcode(plan_for(source), source)
    times = [one.pts for one in source.packets]
    for rung in (0, 1):
        packets = encoded(said, rung)
        assert [one.pts for one in packets if one.boundary] == [times[0], times[60], times[120]]
        assert [one.pts for one in packets[-2:]] == times[-2:]
        assert len(packets) < 15
    last = [one for one in said if isinstance(one, Progress)][-1]
    assert last.finished == times[-1]
    assert last.repeated > 140
    assert last.consumed == 150


def test_posters_and_tiles_come_with_the_packets() -> None:
    """They go on where the plan says, and show the source at that time."""
    source = video_source(320, 180)
    pictures = PicturePlan(
        VIDEO_TIMESCALE, 2 * VIDEO_TIMESCALE, live=True, sheet=4, tile_due=0, poster_due=0
    )
    said = transcode(plan_for(source, pictures=pictures), source)
    made = [one for one in said if isinstance(one, Picture)]
    assert not any(why_unfit(one) for one in made)
    times = [one.pts for one in source.packets]
    posters = [one for one in made if one.kind is PictureKind.POSTER]
    assert [one.times for one in posters] == [(times[0],), (times[30],)]
    assert {(one.width, one.height) for one in posters} == {(160, 90)}
    (sheet,) = [one for one in made if one.kind is PictureKind.SHEET]
    assert (sheet.number, sheet.width, sheet.height) == (4, 800, 90)
    assert sheet.times == (times[0], times[15], times[30], times[45])


def test_the_range_of_samples_stays_what_it_was() -> None:
    source = video_source(320, 180, seconds=1, pixel_format="yuvj420p")
    (opened,) = [one for one in transcode(plan_for(source), source) if isinstance(one, Opened)]
    assert opened.appearance.color_range == 2


def test_pictures_that_are_larger_than_any_that_are_decoded_are_left_out() -> None:
    """Whatever their source has said of its size."""
    picture = "color=s=4608x2592:r=15,trim=end_frame=2"
    source = filmed_source(Coding.HEVC, picture, "yuv420p")
    said = transcode(plan_for(source, coding=Coding.HEVC), source)
    assert not [one for one in said if isinstance(one, Opened | Encoded)]
    assert [one for one in said if isinstance(one, Progress)][-1].undecodable == 2


def test_a_source_without_packets_ends_at_once() -> None:
    said, code = run(Configure(plan_to_bytes(plan_for(video_source(320, 180)))), Finish())
    assert code == 0
    assert said[-1] == Finished()


@pytest.mark.parametrize(
    "messages",
    [(), (Finish(),), (Configure(b"{}"),), (Configure(b"{}"), Finish())],
    ids=["nothing", "no plan", "bad plan", "bad plan and an end"],
)
def test_a_worker_without_a_plan_fails(messages: tuple[Message, ...]) -> None:
    assert run(*messages)[1] != 0


def test_a_worker_whose_server_is_gone_ends() -> None:
    plan = Configure(plan_to_bytes(plan_for(video_source(320, 180))))
    assert run(plan)[1] != 0


def test_what_libraries_print_does_not_reach_the_server() -> None:
    assert WORKER_COMMAND[:2] == (sys.executable, "-P")
    source = video_source(320, 180)
    assert all(isinstance(one, Message) for one in transcode(plan_for(source), source))
