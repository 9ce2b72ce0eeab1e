"""Every kind of film becomes what players take: a matrix of small files through the real worker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.file.plan import FileSettings, Resume
from media.timeline import TIMELINE_START
from media.units import VIDEO_TIMESCALE
from tests.media.file.film_maker import (
    AAC,
    H264,
    QUICK,
    Made,
    check_sound,
    check_video,
    make,
    picture,
    tone,
    transcode,
)

pytestmark = pytest.mark.process

Size = tuple[int, int]


@dataclass(frozen=True)
class Kind:
    """A kind of film.

    Attributes:
        arguments: of ffmpeg.
        video: names and sizes of the renditions to be made.
        sound: channels; 0 for none.
        pictures: how many each rendition has.
        seconds: how long it lasts.
    """

    name: str
    arguments: tuple[str, ...]
    video: Mapping[str, Size]
    sound: int = 1
    pictures: int = 50
    seconds: float = 2


SMALL = {"180p": (320, 180)}
COPIED = {"source": (320, 180)}
INTERLACED = ("-c:v", "libx264", "-preset", "ultrafast", "-flags", "+ildct+ilme")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")
KEYFRAMES = ("-g", "50")

KINDS = [
    Kind("b-frames.mp4", (*picture(), *tone(), *H264, *KEYFRAMES, "-bf", "2", *AAC), COPIED),
    Kind("camera.mov", (*picture("640x360"), *tone(), *H264, *KEYFRAMES, *AAC),
         {"source": (640, 360)}),
    Kind("ladder.mp4", (*picture("1280x720", "10"), *tone(), *H264, "-vf", "setsar=1/1,hflip",
         "-color_range", "pc", "-pix_fmt", "yuvj422p", *AAC),
         {"720p": (1280, 720), "360p": (640, 360)}, pictures=20),
    Kind("copied-top.mp4", (*picture("1280x720", "10"), *tone(), *H264, "-g", "20", *AAC),
         {"360p": (640, 360), "source": (1280, 720)}, pictures=20),
    Kind("vorbis.mkv", (*picture(), *tone(), *H264, *KEYFRAMES, "-c:a", "libvorbis", "-ac", "2"),
         COPIED, sound=2),
    Kind("vp9.webm", (*picture(), *tone(), "-c:v", "libvpx-vp9", "-deadline", "realtime",
         "-cpu-used", "8", "-c:a", "libopus"), SMALL),
    Kind("av1.webm", (*picture(), *tone(), "-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used",
         "8", "-c:a", "libopus"), SMALL),
    Kind("hevc-10-bit.mp4", (*picture(), *tone(), *HEVC, "-pix_fmt", "yuv420p10le", *AAC), SMALL),
    Kind("screen.flv", (*picture(), *tone(), *H264, *KEYFRAMES, *AAC), COPIED),
    Kind("broadcast.ts", (*picture(), *tone(), *H264, *KEYFRAMES, *AAC), COPIED),
    Kind("uneven.mp4", (*picture(), *tone(), *H264, "-vf", "select=not(eq(mod(n\\,7)\\,3))",
         "-fps_mode", "passthrough", "-bf", "2", "-x264-params", "open-gop=1:keyint=25", *AAC),
         COPIED, pictures=43),
    Kind("cinema.mp4", (*picture(rate="24000/1001"), *tone(), *H264, *AAC),
         COPIED, pictures=48, seconds=2.002),
    Kind("interlaced.ts", (*picture("320x192", "50"), *tone(), "-vf", "interlace", *INTERLACED,
         *AAC), {"192p": (320, 192)}),
    Kind("120.mp4", (*picture(rate="120"), *tone(), *H264, *AAC), SMALL, pictures=120),
    Kind("anamorphic.mp4", (*picture("360x288"), *tone(), "-vf", "setsar=64/45", *H264, *AAC),
         {"288p": (512, 288)}),
    Kind("odd.mp4", (*picture("211x121"), *tone(), *H264, "-pix_fmt", "yuv444p", *AAC),
         {"120p": (210, 120)}),
    Kind("portrait.mp4", (*picture("180x320"), *tone(), *H264, "-g", "250", "-bf", "3", *AAC),
         {"source": (180, 320)}),
    Kind("sound.wav", tone(), {}),
    Kind("sound.mp3", tone(), {}),
    Kind("sound.flac", tone(layout="stereo"), {}, sound=2),
    Kind("sound.ogg", (*tone(), "-c:a", "libopus"), {}),
    Kind("sound.aac", tone(rate=44_100), {}),
    Kind("silent.mp4", (*picture(), *H264, *KEYFRAMES), COPIED, sound=0),
    Kind("surround.mp4", (*picture(), *tone(layout="5.1"), *H264, *KEYFRAMES, *AAC), COPIED,
         sound=6),
    Kind("dolby.mp4", (*picture(), *tone(layout="5.1"), *H264, *KEYFRAMES, "-c:a", "ac3"), COPIED,
         sound=2),
    Kind("no-keyframes.mp4", (*picture(seconds=3), *tone(3), *H264, "-g", "1000", *AAC), SMALL,
         pictures=75, seconds=3),
    Kind("slides.mp4", (*picture(rate="1/5", seconds=10), *tone(10), *H264, *AAC), SMALL,
         pictures=7, seconds=10),
]  # fmt: skip


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a film, once for all tests of this module."""
    directory = tmp_path_factory.mktemp("films")

    def made(name: str, *arguments: str) -> Path:
        target = directory / name
        return target if target.exists() else make(target, *arguments)

    return made


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
async def test_every_kind_of_film_becomes_what_players_take(
    kind: Kind, film: Callable[..., Path]
) -> None:
    made = await transcode(film(kind.name, *kind.arguments))
    assert {name: made.size(name) for name in made.video} == kind.video
    assert made.seconds == pytest.approx(kind.seconds, abs=0.05)
    if kind.video:
        check_video(made)
        assert {poster.kind for poster in made.pictures} == {"poster", "sheet"}
    for name in kind.video:
        frames = made.frames(name)
        assert len(frames) == len(made.packets[name]) == kind.pictures
        assert {(one.width, one.height) for one in frames} == {kind.video[name]}
    assert ("audio" in made.renditions) == bool(kind.sound)
    if kind.sound:
        check_sound(made)
        assert made.renditions["audio"].track.channels == kind.sound
        last = made.packets["audio"][-1].pts / made.renditions["audio"].track.timescale
        assert last - 10 == pytest.approx(kind.seconds, abs=0.06)


def luma(made: Made, place: int = 0) -> tuple[float, float, float, float]:
    """Mean brightness of the quarters of a picture: top left and right, bottom left and right."""
    picture = made.frames(made.video[-1])[place].to_ndarray(format="gray")
    top, left = picture.shape[0] // 2, picture.shape[1] // 2
    quarters = (
        picture[:top, :left],
        picture[:top, left:],
        picture[top:, :left],
        picture[top:, left:],
    )
    return tuple(float(one.mean()) for one in quarters)  # type: ignore[return-value]


def colour(made: Made) -> tuple[int, int, int]:
    """Y, Cb and Cr in the middle of the first picture."""
    frame = made.frames(made.video[-1])[0]
    return tuple(bytes(plane)[plane.line_size * plane.height // 2 + 8] for plane in frame.planes)  # type: ignore[return-value]


QUARTER = "color=black:s=320x180:r=10:d=1,drawbox=w=iw/2:h=ih/2:c=white:t=fill"
WHITE_TOP_LEFT = ("-f", "lavfi", "-i", QUARTER)


@pytest.mark.parametrize(
    ("option", "size", "white"),
    [
        (("-display_rotation", "-90"), (180, 320), 1),
        (("-display_rotation", "180"), (320, 180), 3),
        (("-display_rotation", "90"), (180, 320), 2),
        (("-display_hflip",), (320, 180), 1),
        (("-display_rotation", "90", "-display_hflip"), (180, 320), 3),
    ],
)
async def test_pictures_are_turned_as_the_file_says(
    film: Callable[..., Path], option: tuple[str, ...], size: Size, white: int
) -> None:
    upright = film("upright.mp4", *WHITE_TOP_LEFT, *H264)
    name = "turned" + "".join(option).replace("-", "_") + ".mov"
    made = await transcode(film(name, *option, "-i", str(upright), "-c", "copy"))
    assert made.size(made.video[0]) == size
    quarters = luma(made)
    assert [place for place, mean in enumerate(quarters) if mean > 150] == [white]


RED = "color=c=0xC03020:s=320x180:r=10:d=0.3,format=gbrp,"
TO_PQ = "zscale=pin=709:tin=709:min=gbr:rin=full:p=2020:t=smpte2084:m=2020_ncl:r=limited:npl=203,"
PQ = "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
TO_BT709 = "zscale=pin=709:tin=709:min=gbr:rin=full:p=709:t=709:m=709:r={range},"
FULL = (RED + TO_BT709.format(range="full") + "format=yuvj422p",
        (*H264[:-1], "yuvj422p", *BT709, "-color_range", "pc"))  # fmt: skip
HDR = (RED + TO_PQ + "format=yuv420p10le", (*HEVC[:4], "-x265-params", PQ))
RGB = (RED + "format=gbrp", ("-c:v", "libx264rgb", "-preset", "ultrafast", "-crf", "10"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [(FULL, (83, 107, 192)), (RGB, (90, 100, 190)), (HDR, (68, 112, 168))],
    ids=["full-range", "rgb", "hdr"],
)
async def test_colours_are_those_of_the_source(
    film: Callable[..., Path],
    source: tuple[str, tuple[str, ...]],
    expected: tuple[int, int, int],
) -> None:
    chain, encoder = source
    name = f"red-{expected[0]}.mkv"
    made = await transcode(film(name, "-f", "lavfi", "-i", chain.rstrip(","), *encoder))
    assert colour(made) == pytest.approx(expected, abs=8)
    frame = made.frames(made.video[0])[0]
    assert (frame.format.name, frame.color_range) == ("yuv420p", 1)


async def test_later_passes_cut_where_the_first_one_did(film: Callable[..., Path]) -> None:
    settings = FileSettings(encoder=QUICK.encoder, short_ticks=VIDEO_TIMESCALE)
    source = film("two-passes.mkv", *picture("1280x720", "15", 5), *tone(5), "-c:v", "libx264",
                  "-preset", "ultrafast", "-pix_fmt", "yuv422p", "-c:a", "flac")  # fmt: skip
    first = await transcode(source, settings)
    assert list(first.renditions) == ["360p", "audio"]
    assert first.outcome is not None
    assert first.outcome.remaining == ("720p",)
    boundaries = tuple(first.boundaries("360p"))
    second = await transcode(source, settings, Resume(boundaries, ("360p", "audio")))
    assert list(second.renditions) == ["720p"]
    assert second.boundaries("720p") == list(boundaries)
    assert [one.pts for one in second.packets["720p"]] == [one.pts for one in first.packets["360p"]]
    assert second.outcome is not None
    assert second.outcome.remaining == ()
    assert second.pictures == []
    assert [one.renditions for one in second.progress][-1] == {
        "720p": 1000,
        "360p": 1000,
        "audio": 1000,
    }


async def test_a_still_picture_is_hardly_encoded(film: Callable[..., Path]) -> None:
    still = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.04,loop=149:1,setpts=N/25/TB")
    made = await transcode(film("still.mp4", *still, *tone(6), *H264, *AAC))
    assert made.boundaries("180p") == [TIMELINE_START + n * 2 * VIDEO_TIMESCALE for n in range(3)]
    assert len(made.packets["180p"]) <= 15
    assert made.packets["180p"][-1].pts == TIMELINE_START + 6 * VIDEO_TIMESCALE - 3600


async def test_the_default_track_of_sound_is_taken(film: Callable[..., Path]) -> None:
    tracks = ("-map", "0", "-map", "1", "-map", "2", "-disposition:a:0", "0",
              "-disposition:a:1", "default")  # fmt: skip
    source = film("two-tracks.mp4", *picture(), *tone(), *tone(rate=44_100), *tracks, *H264, *AAC)
    assert (await transcode(source)).renditions["audio"].track.sample_rate == 44_100


async def test_recordings_put_together_go_on(film: Callable[..., Path]) -> None:
    small = film("small.ts", *picture("320x180"), *tone(), *H264, *AAC)
    large = film("large.ts", *picture("640x360"), *tone(), *H264, *AAC)
    both = small.with_name("both.ts")
    both.write_bytes(small.read_bytes() + large.read_bytes())
    made = await transcode(both)
    check_video(made)
    check_sound(made)
    assert made.seconds == pytest.approx(4, abs=0.1)
    assert {(one.width, one.height) for one in made.frames("180p")} == {(320, 180)}
    assert len(made.packets["180p"]) == pytest.approx(100, abs=2)


async def test_what_is_there_of_a_file_that_was_cut_off_is_made(film: Callable[..., Path]) -> None:
    whole = film("whole.mkv", *picture(seconds=4), *tone(4), *H264, *AAC)
    part = whole.with_name("part.mkv")
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    made = await transcode(part)
    check_video(made)
    assert 1 < made.seconds < 3


async def test_negative_times_keep_pictures_and_sound_together(film: Callable[..., Path]) -> None:
    whole = film("positive.mkv", *picture(), *tone(), *H264, *AAC)
    early = film("early.mkv", "-itsoffset", "-0.5", "-i", str(whole), "-c", "copy",
                 "-avoid_negative_ts", "disabled")  # fmt: skip
    made = await transcode(early)
    check_video(made)
    assert made.seconds == pytest.approx(2, abs=0.1)
    assert made.packets[made.video[0]][0].pts == pytest.approx(TIMELINE_START, abs=9_000)


FLASH = "color=black:s=160x90:r=10:d={d},drawbox=c=white:t=fill:enable=lt(mod(t\\,{every})\\,0.1)"
BEEP = "aevalsrc=lt(mod(t*{drift}\\,{every})\\,0.1)*sin(2*PI*1000*t)*0.8:d={d}:s={rate}"


def flashes_and_beeps(seconds: int, every: int, rate: int, drift: float = 1) -> tuple[str, ...]:
    """Pictures and sound that mark the same moments; the sound's clock may run fast."""
    flash = FLASH.format(d=seconds, every=every)
    beep = BEEP.format(d=seconds - 0.5, every=every, rate=rate, drift=drift)
    return ("-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep)


def onsets(made: Made) -> tuple[list[float], list[float]]:
    """When pictures become bright and when it becomes loud, in seconds."""
    flashes: list[float] = []
    beeps: list[float] = []
    bright = False
    for frame in made.frames(made.video[-1]):
        assert frame.pts is not None
        was, bright = bright, bytes(frame.planes[0])[frame.planes[0].line_size * 45 + 80] > 128
        if bright and not was:
            flashes.append(frame.pts / VIDEO_TIMESCALE)
    rate = made.renditions["audio"].track.sample_rate
    for start, block in made.sound():
        loud = abs(block) > 0.3
        if loud.any():
            second = (start + int(loud.argmax())) / rate
            if not beeps or second - beeps[-1] > 1:
                beeps.append(second)
    return flashes, beeps


def check_step(made: Made, count: int) -> None:
    flashes, beeps = onsets(made)
    assert len(flashes) == len(beeps) == count
    assert max(abs(one - other) for one, other in zip(flashes, beeps, strict=True)) <= 0.04


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("copied.mp4", AAC),
        ("primed.ts", AAC),
        ("rounded.flv", AAC),
        ("opus.webm", ("-c:a", "libopus")),
        ("lame.mp4", ("-c:a", "libmp3lame")),
    ],
)
async def test_sound_and_pictures_stay_in_step(
    film: Callable[..., Path], name: str, codec: tuple[str, ...]
) -> None:
    coder = (
        ("-c:v", "libvpx", "-deadline", "realtime")
        if name.endswith("webm")
        else (*H264, "-bf", "2")
    )
    source = film(name, *flashes_and_beeps(6, 2, 44_100), *coder, *codec)
    check_step(await transcode(source), 3)


async def test_sound_whose_clock_runs_fast_and_has_a_hole_stays_in_step_for_ten_minutes(
    film: Callable[..., Path],
) -> None:
    hole = "aselect=not(between(t\\,200\\,215)),asetpts=PTS*1.0003"
    source = film("ten-minutes.mkv", *flashes_and_beeps(600, 60, 8_000, 1.0003), "-af", hole,
                  *H264, "-c:a", "pcm_s16le")  # fmt: skip
    made = await transcode(source)
    check_sound(made)
    check_step(made, 10)
