"""Every rule catches a playlist or file that breaks it, and none complains of sound ones."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.hls_validator.example import (
    FOLDER,
    PARTS,
    encrypted,
    iframe,
    low_latency,
    part,
    picture_track,
    recorded,
    segment,
)
from tests.hls_validator.observation import Fetched, Observation, Probe
from tests.hls_validator.rule import Rule
from tests.hls_validator.validator import validate

type Edit = Callable[[Observation], None]

# Snapshots of the live example.
FIRST, SECOND, DELTA, LAST = range(4)


def text(old: str, new: str, *at: int, rendition: str = "720p", count: int = 1) -> Edit:
    """Replace in the snapshots of a rendition's playlist; in all when none is named."""

    def edit(observation: Observation) -> None:
        snapshots = observation.snapshots[f"{FOLDER}/{rendition}/index.m3u8"]
        changed = 0
        for number in at or range(len(snapshots)):
            one = snapshots[number]
            changed += one.text.count(old)
            snapshots[number] = replace(one, text=one.text.replace(old, new, count))
        assert changed, f"{old!r} is in no snapshot"

    return edit


def multivariant(old: str, new: str) -> Edit:
    def edit(observation: Observation) -> None:
        assert old in observation.multivariant
        observation.multivariant = observation.multivariant.replace(old, new, 1)

    return edit


def file(path: str, body: bytes, status: int = 200) -> Edit:
    def edit(observation: Observation) -> None:
        assert (f"{FOLDER}/{path}", "") in observation.files
        observation.files[f"{FOLDER}/{path}", ""] = Fetched(status, body)

    return edit


def answer(at: int, **changes: object) -> Edit:
    """Change when or how one snapshot was answered."""

    def edit(observation: Observation) -> None:
        snapshots = observation.snapshots[f"{FOLDER}/720p/index.m3u8"]
        snapshots[at] = replace(snapshots[at], **changes)  # type: ignore[arg-type]

    return edit


def repeated(change: Edit) -> Edit:
    """A recording's playlist is loaded a second time, and is another then."""

    def edit(observation: Observation) -> None:
        snapshots = observation.snapshots[f"{FOLDER}/720p/index.m3u8"]
        snapshots.append(snapshots[0])
        change(observation)

    return edit


def probe(expected: int, status: int, rule: Rule) -> Edit:
    def edit(observation: Observation) -> None:
        observation.probes.append(Probe("an odd request", (expected,), status, rule))

    return edit


def longer(segments: bytes) -> bytes:
    """Without the first of its fragments: its times do not follow."""
    return segments[int.from_bytes(segments[:4]) :]


HEAD = "#EXT-X-TARGETDURATION:3\n"
CONTROL = "CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=18.0,HOLD-BACK=9.0,PART-HOLD-BACK=1.5"
HINT = '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="22.2.m4s"\n'
PART = '#EXT-X-PART:DURATION=0.500000,URI="22.1.m4s"\n'
PARTS_OF_20 = "".join(
    f'#EXT-X-PART:DURATION=0.500000,URI="20.{number}.m4s"{",INDEPENDENT=YES" * (not number)}\n'
    for number in range(PARTS)
)
SOUND = "../audio/index.m3u8"

LIVE: list[tuple[Rule, Edit]] = [
    (Rule.FIRST_LINE, text("#EXTM3U\n", "\n#EXTM3U\n")),
    (Rule.TAG_KNOWN, text(HEAD, HEAD + "#EXT-X-NEWS:1\n")),
    (Rule.TAG_ONCE, text(HEAD, HEAD * 2)),
    (Rule.TAG_REQUIRED, text(HEAD, "")),
    (Rule.TAG_KIND, text(HEAD, HEAD + '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b"\n')),
    (Rule.TAG_KIND, multivariant("#EXT-X-VERSION:9\n", "#EXT-X-VERSION:9\n" + HEAD)),
    (Rule.TAG_ORDER, text("21.m4s\n", "21.m4s\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n", LAST)),
    (Rule.NUMBER, text("#EXTINF:2.000000,", "#EXTINF:2.000000", FIRST)),
    (Rule.ATTRIBUTE_SYNTAX, text("PART-TARGET=0.5", "PART-TARGET=0.5,PART-TARGET=0.5")),
    (Rule.ATTRIBUTE_SYNTAX, text('URI="22.1.m4s"', "URI=22 1.m4s,", FIRST)),
    (Rule.ATTRIBUTE_TYPE, text("CAN-BLOCK-RELOAD=YES", 'CAN-BLOCK-RELOAD="YES"')),
    (Rule.ATTRIBUTE_REQUIRED, text("DURATION=0.500000,", "", FIRST)),
    (Rule.EXTINF_REQUIRED, text("#EXTINF:2.000000,\n", "", FIRST)),
    (Rule.VERSION, text("#EXT-X-VERSION:9", "#EXT-X-VERSION:8", DELTA)),
    (Rule.DURATION_WITHIN_TARGET, text("#EXTINF:2.000000", "#EXTINF:3.500000")),
    (Rule.MAP_REQUIRED, text('#EXT-X-MAP:URI="init-0.mp4"\n', "")),
    (Rule.URI_UNIQUE, text("\n21.m4s", "\n20.m4s")),
    (Rule.URI_UNIQUE, text('"21.1.m4s"', '"21.0.m4s"')),
    (
        Rule.DATE_CONTINUOUS,
        text(
            "\n12.m4s\n",
            "\n12.m4s\n#EXT-X-PROGRAM-DATE-TIME:2026-11-30T10:00:26.100Z\n",
            FIRST,
        ),
    ),
    (Rule.KEY_COMPLETE, text(HEAD, HEAD + "#EXT-X-KEY:METHOD=AES-128\n")),
    (Rule.KEY_COMPLETE, text(HEAD, HEAD + '#EXT-X-KEY:METHOD=NONE,URI="key"\n')),
    (Rule.HOLD_BACK, text(",HOLD-BACK=9.0", ",HOLD-BACK=8.9")),
    (Rule.CAN_SKIP_UNTIL, text("CAN-SKIP-UNTIL=18.0", "CAN-SKIP-UNTIL=17.9")),
    (Rule.PART_HOLD_BACK, text("PART-HOLD-BACK=1.5", "PART-HOLD-BACK=1.4")),
    (Rule.PART_HOLD_BACK, text(",PART-HOLD-BACK=1.5", "")),
    (Rule.PART_INF, text("#EXT-X-PART-INF:PART-TARGET=0.5\n", "")),
    (Rule.PART_SHORT_ENOUGH, text("PART-TARGET=0.5", "PART-TARGET=0.49")),
    (Rule.PART_LONG_ENOUGH, text('0.500000,URI="21.1.', '0.400000,URI="21.1.')),
    (Rule.PARTS_SUM, text('0.500000,URI="21.3.', '0.400000,URI="21.3.')),
    (Rule.PART_TAGS_FIRST, text("22.m4s", "#EXT-X-DISCONTINUITY\n22.m4s", DELTA)),
    (
        Rule.PART_TAGS_FIRST,
        text('URI="21.3.m4s"\n', 'URI="21.3.m4s"\n#EXT-X-MAP:URI="init-1.mp4"\n', FIRST),
    ),
    (Rule.PARTS_KEPT, text(PARTS_OF_20, "", FIRST)),
    (Rule.PARTS_DROPPED, text("#EXTINF:2.000000,\n14.m4s", PART + "#EXTINF:0.5,\n14.m4s")),
    (Rule.HINT_ENDED, text(HINT, HINT + "#EXT-X-ENDLIST\n", FIRST)),
    (Rule.HINT_ONCE, text(HINT, HINT * 2, FIRST)),
    (Rule.BLOCKING_OFFERED, text("CAN-BLOCK-RELOAD=YES,", "")),
    (Rule.BLOCKING_OFFERED, text(HINT, "", FIRST)),
    (Rule.REPORTS, text(SOUND, "../sound/index.m3u8", LAST)),
    (Rule.REPORTS, text(SOUND, f"{FOLDER}/audio/index.m3u8", LAST)),
    (Rule.TARGET_CONSTANT, text("TARGETDURATION:3", "TARGETDURATION:2", LAST)),
    (Rule.PART_TARGET_CONSTANT, text("PART-TARGET=0.5", "PART-TARGET=0.51", LAST)),
    (Rule.CONTROL_CONSTANT, text("PART-HOLD-BACK=1.5", "PART-HOLD-BACK=1.6", LAST)),
    (Rule.TYPE_CONSTANT, text(HEAD, HEAD + "#EXT-X-PLAYLIST-TYPE:EVENT\n", LAST)),
    (Rule.SEQUENCE_RISES, text("MEDIA-SEQUENCE:10", "MEDIA-SEQUENCE:12", FIRST)),
    (Rule.SEGMENT_SAME, text("\n20.m4s", "\n20-again.m4s", LAST)),
    (Rule.SEGMENT_SAME, text("#EXTINF:2.000000,\n12.m4s", "#EXTINF:2.100000,\n12.m4s", LAST)),
    (Rule.SEGMENT_SAME, text("MEDIA-SEQUENCE:11", "MEDIA-SEQUENCE:10", LAST)),
    (Rule.DISCONTINUITY_SAME, text("DISCONTINUITY-SEQUENCE:3", "DISCONTINUITY-SEQUENCE:4", LAST)),
    (Rule.DATE_SAME, text("10:00:22.000Z", "10:00:22.500Z", LAST)),
    (Rule.ONLY_APPENDED, text("#EXTINF:2.000000,\n22.m4s\n", "", LAST)),
    (Rule.EVENT_KEPT, text(HEAD, HEAD + "#EXT-X-PLAYLIST-TYPE:EVENT\n")),
    (Rule.PART_SAME, text('"22.0.m4s"', '"22.00.m4s"', DELTA)),
    (Rule.HINT_KEPT, text(HINT, HINT.replace("22.2", "22.5"), FIRST)),
    (Rule.SKIP_BOUNDARY, text("CAN-SKIP-UNTIL=18.0", "CAN-SKIP-UNTIL=18.5")),
    (Rule.SKIP_ASKED, text("CAN-SKIP-UNTIL=18.0,", "")),
    (Rule.SKIP_KNOWN, text("MEDIA-SEQUENCE:10", "MEDIA-SEQUENCE:9", DELTA)),
    (Rule.RELOAD_ANSWERED, text('#EXT-X-PART:DURATION=0.500000,URI="22.2.m4s"\n', "", SECOND)),
    (Rule.RELOAD_ANSWERED, answer(SECOND, status=404)),
    (Rule.RELOAD_IN_TIME, answer(LAST, answered=12.7)),
    (Rule.RELOAD_IN_TIME, answer(LAST, answered=12.7, status=503)),
    (Rule.REFUSED_AS_TOLD, probe(400, 200, Rule.REFUSED_AS_TOLD)),
    (Rule.REMOVED_KEPT, probe(200, 404, Rule.REMOVED_KEPT)),
    (Rule.RENDITIONS_ALIGNED, text("#EXTINF:2.000000,\n12.", "#EXTINF:2.200000,\n12.")),
    (Rule.RENDITIONS_ALIGNED, text("DISCONTINUITY-SEQUENCE:3", "DISCONTINUITY-SEQUENCE:2")),
    (Rule.RENDITIONS_ALIGNED, text("PROGRAM-DATE-TIME:2026", "PROGRAM-DATE-TIME:2025")),
    (Rule.REPORT_TRUE, text("LAST-MSN=23,LAST-PART=0", "LAST-MSN=22,LAST-PART=2", LAST)),
    (Rule.REPORT_TRUE, text("LAST-MSN=22,LAST-PART=1", "LAST-MSN=22,LAST-PART=3", FIRST)),
    (Rule.VARIANT_URI, multivariant("720p/index.m3u8\n", "")),
    (Rule.VARIANT_CODECS, multivariant("mp4a.40.2", "mp4a.40.5")),
    (Rule.VARIANT_BANDWIDTH, multivariant(":BANDWIDTH=90000", ":BANDWIDTH=50000")),
    (Rule.VARIANT_BANDWIDTH, multivariant("AVERAGE-BANDWIDTH=8", "AVERAGE-BANDWIDTH=10")),
    (Rule.VARIANT_GROUP, multivariant(',AUDIO="audio"', ',AUDIO="sound"')),
    (
        Rule.MEDIA_UNIQUE,
        multivariant(
            "#EXT-X-MEDIA", '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio"\n#EXT-X-MEDIA'
        ),
    ),
    (Rule.FILE_THERE, file("720p/21.m4s", b"", 404)),
    (Rule.FILE_THERE, answer(FIRST, status=404)),
    (Rule.MEDIA_CONTINUOUS, file("720p/21.m4s", segment(picture_track(), 19))),
    (Rule.MEDIA_CONTINUOUS, file("720p/21.m4s", b"no boxes")),
    (Rule.DURATION_TRUE, file("720p/21.m4s", part(picture_track(), 21, 0))),
    (Rule.KEYFRAME_FIRST, file("720p/21.m4s", longer(segment(picture_track(), 21)))),
    (Rule.KEYFRAME_FIRST, file("720p/21.0.m4s", part(picture_track(), 21, 1))),
    (Rule.PARTS_ARE_SEGMENT, file("720p/21.3.m4s", part(picture_track(), 21, 2))),
    (Rule.INIT_SINGLE, file("720p/init-1.mp4", b"\0\0\0\x08moov")),
]
RECORDING: list[tuple[Rule, Edit]] = [
    (Rule.MAP_ENCRYPTED, text("#EXT-X-MAP", '#EXT-X-KEY:METHOD=AES-128,URI="0.key"\n#EXT-X-MAP')),
    (Rule.VOD_ENDED, text("#EXT-X-ENDLIST\n", "")),
    (Rule.VOD_SAME, repeated(text("2026", "2025", 1, count=-1))),
    (Rule.START_WITHIN, text("TIME-OFFSET=1.5", "TIME-OFFSET=-4.5")),
    (Rule.IFRAMES_SINGLE, file("iframes/1.i.m4s", part(picture_track(), 1, 0))),
    (Rule.IFRAMES_SINGLE, file("iframes/1.i.m4s", iframe(1, keyframe=False))),
    (Rule.KEY_LENGTH, file("720p/0.key", b"fifteen bytes .")),
    (Rule.DECRYPTS, file("720p/1.m4s", segment(picture_track(), 1)[:-1])),
    (Rule.DECRYPTS, file("720p/1.m4s", encrypted(b"what has no boxes"))),
    (Rule.CAPTIONS, file("en/1.vtt", b"1\n00:01,000")),
]


@pytest.mark.parametrize("example", [low_latency, recorded])
def test_sound_examples_break_no_rule(example: Callable[[], Observation]) -> None:
    assert [str(violation) for violation in validate(example())] == []


@pytest.mark.parametrize(
    ("example", "rule", "edit"),
    [
        pytest.param(example, rule, edit, id=rule.name)
        for example, cases in ((low_latency, LIVE), (recorded, RECORDING))
        for rule, edit in cases
    ],
)
def test_what_breaks_a_rule_is_found(
    example: Callable[[], Observation], rule: Rule, edit: Edit
) -> None:
    observation = example()
    edit(observation)
    broken = validate(observation)
    assert rule in {violation.rule for violation in broken}, [str(one) for one in broken]


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert {rule for rule, _ in (*LIVE, *RECORDING)} == set(Rule)
