"""The file formats that are taken."""

from enum import StrEnum


class Container(StrEnum):
    """How a file wraps its tracks.

    MP4 stands for the whole ISO base media family, QuickTime included; MATROSKA includes WebM.
    """

    MP4 = "mp4"
    MATROSKA = "matroska"
    FLV = "flv"
    MPEG_TS = "mpeg_ts"
    OGG = "ogg"
    WAV = "wav"
    FLAC = "flac"
    MP3 = "mp3"
    ADTS = "adts"
