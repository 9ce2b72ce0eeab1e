"""Why a file is refused, as a code and as a sentence that a person can act on."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from config.limits import REFUSAL_DETAIL_CHARACTERS_MAX


class RefusalCode(StrEnum):
    """What is wrong with a file; permanent, and part of the API."""

    # Seen in the first bytes.
    EMPTY = "empty"
    TOO_SHORT = "too_short"
    BLANK = "blank"
    PLAYLIST = "playlist"
    STREAM_DESCRIPTION = "stream_description"
    TORRENT = "torrent"
    WEB_PAGE = "web_page"
    SUBTITLES = "subtitles"
    TEXT = "text"
    IMAGE = "image"
    ARCHIVE = "archive"
    DOCUMENT = "document"
    PROGRAM = "program"
    UNSUPPORTED_CONTAINER = "unsupported_container"
    UNKNOWN_FORMAT = "unknown_format"
    # Seen when its tracks are listed.
    UNSUPPORTED_CODEC = "unsupported_codec"
    NO_MEDIA = "no_media"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_MANY_STREAMS = "too_many_streams"
    TOO_MANY_CHANNELS = "too_many_channels"
    SAMPLE_RATE = "sample_rate"
    ENCRYPTED = "encrypted"
    EXTERNAL_MEDIA = "external_media"
    UNFINISHED = "unfinished"
    # Seen while it is worked on.
    DAMAGED = "damaged"
    TOO_LONG = "too_long"
    TOO_SLOW = "too_slow"
    TOO_DEMANDING = "too_demanding"


SENTENCES: Mapping[RefusalCode, str] = MappingProxyType(
    {
        RefusalCode.EMPTY: "The file is empty. Choose the file again and upload it anew.",
        RefusalCode.TOO_SHORT: (
            "The file is too short to be a video or a sound. It may have been cut off: "
            "check that it plays on your device, then upload it again."
        ),
        RefusalCode.BLANK: (
            "The file begins with nothing but zeros, as a copy or a recording does that was "
            "interrupted. Copy it again from where it was recorded."
        ),
        RefusalCode.PLAYLIST: (
            "This is a playlist ({detail}): it only names media that is kept elsewhere. "
            "Upload the video or sound file itself."
        ),
        RefusalCode.STREAM_DESCRIPTION: (
            "This is the description of a network stream ({detail}), without any media in it. "
            "Record the stream and upload the recording."
        ),
        RefusalCode.TORRENT: (
            "This is a torrent, which only names files that are kept elsewhere. "
            "Download the video with it, then upload the video."
        ),
        RefusalCode.WEB_PAGE: (
            "This is a web page that was saved instead of a video. Download the video file itself "
            "and upload that."
        ),
        RefusalCode.SUBTITLES: (
            "This file holds subtitles ({detail}) without video or sound. "
            "Upload the video that they belong to."
        ),
        RefusalCode.TEXT: "This is a text file. Upload a video or a sound file.",
        RefusalCode.IMAGE: "This is a picture ({detail}). Upload a video or a sound file.",
        RefusalCode.ARCHIVE: (
            "This is an archive ({detail}). Unpack it and upload the video that is inside."
        ),
        RefusalCode.DOCUMENT: "This is a document ({detail}). Upload a video or a sound file.",
        RefusalCode.PROGRAM: "This is a program ({detail}). Upload a video or a sound file.",
        RefusalCode.UNSUPPORTED_CONTAINER: (
            "{detail} files are not supported. Convert it to MP4 with H.264 video and AAC sound, "
            "for instance with HandBrake, and upload the result."
        ),
        RefusalCode.UNKNOWN_FORMAT: (
            "This is not a video or sound file of a kind that is supported. Take MP4, MOV, MKV, "
            "WebM, FLV, MPEG-TS, Ogg, WAV, FLAC, MP3 or AAC."
        ),
        RefusalCode.UNSUPPORTED_CODEC: (
            "A track of the file is encoded as {detail}, which is not supported. Convert it to MP4 "
            "with H.264 video and AAC sound, for instance with HandBrake, and upload the result."
        ),
        RefusalCode.NO_MEDIA: (
            "The file has neither video nor sound in it. Check that the export included its tracks."
        ),
        RefusalCode.TOO_MANY_PIXELS: (
            "Its pictures are too large ({detail}). Export it with at most 4096x2304 pixels."
        ),
        RefusalCode.TOO_MANY_FRAMES: (
            "It has too many pictures a second ({detail}). Export it with at most 120."
        ),
        RefusalCode.TOO_MANY_STREAMS: (
            "It has too many video and sound tracks ({detail}). Export it with at most 8."
        ),
        RefusalCode.TOO_MANY_CHANNELS: (
            "Its sound has too many channels ({detail}). Export it in stereo, or with at most 8."
        ),
        RefusalCode.SAMPLE_RATE: (
            "Its sound has {detail} samples a second, which is not supported. "
            "Export it with 48 000."
        ),
        RefusalCode.ENCRYPTED: (
            "The file is copy protected or encrypted, so that it cannot be opened. "
            "Upload a version without protection."
        ),
        RefusalCode.EXTERNAL_MEDIA: (
            "The file only refers to media in other files. Export it as a self-contained movie."
        ),
        RefusalCode.UNFINISHED: (
            "The recording was cut off before its index was written, so that it cannot be played. "
            "Repair it with the program that recorded it, or upload another copy."
        ),
        RefusalCode.DAMAGED: (
            "The file is damaged: what is in it cannot be decoded. Check that it plays on your "
            "device, then export or copy it again."
        ),
        RefusalCode.TOO_LONG: (
            "The file claims to be much longer than what is in it can last. "
            "Export or convert it again, so that its times are right."
        ),
        RefusalCode.TOO_SLOW: (
            "Working on the file took far longer than on others of its size. "
            "Export it again with common settings, such as H.264 in MP4."
        ),
        RefusalCode.TOO_DEMANDING: (
            "The file asks for far more memory or work than others of its size. "
            "Export it again with common settings, such as H.264 in MP4."
        ),
    }
)


class Refused(Exception):
    """A file is refused for good: the same bytes would be refused again."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        """`detail` fills the sentence's place for one; it may come from hostile bytes."""
        self.code = code
        self.detail = _presentable(detail)
        super().__init__(f"{code}: {self.sentence}")

    @property
    def sentence(self) -> str:
        """What is wrong and what to do about it."""
        return SENTENCES[self.code].format(detail=self.detail or "of an unknown kind")


def refused_from_worker(code: str, detail: str) -> Refused:
    """What a worker, which may have been taken over, says about a file.

    Raises:
        ValueError: there is no such code.
    """
    return Refused(RefusalCode(code), detail)


def _presentable(detail: str) -> str:
    """Short and printable ASCII, whatever was read from the file."""
    cut = detail[:REFUSAL_DETAIL_CHARACTERS_MAX]
    return "".join(sign if " " <= sign <= "~" else "?" for sign in cut).strip()
