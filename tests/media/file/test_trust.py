"""A worker that was taken over cannot make a sink believe what it likes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from media.captions.cue import Cue
from media.file.caption_plan import CaptionPlan
from media.file.plan import FilePlan, SoundPlan
from media.file.trust import Examiner, Untrustworthy, longest_end
from media.ladder import Rung
from media.pictures import Picture, PictureKind
from media.timeline import TIMELINE_START
from media.transcode.picture_plan import file_pictures
from media.transcode.plan import EncoderSettings
from media.transcode.protocol import Appearance, Captioned, Encoded, Opened
from media.units import VIDEO_TIMESCALE
from tests.media.transcode.synthetic import audio_source, video_source

SECOND = VIDEO_TIMESCALE
START = TIMELINE_START
FRAME = SECOND // 25
VIDEO, AUDIO = video_source(320, 180, seconds=1).track, audio_source(seconds=1).track
IDR, OTHER = b"\0\0\0\2\x65\x88", b"\0\0\0\2\x41\x9a"
PLAN = FilePlan(
    rungs=(Rung("180p", 320, 180, 300_000),),
    copies_video=False,
    sounds=(SoundPlan(False, 48_000, 2, 160_000, language="de", label="Ton"),),
    boundaries=None,
    segment_ticks=2 * SECOND,
    frame_rate=(25, 1),
    stride=1,
    wide=False,
    appearance=Appearance(),
    end=START + 20 * SECOND,
    encoder=EncoderSettings(),
    pictures=file_pictures(20 * SECOND),
    captions=(CaptionPlan("de", "de", "Für alle", default=True, forced=False),),
)
OPENED = Opened(Appearance(), (VIDEO.extradata, AUDIO.extradata))


def opened(plan: FilePlan = PLAN) -> Examiner:
    examiner = Examiner(plan)
    examiner.opened(OPENED)
    return examiner


def picture(at: int, *, boundary: bool = False, **changes: object) -> Encoded:
    data = IDR if boundary else OTHER
    made = Encoded(0, START + at, START + at, 0, boundary, boundary, data)
    return replace(made, **changes)  # type: ignore[arg-type]


def sound(block: int) -> Encoded:
    dts = START * 48_000 // SECOND + block * 1024
    return Encoded(1, dts, dts, 1024, True, False, b"sound")


def test_renditions_are_those_of_the_plan() -> None:
    renditions = Examiner(PLAN).opened(OPENED)
    assert [one.name for one in renditions] == ["180p", "audio"]
    assert renditions[0].track.frame_rate == (25, 1)
    assert renditions[0].bitrate_max == 300_000
    assert (renditions[1].track.language, renditions[1].track.label) == ("de", "Ton")


@pytest.mark.parametrize(
    "configurations",
    [
        (),
        (VIDEO.extradata,),
        (AUDIO.extradata, VIDEO.extradata),
        (b"", AUDIO.extradata),
        (video_source(640, 360, seconds=1).track.extradata, AUDIO.extradata),
        (VIDEO.extradata, audio_source(seconds=1, sample_rate=44_100).track.extradata),
    ],
)
def test_other_outputs_than_those_of_the_plan_are_not_believed(
    configurations: tuple[bytes, ...],
) -> None:
    with pytest.raises(Untrustworthy):
        Examiner(PLAN).opened(Opened(Appearance(), configurations))


def test_what_is_right_passes_and_counts_as_progress() -> None:
    examiner = opened()
    for number in range(100):
        passed = examiner.packet(picture(number * FRAME, boundary=number % 50 == 0))
        assert passed is not None
        assert passed[0] == "180p"
    for block in range(187):
        assert examiner.packet(sound(block)) is not None
    assert examiner.progress["180p"] == START + 99 * FRAME


def test_nothing_beyond_the_end_is_passed_on() -> None:
    examiner = opened(replace(PLAN, end=START + SECOND))
    assert examiner.packet(picture(0, boundary=True)) is not None
    assert examiner.packet(picture(SECOND)) is None
    assert examiner.packet(sound(48_000 // 1024 + 1)) is None


def test_2_kb_may_last_18_seconds_at_most_and_nothing_one() -> None:
    assert longest_end(0) - START == SECOND
    assert longest_end(2_184) - START == SECOND + 2_184 * 720 < 19 * SECOND


def lies() -> dict[str, Callable[[Examiner], object]]:
    return {
        "an unknown output": lambda it: it.packet(replace(picture(FRAME), rung=9)),
        "opening twice": lambda it: it.opened(OPENED),
        "going back": lambda it: it.packet(picture(-FRAME)),
        "standing still": lambda it: it.packet(picture(0)),
        "a hole": lambda it: it.packet(picture(6 * SECOND)),
        "shown before it is decoded": lambda it: it.packet(
            picture(FRAME, pts=START, dts=START + FRAME)
        ),
        "decoded long before it is shown": lambda it: it.packet(
            picture(FRAME, pts=START + 15 * SECOND)
        ),
        "long before the start": lambda it: it.packet(replace(sound(0), dts=0, pts=0)),
        "a segment without a keyframe": lambda it: it.packet(
            picture(FRAME, boundary=True, keyframe=False)
        ),
        "a keyframe that is none": lambda it: it.packet(picture(FRAME, boundary=True, data=OTHER)),
        "broken units": lambda it: it.packet(picture(FRAME, boundary=True, data=b"\0\0\0\xffe")),
        "segments of sound": lambda it: it.packet(replace(sound(0), boundary=True)),
        "too many packets": lambda it: [it.packet(picture(n + 1)) for n in range(1_000)],
        "a poster that is none": lambda it: it.picture(Picture(PictureKind.POSTER, b"", 1, 1)),
        "a picture of later": lambda it: it.picture(
            Picture(PictureKind.POSTER, b"\xff\xd8\xff\xd9", 1, 1, times=(START + 30 * SECOND,))
        ),
    }


@pytest.mark.parametrize("lie", lies())
def test_what_cannot_be_is_not_believed(lie: str) -> None:
    examiner = opened()
    examiner.packet(picture(0, boundary=True))
    with pytest.raises(Untrustworthy):
        lies()[lie](examiner)


def test_nothing_is_believed_before_everything_is_open() -> None:
    with pytest.raises(Untrustworthy):
        Examiner(PLAN).packet(picture(0, boundary=True))
    with pytest.raises(Untrustworthy):
        Examiner(PLAN).picture(
            Picture(PictureKind.POSTER, b"\xff\xd8\xff\xd9", 1, 1, times=(START,))
        )


def test_video_begins_with_a_segment() -> None:
    with pytest.raises(Untrustworthy, match="outside"):
        opened().packet(picture(0))


def test_all_rungs_have_the_segments_of_the_first_one_and_of_earlier_passes() -> None:
    rungs = (Rung("180p", 320, 180, 300_000), Rung("90p", 320, 180, 100_000))
    plan = replace(PLAN, rungs=rungs, sounds=())
    examiner = Examiner(plan)
    examiner.opened(Opened(Appearance(), (VIDEO.extradata, VIDEO.extradata)))
    for number in range(3):
        examiner.packet(picture(number * SECOND, boundary=True))
    examiner.packet(replace(picture(0, boundary=True), rung=1))
    with pytest.raises(Untrustworthy, match="begins a segment"):
        examiner.packet(replace(picture(SECOND + FRAME, boundary=True), rung=1))
    later = opened(replace(PLAN, boundaries=(START,)))
    later.packet(picture(0, boundary=True))
    with pytest.raises(Untrustworthy, match="more segments"):
        later.packet(picture(SECOND, boundary=True))


VTT = b"WEBVTT\n\n00:01.000 --> 00:02.000\nda\n\n00:20.000 --> 00:21.000\nafter the end\n"


def test_captions_are_parsed_again_and_end_with_the_film() -> None:
    found = opened().captions(Captioned(0, VTT))
    assert (found.key, found.label, found.default) == ("de", "Für alle", True)
    assert found.cues == (Cue(1_000, 2_000, "da"),)


@pytest.mark.parametrize("body", [b"", b"WEBVTT\n\nno cue", b"WEBVTT\n" + bytes(3 << 20)])
def test_what_is_no_captions_is_not_believed(body: bytes) -> None:
    with pytest.raises(Untrustworthy):
        opened().captions(Captioned(0, body))


def test_captions_come_once_and_only_those_that_were_asked_for() -> None:
    examiner = opened()
    with pytest.raises(Untrustworthy):
        Examiner(PLAN).captions(Captioned(0, VTT))
    with pytest.raises(Untrustworthy):
        examiner.captions(Captioned(1, VTT))
    examiner.captions(Captioned(0, VTT))
    with pytest.raises(Untrustworthy):
        examiner.captions(Captioned(0, VTT))
