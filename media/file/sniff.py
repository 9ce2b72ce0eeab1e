"""Tells from a file's first bytes which container it is.

Our own check, before any library opens the file: libav guesses by content, and would take a text
that names other files for a film. What is not plainly one of our containers is refused by name.
"""

from collections.abc import Callable

from config.limits import SNIFF_BYTES
from media.file.audio_frames import id3v2_bytes, is_adts, is_mp3
from media.file.container import Container
from media.file.ebml import EBML_MAGIC, MalformedEbml, document_type
from media.file.foreign import refuse_foreign
from media.file.iso_box import is_iso_media
from media.file.refusal import RefusalCode, Refused

__all__ = ["SNIFF_BYTES", "sniff", "sniff_behind_tag"]

_TOO_SHORT_BYTES = 64
"""Below this nothing can be told of a file, and nothing could be in it."""

# Plain packets; with a time code of 4 bytes before each (Blu-ray, AVCHD); with 16 of parity.
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
_TS_SYNCS_MIN = 5

# Programs that change tags sometimes put a new one before the old.
_TAGS_MAX = 4

# Of MP3 at its highest rate, with the header of a third.
_TWO_FRAMES_BYTES = 2_200

_FLV_HEADER_BYTES = 9
_FLV_FIRST_TAGS = frozenset({8, 9, 18})
_FLV_FILTERED = 0x20


def sniff(head: bytes) -> Container:
    """Which container a file is, by its first SNIFF_BYTES (fewer only when it is shorter).

    An ID3v2 tag may hide what comes after it; such a file is taken for MP3, as nearly all are, and
    `sniff_behind_tag` looks again when the whole file is there.

    Raises:
        Refused: it is none that is taken.
    """
    head = head[:SNIFF_BYTES]
    if not head:
        raise Refused(RefusalCode.EMPTY)
    if not any(head):
        raise Refused(RefusalCode.BLANK)
    if tag := id3v2_bytes(head):
        return _sniff_behind_tag(head[tag:])
    for container, recognises in _CONTAINERS:
        if recognises(head):
            return container
    refuse_foreign(head)
    # These have the weakest signatures, so they come last: a text can be written to look like one.
    if _is_mpeg_ts(head):
        return Container.MPEG_TS
    if sound := _bare_sound(head):
        return sound
    short = len(head) < _TOO_SHORT_BYTES
    raise Refused(RefusalCode.TOO_SHORT if short else RefusalCode.UNKNOWN_FORMAT)


def sniff_behind_tag(container: Container, read: Callable[[int, int], bytes]) -> Container:
    """Look again at a file of which the head was perhaps filled by a tag, such as a cover.

    Args:
        container: what `sniff` made of it.
        read: so many bytes from an offset on.

    Raises:
        Refused: what comes behind the tag is plainly something else.
    """
    if container is not Container.MP3:
        return container
    place = 0
    for _ in range(_TAGS_MAX):
        head = read(place, SNIFF_BYTES)
        tag = id3v2_bytes(head)
        if tag == 0:
            break
        place += tag
    try:
        return _sniff_behind_tag(read(place, SNIFF_BYTES))
    except Refused as refused:
        if refused.code is RefusalCode.UNKNOWN_FORMAT:
            return container  # rubbish before the first frame: libav looks further
        raise


def _sniff_behind_tag(rest: bytes) -> Container:
    """Only sound is tagged like that; zeros are padding that the tag did not count."""
    if not rest.strip(b"\0") or rest.startswith(b"ID3"):
        return Container.MP3
    if _is_flac(rest):
        return Container.FLAC
    if sound := _bare_sound(rest):
        return sound
    refuse_foreign(rest)
    if len(rest) < _TWO_FRAMES_BYTES:
        return Container.MP3
    raise Refused(RefusalCode.UNKNOWN_FORMAT)


def _bare_sound(data: bytes) -> Container | None:
    if is_mp3(data):
        return Container.MP3
    return Container.ADTS if is_adts(data) else None


def _is_matroska(head: bytes) -> bool:
    if not head.startswith(EBML_MAGIC):
        return False
    try:
        kind = document_type(head)
    except MalformedEbml:
        raise Refused(RefusalCode.DAMAGED) from None
    if kind not in ("matroska", "webm"):
        raise Refused(RefusalCode.UNKNOWN_FORMAT)
    return True


def _is_flv(head: bytes) -> bool:
    """Adobe's Video File Format 10.1, annex E.2: header, a zero size, then the first tag."""
    if not head.startswith(b"FLV\x01") or len(head) < _FLV_HEADER_BYTES:
        return False
    first = int.from_bytes(head[5:9], "big") + 4
    if first < _FLV_HEADER_BYTES + 4 or first >= len(head):
        return False
    if head[first] & ~_FLV_FILTERED not in _FLV_FIRST_TAGS:
        return False
    if head[first] & _FLV_FILTERED:
        raise Refused(RefusalCode.ENCRYPTED)
    return True


def _is_mpeg_ts(head: bytes) -> bool:
    """ISO/IEC 13818-1, 2.4.3: all packets in sight begin with the sync byte.

    A recording of a broadcast may begin within a packet.
    """
    return any(
        _has_ts_packets(head, start, size)
        for size, before in _TS_PACKETS
        for start in (before, *range(size))
    )


def _has_ts_packets(head: bytes, start: int, size: int) -> bool:
    syncs = head[start::size]
    if len(syncs) < _TS_SYNCS_MIN or syncs.strip(b"\x47"):
        return False
    # adaptation_field_control 0 is reserved, and text would soon have it.
    return all(control & 0x30 for control in head[start + 3 :: size])


def _is_ogg(head: bytes) -> bool:
    """RFC 3533, 6: version 0 and no flags but the three that exist."""
    return head.startswith(b"OggS\0") and len(head) > 27 and head[5] <= 7


def _is_wav(head: bytes) -> bool:
    """RIFF and its extension for large files (EBU Tech 3306, ITU-R BS.2088)."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def _is_flac(head: bytes) -> bool:
    """RFC 9639, 8: STREAMINFO comes first and has 34 bytes."""
    return head.startswith(b"fLaC") and head[4:8] in (b"\x00\0\0\x22", b"\x80\0\0\x22")


_CONTAINERS: tuple[tuple[Container, Callable[[bytes], bool]], ...] = (
    (Container.MP4, is_iso_media),
    (Container.MATROSKA, _is_matroska),
    (Container.FLV, _is_flv),
    (Container.OGG, _is_ogg),
    (Container.WAV, _is_wav),
    (Container.FLAC, _is_flac),
)
