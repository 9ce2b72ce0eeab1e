"""Makes the captures in tests/data/enhanced: what FFmpeg's own FLV muxer writes of each coding.

Run it as `python -m scripts.enhanced_captures`; the files are kept, so that no test encodes.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy

TARGET = Path(__file__).parent.parent / "tests" / "data" / "enhanced"
# Encoding AV1 with SVT-AV1 would change the scheduling of this process; this one is encoded.
_AV1 = Path(__file__).parent.parent / "tests" / "media" / "file" / "kept" / "av1_opus.mkv"

_WIDTH, _HEIGHT, _FRAME_RATE, _FRAMES = 160, 96, 25, 12
_SAMPLE_RATE = 48_000
_BLOCK = _SAMPLE_RATE // _FRAME_RATE
_GROUP = {"g": "6"}
_X265 = {"x265-params": "log-level=none:keyint=6:min-keyint=6:bframes=2:pools=1"}

type Stream = tuple[str, dict[str, str]]
_VIDEOS: dict[str, list[Stream]] = {
    "hevc": [("libx265", _X265)],
    "vp9": [("libvpx-vp9", _GROUP)],
    "multitrack": [("libx264", _GROUP | {"bf": "2"}), ("libx265", _X265)],
}
_AUDIOS: dict[str, list[Stream]] = {
    "opus": [("libopus", {"b": "24k"})],
    "flac": [("flac", {})],
    "ac3": [("ac3", {"channels": "5.1", "b": "192k"})],
    "eac3": [("eac3", {"b": "96k"})],
    "mp3": [("libmp3lame", {"b": "64k"})],
    "aac": [("aac", {"channels": "5.1", "b": "64k"})],
    "multitrack": [("aac", {"b": "24k"}), ("aac", {"b": "24k"})],
}


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in sorted(_VIDEOS.keys() | _AUDIOS.keys()):
        encode(TARGET / f"{name}.flv", _VIDEOS.get(name, []), _AUDIOS.get(name, []))
    remux(_AV1, TARGET / "av1.flv")


def encode(path: Path, videos: list[Stream], audios: list[Stream]) -> None:
    """Write half a second of moving bars and of a tone."""
    with av.open(path, "w", format="flv") as container:
        pictures = [_add_video(container, *video, index) for index, video in enumerate(videos)]
        sounds = [_add_audio(container, *audio) for audio in audios]
        streams: list[av.VideoStream | av.AudioStream] = [*pictures, *sounds]
        for index in range(_FRAMES):
            for picture in pictures:
                container.mux(picture.encode(_picture(picture.width, picture.height, index)))
            for sound in sounds:
                for frame in _sound(sound, index):
                    container.mux(sound.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))


def remux(source: Path, target: Path) -> None:
    """Write the first pictures of a file."""
    with av.open(source) as given, av.open(target, "w", format="flv") as container:
        (video,) = given.streams.video
        stream = container.add_stream_from_template(video, opaque=True)
        count = 0
        for packet in given.demux(video):
            if packet.dts is not None and count < _FRAMES:
                packet.stream = stream
                container.mux(packet)
                count += 1


def _add_video(
    container: av.container.OutputContainer, codec: str, options: dict[str, str], index: int
) -> av.VideoStream:
    stream = container.add_stream(codec, rate=_FRAME_RATE, options=options)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = _WIDTH >> index, _HEIGHT >> index, "yuv420p"
    stream.codec_context.thread_count = 1
    return stream


def _add_audio(
    container: av.container.OutputContainer, codec: str, options: dict[str, str]
) -> av.AudioStream:
    layout = options.get("channels", "stereo")
    given = {name: value for name, value in options.items() if name != "channels"}
    stream = container.add_stream(codec, rate=_SAMPLE_RATE, options=given, layout=layout)
    assert isinstance(stream, av.AudioStream)
    return stream


def _picture(width: int, height: int, index: int) -> av.VideoFrame:
    rows, columns = numpy.mgrid[0:height, 0:width]
    planes = [(columns * 2 + index * 8) % 256, (rows * 2) % 256, numpy.full_like(rows, 20 * index)]
    rgb = numpy.stack(planes, axis=-1).astype(numpy.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = index, Fraction(1, _FRAME_RATE)
    return frame


def _sound(stream: av.AudioStream, index: int) -> Iterator[av.AudioFrame]:
    times = numpy.arange(index * _BLOCK, (index + 1) * _BLOCK) / _SAMPLE_RATE
    tone = (numpy.sin(2 * math.pi * 440 * times) / 4).astype(numpy.float32)
    channels = stream.layout.nb_channels
    frame = av.AudioFrame.from_ndarray(
        numpy.tile(tone, (channels, 1)), format="fltp", layout=stream.layout.name
    )
    frame.sample_rate, frame.pts = _SAMPLE_RATE, index * _BLOCK
    resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=_SAMPLE_RATE)
    yield from resampler.resample(frame)


if __name__ == "__main__":
    main()
