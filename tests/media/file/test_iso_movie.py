"""Indexes as no honest muxer writes them, and as real ones do."""

import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import limits
from media.file.iso_movie import check_movie
from media.file.refusal import RefusalCode, Refused
from tests.media.file.tiny_files import tiny_files
from tests.media.file.writers import (
    FILE_TYPE,
    box,
    full_box,
    movie,
    pcm_entry,
    sample_tables,
    track,
    u32,
)

TINY = tiny_files()
PLAIN = sample_tables(10, 2, 0)
MANY = limits.FILE_PACKETS_MAX + 1


def check(data: bytes) -> None:
    check_movie(lambda at, count: data[at : at + count], len(data))


def refusal_of(data: bytes) -> RefusalCode:
    with pytest.raises(Refused) as refused:
        check(data)
    return refused.value.code


SELF_CONTAINED = full_box(b"dref", u32(1), full_box(b"url ", flags=1))


def sound(
    tables: bytes = PLAIN,
    *,
    entry: bytes | None = None,
    references: bytes = SELF_CONTAINED,
    edits: bytes = b"",
) -> bytes:
    return track(b"soun", entry or pcm_entry(), tables, references=references, edits=edits)


def film(tables: bytes) -> bytes:
    return track(b"vide", box(b"avc1", bytes(78)), tables)


def references(kind: bytes, content: bytes, flags: int) -> bytes:
    return full_box(b"dref", u32(1), full_box(kind, content, flags=flags))


@pytest.mark.parametrize("name", ["h264 aac mp4", "hevc pcm mov"])
def test_files_of_honest_muxers_pass(name: str) -> None:
    check(TINY[name][1])


def test_a_fragmented_file_passes() -> None:
    packed = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov"}
    with (
        av.open(io.BytesIO(TINY["h264 aac mp4"][1]), "r") as original,
        av.open(packed, "w", format="mp4", options=options) as copy,
    ):
        stream = copy.add_stream_from_template(original.streams.video[0])
        for packet in original.demux(original.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)

    assert b"moof" in packed.getvalue()
    check(packed.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        movie(sound(), film(PLAIN)),
        movie(sound(references=references(b"alis", b"", 1))),
        movie(sound(references=references(b"url ", b"", 0))),
        movie(sound(references=b"")),
        # QuickTime says a second time how its data is stored.
        movie(box(b"trak", box(b"mdia", full_box(b"hdlr", bytes(4), b"soun", bytes(12)),
                               box(b"minf", full_box(b"hdlr", b"dhlralis", bytes(12)))))),
        # A day of PCM: four billion samples are four million blocks.
        movie(sound(sample_tables(4_147_200_000, 2, 0))),
        # Chunks as libav's own muxer cuts them.
        movie(sound(sample_tables(48_000, 2, 0, per_chunk=1_024))),
        box(b"moov", b"\0\0\0\1"),
        FILE_TYPE + box(b"mdat", bytes(40)) + movie(sound()),
    ],
)  # fmt: skip
def test_odd_files_pass_when_nothing_is_wrong_with_them(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", RefusalCode.UNFINISHED),
        (FILE_TYPE + box(b"mdat", bytes(100)), RefusalCode.UNFINISHED),
        (FILE_TYPE + b"\0\0\0\0mdat" + bytes(100), RefusalCode.UNFINISHED),
        (movie(sound())[:-200], RefusalCode.UNFINISHED),
        (movie(sound(entry=box(b"enca", bytes(28)))), RefusalCode.ENCRYPTED),
        (movie(sound(references=references(b"alis", bytes(150), 0))), RefusalCode.EXTERNAL_MEDIA),
        (movie(sound(references=references(b"rsrc", bytes(150), 0))), RefusalCode.EXTERNAL_MEDIA),
        (
            movie(sound(references=references(b"url ", b"http://x/a.mov\0", 0))),
            RefusalCode.EXTERNAL_MEDIA,
        ),
        (box(b"moov", box(b"rmra")), RefusalCode.EXTERNAL_MEDIA),
        (box(b"moov", box(b"cmov")), RefusalCode.UNSUPPORTED_CONTAINER),
        (movie(film(sample_tables(MANY, 1, 0))), RefusalCode.TOO_DEMANDING),
        (movie(*[film(sample_tables(MANY // 2, 1, 0))] * 3), RefusalCode.TOO_DEMANDING),
        # Sound whose samples do not last one tick each is listed sample by sample.
        (movie(sound(sample_tables(MANY, 2, 0, delta=2))), RefusalCode.TOO_DEMANDING),
        (
            movie(sound(full_box(b"stts", u32(1), u32(9) + u32(1))
                        + full_box(b"stsc", u32(1), u32(1) + u32(0xFFFFFFFF) + u32(1))
                        + full_box(b"stco", u32(9), u32(0) * 9))),
            RefusalCode.TOO_DEMANDING,
        ),
        (
            movie(sound(full_box(b"stts", u32(1), u32(9) + u32(1))
                        + full_box(b"stsc", u32(1_000_000)))),
            RefusalCode.TOO_DEMANDING,
        ),
        (
            movie(sound(edits=box(b"edts", full_box(b"elst", u32(2_000), bytes(99))))),
            RefusalCode.TOO_DEMANDING,
        ),
        (movie(sound(PLAIN + PLAIN)), RefusalCode.DAMAGED),
        (movie(sound(entry=box(b"sowt", bytes(28), box(b"stsz", bytes(9))))), RefusalCode.DAMAGED),
        (movie(*[sound()] * 129), RefusalCode.TOO_MANY_STREAMS),
        (
            movie() + box(b"moof", box(b"traf", full_box(b"trun", u32(MANY)))),
            RefusalCode.TOO_DEMANDING,
        ),
        (movie() + box(b"moof", bytes(2_000_000)), RefusalCode.TOO_DEMANDING),
        (movie(box(b"udta", full_box(b"trun", u32(MANY)))), RefusalCode.TOO_DEMANDING),
        (movie() + box(b"free") * (2 * limits.FILE_BOXES_MAX), RefusalCode.TOO_DEMANDING),
    ],
)  # fmt: skip
def test_what_claims_too_much_or_has_too_little_is_refused(data: bytes, code: RefusalCode) -> None:
    assert refusal_of(data) is code


def test_boxes_in_boxes_end_somewhere() -> None:
    inside = box(b"trun", bytes(4), u32(MANY))
    for _ in range(100):
        inside = box(b"udta", inside)

    check(box(b"moov", inside))


@given(st.data())
def test_whatever_the_bytes_it_passes_or_is_refused(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from([TINY["h264 aac mp4"][1], movie(sound(), film(PLAIN))]))
    changed = bytearray(original)
    start = original.index(b"moov")
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(original)), st.binary(max_size=4)), max_size=6)
    ):
        changed[start + place : start + place + len(value)] = value
    try:
        check(bytes(changed))
    except Refused:
        return
