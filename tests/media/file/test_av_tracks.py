"""All sound of a film can be chosen, and its captions: through the real worker."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from media.captions.captions import Captions
from media.captions.cue import Cue
from tests.media.file.film_maker import (
    AAC,
    H264,
    Made,
    check_sound,
    make,
    picture,
    tone,
    transcode,
)

pytestmark = pytest.mark.process

SRT = """1
00:00:00,500 --> 00:00:01,500
<i>Hello</i> there, 1 < 2

2
00:00:02,000 --> 00:00:03,000
second
line
"""
CUES = (Cue(500, 1_500, "<i>Hello</i> there, 1 &lt; 2"), Cue(2_000, 3_000, "second\nline"))


def pitch(made: Made, name: str) -> int:
    """The loudest frequency in the middle of a rendition's sound, in steps of 10 Hz."""
    rate = made.renditions[name].track.sample_rate
    samples = np.concatenate([block for _, block in made.sound(name)])[rate // 2 :][: rate // 2]
    return int(np.argmax(np.abs(np.fft.rfft(samples))) * 2 / 10) * 10


def films(directory: Path) -> tuple[Path, Path]:
    """One in Matroska with everything, and what of it an MP4 can have."""
    text = directory / "text.srt"
    text.write_text(SRT)
    inputs = (*picture(seconds=4), *tone(4), *tone(2, layout="5.1", pitch=880), *tone(4, pitch=220),
              "-i", str(text))  # fmt: skip
    maps = (
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
        "-map",
        "3",
        "-map",
        "4",
        "-map",
        "4",
        "-map",
        "4",
    )
    matroska = make(
        directory / "film.mkv", *inputs, *maps, *H264, "-g", "50",
        "-c:a", "aac", "-c:a:1", "ac3", "-c:s:0", "srt", "-c:s:1", "ass", "-c:s:2", "webvtt",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger",
        "-metadata:s:a:1", "title=Audiodeskription", "-metadata:s:s:0", "language=eng",
        "-metadata:s:s:1", "language=fre", "-disposition:a:0", "0", "-disposition:a:2", "default",
        "-disposition:s:0", "default", "-disposition:s:1", "forced",
    )  # fmt: skip
    copied = ("-map", "0:v", "-map", "0:a:0", "-map", "0:s:0", "-c", "copy", "-c:s", "mov_text")
    return matroska, make(directory / "film.mp4", "-i", str(matroska), *copied)


async def test_all_sound_and_captions_of_a_film_are_offered(tmp_path: Path) -> None:
    """The default one is the first; all of them last as long as the pictures."""
    matroska, mp4 = films(tmp_path)
    made, other = await asyncio.gather(transcode(matroska), transcode(mp4))
    tracks = {name: one.track for name, one in made.renditions.items() if name not in made.video}
    assert {
        name: (one.language, one.label, one.channels) for name, one in tracks.items()
    } == {
        "audio": ("", "", 1),
        "audio-2": ("en", "", 1),
        "audio-3": ("de", "Audiodeskription", 2),
    }  # fmt: skip
    assert [made.renditions[name].passed_through for name in tracks] == [True, True, False]
    assert [pitch(made, name) for name in tracks] == [220, 440, 880]
    for name, track in tracks.items():
        check_sound(made, name)
        last = made.packets[name][-1].pts / track.timescale
        assert last - 10 == pytest.approx(4, abs=0.06)
    english, french, unknown = made.texts
    assert [(one.key, one.default, one.forced) for one in made.texts] == [
        ("en", True, False),
        ("fr-forced", False, True),
        ("und", False, False),
    ]
    assert without_offset(english) == without_offset(unknown) == CUES
    plain = (Cue(500, 1_500, "Hello there, 1 &lt; 2"), CUES[1])
    assert without_offset(french) == plain
    (timed_text,) = other.texts
    assert without_offset(timed_text) == plain


def without_offset(captions: Captions) -> tuple[Cue, ...]:
    """Times but for what an encoder's first frame may shift all of them by."""
    return tuple(
        Cue(round(cue.start_ms, -2), round(cue.end_ms, -2), cue.text) for cue in captions.cues
    )


async def test_a_track_that_is_no_sound_costs_the_others_nothing(tmp_path: Path) -> None:
    """Beside one that can be heard; alone it is a reason to refuse the file."""
    film = make(tmp_path / "film.mkv", *picture(), *tone(), *tone(pitch=880), "-map", "0", "-map",
                "1", "-map", "2", *H264, *AAC, "-c:a:1", "flac")  # fmt: skip
    data = bytearray(film.read_bytes())
    start = data.index(b"fLaC")
    data[start : start + 42] = bytes(42)
    film.write_bytes(data)
    made = await transcode(film)
    assert [name for name in made.renditions if name not in made.video] == ["audio"]
    assert pitch(made, "audio") == 440
