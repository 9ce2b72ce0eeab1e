"""Valid files of a fraction of a second, one for each container and codec that is taken.

Run as a program it makes those anew that are kept.
"""

import io
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from media.file.container import Container

WIDTH, HEIGHT, FRAMES = 64, 48, 6
SAMPLE_RATE = 48_000

# Name: container, libav's muxer, video encoder, audio encoder.
_RECIPES: dict[str, tuple[Container, str, str | None, str | None]] = {
    "h264 aac mp4": (Container.MP4, "mp4", "libx264", "aac"),
    "hevc pcm mov": (Container.MP4, "mov", "libx265", "pcm_s16le"),
    "vp8 vorbis webm": (Container.MATROSKA, "webm", "libvpx", "vorbis"),
    "vp9 opus webm": (Container.MATROSKA, "webm", "libvpx-vp9", "libopus"),
    "h264 eac3 mkv": (Container.MATROSKA, "matroska", "libx264", "eac3"),
    "h264 aac flv": (Container.FLV, "flv", "libx264", "aac"),
    "h264 ac3 ts": (Container.MPEG_TS, "mpegts", "libx264", "ac3"),
    "opus ogg": (Container.OGG, "ogg", None, "libopus"),
    "wav": (Container.WAV, "wav", None, "pcm_s16le"),
    "flac": (Container.FLAC, "flac", None, "flac"),
    "adts": (Container.ADTS, "adts", None, "aac"),
}

# Kept: run by root, SVT-AV1 gives its whole process a realtime policy, and its children inherit it.
_KEPT = Path(__file__).parent / "kept" / "av1_opus.mkv"
_KEPT_RECIPE = ("matroska", "libsvtav1", "libopus")

# MPEG-1 layer III, 128 kbit/s, 44.1 kHz, stereo: 417 bytes of silence. The wheel has no encoder.
_SILENT_MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)

_QUICK = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
    "vorbis": {"strict": "experimental"},
}


@cache
def tiny_files() -> dict[str, tuple[Container, bytes]]:
    """By a name that says what is inside."""
    files = {name: (recipe[0], _make(*recipe[1:])) for name, recipe in _RECIPES.items()}
    files["av1 opus mkv"] = (Container.MATROSKA, _KEPT.read_bytes())
    files["mp3"] = (Container.MP3, _SILENT_MP3_FRAME * 20)
    return files


def _make(muxer: str, video: str | None, audio: str | None) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as output:
        pictures = _video_stream(output, video) if video else None
        sound = _audio_stream(output, audio) if audio else None
        if pictures is not None:
            for picture in (*_pictures(), None):
                output.mux(pictures.encode(picture))
        if sound is not None:
            for samples in (*_sound(audio), None):
                output.mux(sound.encode(samples))
    return file.getvalue()


def _video_stream(output: OutputContainer, encoder: str) -> VideoStream:
    stream = output.add_stream(encoder, rate=25)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.codec_context.options = _QUICK.get(encoder, {})
    return stream


def _audio_stream(output: OutputContainer, encoder: str) -> AudioStream:
    stream = output.add_stream(encoder, rate=SAMPLE_RATE)
    assert isinstance(stream, AudioStream)
    stream.layout = "stereo"
    stream.codec_context.options = _QUICK.get(encoder, {})
    return stream


def _pictures() -> list[av.VideoFrame]:
    frames = []
    for number in range(FRAMES):
        gradient = np.linspace(number * 9, 200, WIDTH, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(
            np.repeat(gradient[None, :, None], HEIGHT, axis=0).repeat(3, axis=2), format="rgb24"
        ).reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        frames.append(frame)
    return frames


def _sound(encoder: str | None) -> list[av.AudioFrame]:
    form = "s16" if encoder in ("pcm_s16le", "flac", "libopus") else "fltp"
    size = 960 if encoder == "libopus" else 1_536 if encoder in ("ac3", "eac3") else 1_024
    wave = np.sin(np.arange(size) * 0.05) * 0.2
    frames = []
    for number in range(12):
        if form == "s16":
            samples = np.repeat((wave * 32_767).astype(np.int16), 2)[None, :]
        else:
            samples = np.stack([wave, wave]).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format=form, layout="stereo")
        frame.sample_rate, frame.pts = SAMPLE_RATE, number * size
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frames.append(frame)
    return frames


if __name__ == "__main__":
    _KEPT.parent.mkdir(exist_ok=True)
    _KEPT.write_bytes(_make(*_KEPT_RECIPE))
