"""What is made of a file, and in which pass."""

import json
from dataclasses import replace
from typing import Any

import pytest

from media.file.description import (
    AudioDescription,
    FileDescription,
    MalformedDescription,
    TextDescription,
    VideoDescription,
    description_from_bytes,
    description_to_bytes,
)
from media.file.plan import (
    AUDIO,
    SOURCE,
    FilePlan,
    FileSettings,
    MalformedFilePlan,
    Resume,
    all_outputs,
    display_size,
    plan_from_bytes,
    plan_pass,
    plan_sound,
    plan_to_bytes,
    why_encoded,
)
from media.timeline import TIMELINE_START
from media.transcode.protocol import Appearance
from media.units import VIDEO_TIMESCALE
from tests.media.transcode.synthetic import video_source

SECOND = VIDEO_TIMESCALE
SETTINGS = FileSettings()
CLEAN = video_source(1280, 720, seconds=1).track.extradata
TEXTS = (
    TextDescription("de", "", default=True, forced=False),
    TextDescription("de", "Für alle", default=False, forced=False),
    TextDescription("de", "", default=False, forced=True),
    TextDescription("", "", default=False, forced=False),
)
NOWHERE = TIMELINE_START + 100_000 * SECOND
BT709 = Appearance(1, 1, 1, 1)
PQ = Appearance(1, 9, 16, 9)


def video(width: int = 1280, height: int = 720, **changes: Any) -> VideoDescription:
    made = VideoDescription(
        codec="h264",
        width=width,
        height=height,
        turn=0,
        mirrored=False,
        frame_rate=(25, 1),
        interlaced=False,
        appearance=BT709,
        start=TIMELINE_START,
        end=TIMELINE_START + 30 * SECOND,
        size=5_000_000,
        configuration=CLEAN,
        copy_flaw="",
        refresh_interval=2 * SECOND,
    )
    return replace(made, **changes)


AAC = AudioDescription(
    codec="aac",
    sample_rate=44_100,
    channels=2,
    start=TIMELINE_START,
    end=TIMELINE_START + 30 * SECOND,
    size=480_000,
    configuration=b"\x12\x10",
    copy_flaw="",
)


def described(
    picture: VideoDescription | None, *sounds: AudioDescription | None
) -> FileDescription:
    return FileDescription(picture, tuple(one for one in sounds if one is not None), 3, TEXTS)


def plan(
    picture: VideoDescription | None,
    sound: AudioDescription | None = AAC,
    resume: Resume | None = None,
) -> FilePlan:
    return plan_pass(described(picture, sound), SETTINGS, resume, NOWHERE)


def test_a_clean_film_is_copied_and_smaller_rungs_are_encoded() -> None:
    assert plan(video()).outputs == ("360p", SOURCE, AUDIO)
    assert plan(video(640, 360)).outputs == (SOURCE, AUDIO)


@pytest.mark.parametrize(
    "changes",
    [
        {"configuration": b"", "codec": "hevc"},
        {"turn": 90},
        {"mirrored": True},
        {"copy_flaw": "its times jump"},
        {"refresh_interval": 10 * SECOND},
        {"interlaced": True},
        {"appearance": Appearance(1, 1, 1, 1, 4, 3)},
        {"frame_rate": (120, 1)},
        {"size": 100_000_000},
        {"configuration": b"\1nonsense"},
        {
            "configuration": video_source(
                320, 180, seconds=1, pixel_format="yuv444p"
            ).track.extradata
        },
    ],
)
def test_a_film_that_does_not_play_everywhere_is_encoded(changes: dict[str, Any]) -> None:
    assert why_encoded(video(**changes), SETTINGS)
    assert SOURCE not in plan(video(**changes)).outputs
    assert plan(video(**changes)).rungs[0].height == (1280 if changes.get("turn") else 720)


def test_nothing_is_larger_than_its_source() -> None:
    sizes = [(1920, 1080), (3840, 2160), (720, 1280), (426, 240), (853, 479), (100, 36), (4096, 64)]
    for width, height in sizes:
        for rung in plan(video(width, height, configuration=b"")).rungs:
            assert rung.width <= width
            assert rung.height <= height
            assert rung.width % 2 == rung.height % 2 == 0


def test_turned_and_stretched_pictures_are_shown_upright_in_square_pixels() -> None:
    assert display_size(video(1920, 1080, turn=90)) == (1080, 1920)
    stretched = video(720, 576, appearance=Appearance(aspect_width=64, aspect_height=45))
    assert display_size(stretched) == (1024, 576)
    slip = video(720, 576, appearance=Appearance(aspect_width=1000, aspect_height=1))
    assert display_size(slip) == (720, 576)


def test_a_long_film_is_first_made_as_it_can_be_watched_soonest() -> None:
    long = {"end": TIMELINE_START + 3600 * SECOND, "size": 10**9}
    clean, other = video(1920, 1080, **long), video(1920, 1080, configuration=b"", **long)
    assert plan(clean).outputs == ("360p", SOURCE, AUDIO)
    assert plan(other).outputs == ("360p", AUDIO)
    resume = Resume((TIMELINE_START, TIMELINE_START + SECOND), ("360p", AUDIO))
    second = plan(other, resume=resume)
    assert second.outputs == ("1080p", "720p")
    assert second.boundaries == resume.boundaries
    assert second.pictures is None
    assert {*plan(other).outputs, *second.outputs} == set(
        all_outputs(described(other, AAC), SETTINGS, NOWHERE)
    )


def test_sound_is_copied_if_it_is_clean_and_made_stereo_if_not() -> None:
    assert plan_sound(AAC).copied
    for changes in ({"copy_flaw": "odd"}, {"configuration": b""}, {"size": 30_000_000}):
        encoded = plan_sound(replace(AAC, channels=6, **changes))
        assert (encoded.copied, encoded.channels, encoded.sample_rate) == (False, 2, 44_100)
    telephone = plan_sound(replace(AAC, configuration=b"", sample_rate=8_000, channels=1))
    assert (telephone.channels, telephone.sample_rate) == (1, 48_000)


def test_every_track_of_sound_becomes_a_rendition_with_its_language() -> None:
    tracks = (
        replace(AAC, language="en"),
        replace(AAC, language="de", label="Kommentar", configuration=b"", channels=1),
        replace(AAC, start=NOWHERE),
        replace(AAC, channels=6),
    )
    description = described(video(), *tracks)
    made = plan_pass(description, SETTINGS, None, NOWHERE)
    assert made.outputs == ("360p", SOURCE, "audio", "audio-2", "audio-4")
    assert [(one.language, one.label, one.copied, one.channels) for one in made.sounds] == [
        ("en", "", True, 2),
        ("de", "Kommentar", False, 1),
        ("", "", True, 6),
    ]
    assert set(all_outputs(description, SETTINGS, NOWHERE)) == set(made.outputs)


def test_captions_are_told_apart_and_taken_in_the_first_pass_only() -> None:
    assert [one.key for one in plan(video()).captions] == ["de", "de-2", "de-forced", "und"]
    assert plan(video(), resume=Resume((1,), ("360p",))).captions == ()


def test_wide_colours_become_those_of_ordinary_screens() -> None:
    made = plan(video(configuration=b"", appearance=PQ))
    assert made.wide
    assert made.appearance == BT709


def test_more_than_60_pictures_a_second_are_thinned_out() -> None:
    for rate, stride, shown in (((60, 1), 1, 60), ((120, 1), 2, 60), ((100, 1), 2, 50)):
        made = plan(video(configuration=b"", frame_rate=rate))
        assert made.stride == stride
        assert made.frame_rate[0] / made.frame_rate[1] == shown


def test_plans_and_descriptions_survive_the_pipe() -> None:
    for picture, sound in ((video(), AAC), (None, AAC), (video(appearance=PQ), None)):
        description = described(picture, sound)
        assert description_from_bytes(description_to_bytes(description)) == description
        for resume in (None, Resume((1, 2), ("360p",))):
            made = plan(picture, sound, resume)
            assert plan_from_bytes(plan_to_bytes(made)) == made


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"rungs": 1}'])
def test_what_is_no_plan_and_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedFilePlan):
        plan_from_bytes(data)
    with pytest.raises(MalformedDescription):
        description_from_bytes(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 0),
        ("width", 10**6),
        ("width", "640"),
        ("turn", 45),
        ("frame_rate", [1, 0]),
        ("start", -1),
        ("end", 1 << 60),
        ("codec", "x" * 300),
        ("configuration", "0" * 40_000),
        ("size", None),
    ],
)
def test_a_worker_cannot_describe_what_is_impossible(field: str, value: object) -> None:
    fields = json.loads(description_to_bytes(described(video())))
    fields["video"][field] = value
    with pytest.raises(MalformedDescription):
        description_from_bytes(json.dumps(fields).encode())


def test_what_a_worker_says_of_tracks_is_made_fit_for_playlists() -> None:
    fields = json.loads(description_to_bytes(described(video(), AAC)))
    fields["sounds"][0] |= {"language": "ger", "label": ' The "one"\r\n#EXT-X-ENDLIST\u202e '}
    fields["texts"][0] |= {"language": '../"', "label": "\0"}
    description = description_from_bytes(json.dumps(fields).encode())
    assert description.sounds[0].language == "de"
    assert description.sounds[0].label == "The 'one' #EXT-X-ENDLIST"
    assert (description.texts[0].language, description.texts[0].label) == ("", "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sounds", None),
        ("sounds", [{}]),
        ("sounds", "many"),
        ("texts", {}),
        ("texts", [{"language": "de", "label": "x" * 300, "default": False, "forced": False}]),
    ],
)
def test_a_worker_cannot_describe_impossible_tracks(field: str, value: object) -> None:
    fields = json.loads(description_to_bytes(described(video(), AAC)))
    fields[field] = value
    with pytest.raises(MalformedDescription):
        description_from_bytes(json.dumps(fields).encode())


@pytest.mark.parametrize(("field", "most"), [("sounds", 8), ("texts", 16)])
def test_a_worker_cannot_describe_very_many_tracks(field: str, most: int) -> None:
    fields = json.loads(description_to_bytes(described(video(), AAC)))
    fields[field] = fields[field][:1] * most
    description_from_bytes(json.dumps(fields).encode())
    fields[field] = fields[field][:1] * (most + 1)
    with pytest.raises(MalformedDescription):
        description_from_bytes(json.dumps(fields).encode())


def test_a_file_without_any_track_is_no_description() -> None:
    with pytest.raises(MalformedDescription, match="track"):
        description_from_bytes(b'{"video": null, "sounds": [], "texts": [], "jumps": 0}')
    with pytest.raises(MalformedDescription, match="long"):
        description_from_bytes(b" " * 100_000)
