"""What libav may open and decode of a file, and how much of it.

The wheel of PyAV has 372 demuxers and 535 decoders. Nine demuxers and twelve decoders, with plain
PCM, are what people upload; the others are only ways to reach old code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from config.limits import (
    FILE_FRAME_RATE_TOLERANCE_PERCENT,
    FILE_FRAMES_PER_SECOND_MAX,
    FILE_INDEX_BYTES_MAX,
    FILE_LISTED_STREAMS_MAX,
    FILE_PIXELS_MAX,
    FILE_PROBE_BYTES_MAX,
    FILE_PROBE_MS_MAX,
    FILE_PROBE_PACKETS_MAX,
    FILE_SIDE_PIXELS_MAX,
    FILE_STREAMS_MAX,
    FILE_TEXTS_MAX,
    SAMPLE_RATE_MAX,
    SAMPLE_RATE_MIN,
    SOUND_BLOCK_SAMPLES_MAX,
    SOUND_CHANNELS_MAX,
)
from media.captions.embedded import CODINGS
from media.file.container import Container
from media.file.refusal import RefusalCode, Refused

DEMUXERS: Mapping[Container, str] = MappingProxyType(
    {
        Container.MP4: "mov",
        Container.MATROSKA: "matroska",
        Container.FLV: "flv",
        Container.MPEG_TS: "mpegts",
        Container.OGG: "ogg",
        Container.WAV: "wav",
        Container.FLAC: "flac",
        Container.MP3: "mp3",
        Container.ADTS: "aac",
    }
)
"""By libav's names, to be passed to `av.open` as `format`."""

VIDEO_DECODERS = frozenset({"h264", "hevc", "vp8", "vp9", "libdav1d"})
AUDIO_DECODERS = frozenset({"aac", "mp3float", "opus", "vorbis", "flac", "ac3", "eac3"})
PCM_DECODERS = frozenset(
    {
        "pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le",
        "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw",
    }
)  # fmt: skip
"""One table lookup a sample; what WAV and MOV hold."""

DECODERS = VIDEO_DECODERS | AUDIO_DECODERS | PCM_DECODERS
"""By the names of the decoders that the wheel prefers for their codecs."""

# What is shown to people instead of libav's names.
_CODEC_NAMES = {
    "mpeg4": "MPEG-4 Part 2 (DivX, Xvid)", "msmpeg4": "MS MPEG-4", "msmpeg4v2": "MS MPEG-4",
    "mpeg2video": "MPEG-2", "mpeg1video": "MPEG-1", "mjpeg": "Motion JPEG", "prores": "ProRes",
    "dnxhd": "DNxHD", "theora": "Theora", "vc1": "VC-1", "wmv3": "WMV", "h263": "H.263",
    "flv": "Sorenson Spark (FLV1)", "vp6f": "VP6", "vp6": "VP6", "cfhd": "CineForm", "vvc": "VVC",
    "rawvideo": "raw pictures", "ffv1": "FFV1", "huffyuv": "HuffYUV", "magicyuv": "MagicYUV",
    "mp2": "MP2", "mp2float": "MP2", "mp1float": "MP1", "dca": "DTS", "truehd": "TrueHD",
    "mlp": "MLP", "alac": "Apple Lossless", "wmav2": "WMA", "amrnb": "AMR", "amrwb": "AMR",
    "libopencore_amrnb": "AMR", "aac_latm": "AAC in LATM", "speex": "Speex",
    "libspeex": "Speex", "nellymoser": "Nellymoser", "adpcm_ms": "ADPCM",
    "adpcm_ima_wav": "ADPCM", "adpcm_ima_qt": "ADPCM", "adpcm_swf": "ADPCM",
}  # fmt: skip

# Sample entries of ISO/IEC 23001-7 (common encryption) and of Apple's FairPlay.
_ENCRYPTED_TAGS = frozenset({"encv", "enca", "drmi", "drms"})


def open_options(container: Container, *, probing: bool = True) -> dict[str, str]:
    """Options for `av.open(file, format=DEMUXERS[container], ...)`; values as libav wants them.

    Without `probing` nothing is decoded, and less is known of some tracks.

    The file itself comes as an open file, so no protocol is needed for it; one that is named
    `none` does not exist, nor does such a decoder. `codec_whitelist` holds while libav probes
    only: what is decoded later has to pass `check_streams`.
    """
    return {
        "format_whitelist": DEMUXERS[container],
        "codec_whitelist": ",".join(sorted(DECODERS)) if probing else "none",
        "protocol_whitelist": "none",
        "probesize": str(FILE_PROBE_BYTES_MAX),
        "analyzeduration": str(FILE_PROBE_MS_MAX * 1_000),
        "max_probe_packets": str(FILE_PROBE_PACKETS_MAX),
        "max_streams": str(FILE_LISTED_STREAMS_MAX),
        "indexmem": str(FILE_INDEX_BYTES_MAX),
        **_DEMUXER_OPTIONS.get(container, {}),
        **decoder_options(),
    }


def decoder_options(pixels_max: int = FILE_PIXELS_MAX) -> dict[str, str]:
    """For the context of each decoder before it is opened: a file may change its size at any time.

    A picture that is larger cannot be decoded then, and costs no memory.
    """
    return {"max_pixels": str(pixels_max), "max_samples": str(SOUND_BLOCK_SAMPLES_MAX)}


_DEMUXER_OPTIONS: Mapping[Container, Mapping[str, str]] = {
    # Never media in other files; chapters would be read sample by sample and are not shown.
    Container.MP4: {"enable_drefs": "0", "use_absolute_path": "0", "ignore_chapters": "1"},
    Container.FLV: {"flv_metadata": "0", "flv_full_metadata": "0"},
    Container.MP3: {"usetoc": "0"},
}


class StreamKind(StrEnum):
    """What a stream is to us."""

    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What libav says of one stream after opening a file.

    Attributes:
        decoder: the name of the decoder that would be used, as in DECODERS; None: libav has none.
        tag: the container's own four characters for the codec.
        attached_picture: a cover or a thumbnail (libav's disposition), not a film.
        width, height: 0 while unknown.
        frames, duration_ms: 0 while unknown.
        sample_rate, channels: 0 while unknown.
    """

    kind: StreamKind
    decoder: str | None
    tag: str = ""
    attached_picture: bool = False
    width: int = 0
    height: int = 0
    frames: int = 0
    duration_ms: int = 0
    sample_rate: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True)
class UsableStreams:
    """Indexes of the streams that may be decoded, or read as text, in the file's order."""

    video: tuple[int, ...]
    audio: tuple[int, ...]
    text: tuple[int, ...] = ()


def check_streams(streams: Sequence[StreamFacts]) -> UsableStreams:
    """Which streams of an opened file may be decoded.

    Subtitles that are pictures, data and covers are left aside, and so is a track of an unsupported
    codec beside another of its kind that is supported. A film whose only picture or only sound is
    unsupported is refused rather than shown without.

    Raises:
        Refused: the file as a whole cannot be taken.
    """
    video = _tracks(streams, StreamKind.VIDEO)
    audio = _tracks(streams, StreamKind.AUDIO)
    if len(video) + len(audio) > FILE_STREAMS_MAX:
        raise Refused(RefusalCode.TOO_MANY_STREAMS, str(len(video) + len(audio)))
    if not video and not audio:
        raise Refused(RefusalCode.NO_MEDIA)
    if any(streams[index].tag in _ENCRYPTED_TAGS for index in (*video, *audio)):
        raise Refused(RefusalCode.ENCRYPTED)
    usable = UsableStreams(_decodable(streams, video), _decodable(streams, audio), _texts(streams))
    for index in usable.video:
        check_picture(streams[index].width, streams[index].height)
        check_pace(streams[index].frames, streams[index].duration_ms)
    for index in usable.audio:
        check_sound(streams[index].sample_rate, streams[index].channels)
    return usable


def check_picture(width: int, height: int) -> None:
    """Of a stream or of one decoded picture; 0 means unknown and passes.

    Raises:
        Refused: it is too large.
    """
    if width * height > FILE_PIXELS_MAX or max(width, height) > FILE_SIDE_PIXELS_MAX:
        raise Refused(RefusalCode.TOO_MANY_PIXELS, f"{width}x{height}")


def check_pace(frames: int, duration_ms: int) -> None:
    """So many pictures in so much media time; less than a second says nothing and passes.

    What a container claims as its frame rate is often nonsense (browsers' WebM: 1000), so only
    pictures that were counted are judged.

    Raises:
        Refused: there are too many.
    """
    frames_per_second_max = FILE_FRAMES_PER_SECOND_MAX * (100 + FILE_FRAME_RATE_TOLERANCE_PERCENT)
    if duration_ms >= 1_000 and frames * 1_000 * 100 > frames_per_second_max * duration_ms:
        raise Refused(RefusalCode.TOO_MANY_FRAMES, str(round(frames * 1_000 / duration_ms)))


def check_sound(sample_rate: int, channels: int) -> None:
    """Of a stream or of one decoded block; 0 means unknown and passes.

    Raises:
        Refused: it has too many channels or an odd sample rate.
    """
    if channels > SOUND_CHANNELS_MAX:
        raise Refused(RefusalCode.TOO_MANY_CHANNELS, str(channels))
    if sample_rate and not SAMPLE_RATE_MIN <= sample_rate <= SAMPLE_RATE_MAX:
        raise Refused(RefusalCode.SAMPLE_RATE, str(sample_rate))


def _tracks(streams: Sequence[StreamFacts], kind: StreamKind) -> list[int]:
    return [
        index
        for index, stream in enumerate(streams)
        if stream.kind is kind and not stream.attached_picture
    ]


def _texts(streams: Sequence[StreamFacts]) -> tuple[int, ...]:
    """The first tracks of captions that are text."""
    texts = [
        index
        for index, stream in enumerate(streams)
        if stream.kind is StreamKind.TEXT and stream.decoder in CODINGS
    ]
    return tuple(texts[:FILE_TEXTS_MAX])


_DECODERS_OF = {
    StreamKind.VIDEO: VIDEO_DECODERS,
    StreamKind.AUDIO: AUDIO_DECODERS | PCM_DECODERS,
    StreamKind.TEXT: frozenset[str](),
    StreamKind.OTHER: frozenset[str](),
}


def _decodable(streams: Sequence[StreamFacts], tracks: list[int]) -> tuple[int, ...]:
    usable = tuple(
        index for index in tracks if streams[index].decoder in _DECODERS_OF[streams[index].kind]
    )
    if tracks and not usable:
        raise Refused(RefusalCode.UNSUPPORTED_CODEC, codec_name(streams[tracks[0]]))
    return usable


def codec_name(stream: StreamFacts) -> str:
    """What people call the codec."""
    if stream.decoder is None:
        return stream.tag.strip("\0") or "something unknown"
    if stream.decoder.startswith(("pcm_", "adpcm_")):
        return stream.decoder.split("_")[0].upper()
    return _CODEC_NAMES.get(stream.decoder, stream.decoder)
