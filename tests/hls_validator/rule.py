"""Every rule that the validator knows, with the section of draft-pantos-hls-rfc8216bis it is of."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken: where, and how."""

    rule: "Rule"
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule.text} ({self.rule.section}): {self.detail}"


class Rule(Enum):
    """A section, and what is so when the rule is kept.

    `B.1` is the low-latency server configuration profile; a section with `+` is stricter here than
    there: it is what this project promises.
    """

    # One playlist as text.
    FIRST_LINE = ("4.4.1.1", "the first line is EXTM3U")
    TAG_KNOWN = ("4.1", "every tag is one of the specification")
    TAG_ONCE = ("4.4", "a tag of the whole playlist comes once")
    TAG_REQUIRED = ("4.4.3.1", "a media playlist tells its target duration")
    TAG_KIND = ("4.1", "tags of media playlists and of multivariant ones are not mixed")
    TAG_ORDER = ("4.4.3.2", "sequence numbers come before the first segment")
    NUMBER = ("4.4", "a tag's number is one")
    ATTRIBUTE_SYNTAX = ("4.2", "attributes are NAME=value, separated by commas, each once")
    ATTRIBUTE_TYPE = ("4.2", "an attribute's value has the type that its tag gives it")
    ATTRIBUTE_REQUIRED = ("4.4", "a tag has the attributes that it must have")
    EXTINF_REQUIRED = ("4.4.4.1", "every segment has its EXTINF")
    VERSION = ("8", "the version is as high as what is used needs it")
    # One media playlist.
    DURATION_WITHIN_TARGET = ("4.4.3.1", "a rounded EXTINF is at most the target duration")
    MAP_REQUIRED = ("4.4.4.5", "a fragmented MP4 segment has an EXT-X-MAP")
    MAP_ENCRYPTED = ("4.4.4.5", "a key of AES-128 that applies to an EXT-X-MAP has an IV")
    URI_UNIQUE = ("6.2.1", "two segments or parts are not the same file")
    DATE_CONTINUOUS = ("4.4.4.6", "dates go on by the durations between them")
    KEY_COMPLETE = ("4.4.4.4", "a key has a URI unless its method is NONE")
    VOD_ENDED = ("4.4.3.5", "a VOD playlist has its end")
    START_WITHIN = ("4.4.2.2", "EXT-X-START lies within the playlist")
    HOLD_BACK = ("4.4.3.8", "HOLD-BACK is at least three target durations")
    CAN_SKIP_UNTIL = ("4.4.3.8", "CAN-SKIP-UNTIL is at least six target durations")
    PART_HOLD_BACK = ("4.4.3.8+", "with parts, PART-HOLD-BACK is at least three part targets")
    PART_INF = ("4.4.3.7", "a playlist with parts tells its part target")
    PART_SHORT_ENOUGH = ("4.4.4.9", "no part is longer than the part target")
    PART_LONG_ENOUGH = ("4.4.4.9", "a part is 85 % of the target, unless independent or the last")
    PARTS_SUM = ("4.4.4.9", "a segment lasts as long as its parts")
    PART_TAGS_FIRST = ("4.4.4.9", "what applies to a segment comes before its first part")
    PARTS_KEPT = ("6.2.2", "parts are listed until three target durations from the end")
    PARTS_DROPPED = ("6.2.2", "older parts are not listed")
    HINT_ENDED = ("4.4.5.3", "an ended playlist hints at nothing")
    HINT_ONCE = ("4.4.5.3", "there is one hint of a type at most")
    BLOCKING_OFFERED = ("B.1", "parts come with blocking reloads, and a hint at the next one")
    REPORTS = ("B.1", "each other rendition is reported, by a relative URI")
    IFRAMES_SINGLE = ("4.4.3.6", "each file of an I-frame playlist is one picture, a keyframe")
    # The same playlist again.
    TARGET_CONSTANT = ("4.4.3.1", "the target duration never changes")
    PART_TARGET_CONSTANT = ("4.4.3.7", "the part target never changes")
    CONTROL_CONSTANT = ("4.4.3.8", "what the server offers never changes")
    TYPE_CONSTANT = ("4.4.3.5", "the playlist's type never changes")
    SEQUENCE_RISES = ("4.4.3.2", "the media sequence never falls")
    SEGMENT_SAME = ("6.2.1", "a sequence number always means the same segment")
    DISCONTINUITY_SAME = ("4.4.3.3", "discontinuities are counted when segments are removed")
    DATE_SAME = ("4.4.4.6", "a segment's date never changes")
    ONLY_APPENDED = ("6.2.1", "what is there is removed from the beginning only")
    EVENT_KEPT = ("4.4.3.5", "nothing is removed from an EVENT playlist")
    VOD_SAME = ("4.4.3.5", "a VOD playlist never changes")
    PART_SAME = ("6.2.1", "a part never changes")
    HINT_KEPT = ("4.4.5.3", "the next part is the one that was hinted at")
    SKIP_BOUNDARY = ("6.2.5.1", "only segments beyond the skip boundary are skipped")
    SKIP_ASKED = ("6.2.5.1", "only who asks for a delta update gets one")
    SKIP_KNOWN = ("6.2.5.1", "a delta update goes on from what a recent playlist had")
    RELOAD_ANSWERED = ("6.2.5.2", "a blocked reload has what it waited for")
    RELOAD_IN_TIME = ("6.2.5.2", "a blocked reload is answered within three target durations")
    REFUSED_AS_TOLD = ("6.2.5.2", "what cannot be answered is refused with the status for it")
    # Playlists of one asset.
    RENDITIONS_ALIGNED = ("6.2.4", "renditions share durations, discontinuities and dates")
    REPORT_TRUE = ("4.4.5.4", "a report tells the last part that there is")
    VARIANT_URI = ("4.4.6.2", "a variant is followed by its URI, which is no other's")
    VARIANT_CODECS = ("4.4.6.2", "CODECS names what is in the files")
    VARIANT_BANDWIDTH = ("4.4.6.2", "no segment is larger than BANDWIDTH says")
    VARIANT_GROUP = ("4.4.6.2", "a group that a variant names exists")
    MEDIA_UNIQUE = ("4.4.6.1", "names in a group differ, and one at most is the default")
    # Files.
    FILE_THERE = ("6.2.2", "a file that is listed can be loaded")
    REMOVED_KEPT = ("6.2.2", "a segment that has left the playlist can be loaded a while longer")
    MEDIA_CONTINUOUS = ("3.1.2", "decode times go on from file to file")
    DURATION_TRUE = ("4.4.4.1+", "a file lasts as long as the playlist says")
    KEYFRAME_FIRST = ("4.4.4.9", "what is called independent begins with a keyframe")
    PARTS_ARE_SEGMENT = ("4.4.4.9+", "the bytes of its parts are those of a segment")
    INIT_SINGLE = ("3.1.2", "an init segment has a moov of one track")
    KEY_LENGTH = ("5.1", "a key file is 16 bytes")
    DECRYPTS = ("6.2.3", "an encrypted segment is one when it is decrypted")
    CAPTIONS = ("3.1.4", "captions are WebVTT")

    @property
    def section(self) -> str:
        return str(self.value[0])

    @property
    def text(self) -> str:
        return str(self.value[1])

    def broken(self, where: str, detail: str) -> Violation:
        return Violation(self, where, detail)
