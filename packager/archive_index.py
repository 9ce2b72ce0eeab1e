"""The archive's index of an asset: what its lines say together.

A line is written after the bytes it speaks of. Whatever the process did last, the lines that can be
read describe a package that can be played.

An asset made from a file may be written by several attempts at once: one that lost its job without
knowing, and the one that took over. Both say the same of time, so segments of either fit; of two
lines for one segment the later one counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from config.limits import CAPTIONS_PER_ASSET_MAX
from media.units import Track
from packager.archive_record import (
    AssetRecord,
    CaptionRecord,
    EndRecord,
    EpochRecord,
    PictureRecord,
    Record,
    RetiredRecord,
    SegmentRecord,
    decode_record,
)
from packager.asset_terms import Encryption
from packager.naming import picture_name


@dataclass(slots=True)
class AssetIndex:
    """All that is known of an archived asset.

    Attributes:
        segments: by rendition and sequence number; also of renditions that no epoch names yet.
        retired: renditions by epoch.
        pictures: by the name under which they are served.
        captions: by key; those that were removed have no hash.
        ended: no more time is added.
        damaged_lines: how many could not be read; one at the end is normal after a crash.
        refused_lines: how many contradicted earlier ones, and were left out.
    """

    target_duration: int = 0
    from_file: bool = False
    encryption: Encryption = Encryption.NONE
    key_segments: int = 1
    begin: int = 0
    epochs: list[EpochRecord] = field(default_factory=list)
    segments: dict[str, dict[int, SegmentRecord]] = field(default_factory=dict)
    retired: set[tuple[int, str]] = field(default_factory=set)
    pictures: dict[str, PictureRecord] = field(default_factory=dict)
    captions: dict[str, CaptionRecord] = field(default_factory=dict)
    ended: bool = False
    damaged_lines: int = 0
    refused_lines: int = 0
    _passes_follow: bool = False
    _times: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def growing(self) -> bool:
        """Whether time is still added."""
        return self.from_file and not self.ended

    @property
    def settled(self) -> bool:
        """Whether nothing can be added any more: a live is read when it is over."""
        return not self.from_file or (self.ended and not self._passes_follow)

    def add(self, line: bytes) -> None:
        """Take the next line; one that cannot be read is counted and left out."""
        record = decode_record(line)
        if record is None:
            self.damaged_lines += 1
        elif self.from_file and self.settled and not isinstance(record, CaptionRecord):
            self.refused_lines += 1
        else:
            self._apply(record)

    def _apply(self, record: Record) -> None:
        match record:
            case AssetRecord():
                self._begin(record)
            case EpochRecord():
                self._add_epoch(record)
            case SegmentRecord():
                self._add_segment(record)
            case RetiredRecord(rendition):
                if self.epochs:
                    self.retired.add((self.epochs[-1].epoch, rendition))
            case PictureRecord(kind, number):
                self.pictures[picture_name(kind, number)] = record
            case CaptionRecord():
                self._set_captions(record)
            case EndRecord(passes_follow):
                self.ended = True
                self._passes_follow = passes_follow

    def _set_captions(self, record: CaptionRecord) -> None:
        """Also when all media is there. A second attempt at a file undoes nobody's wish."""
        known = self.captions.get(record.key)
        if record.from_file and known is not None and not known.from_file:
            return
        if known is None and len(self.captions) >= CAPTIONS_PER_ASSET_MAX:
            self.refused_lines += 1
            return
        self.captions[record.key] = record

    def _begin(self, record: AssetRecord) -> None:
        """The first one counts: a target duration never changes."""
        if not self.target_duration:
            self.target_duration = record.target_duration
            self.from_file = record.from_file
            self.encryption = record.encryption
            self.key_segments = record.key_segments
            self.begin = record.begin

    def _add_epoch(self, record: EpochRecord) -> None:
        """An epoch that is told again gets the renditions of both, none of the new ones retired."""
        known = {each.epoch: index for index, each in enumerate(self.epochs)}
        index = known.get(record.epoch)
        if index is None:
            self.epochs.append(record)
            return
        renditions: dict[str, Track] = dict(self.epochs[index].renditions)
        renditions |= dict(record.renditions)
        self.epochs[index] = EpochRecord(record.epoch, tuple(renditions.items()))
        self.retired -= {(record.epoch, name) for name, _ in record.renditions}

    def _add_segment(self, record: SegmentRecord) -> None:
        """Of a file, all segments of a number have the times of the first: they were shown."""
        times = (record.epoch, record.start, record.end)
        if self.from_file and self._times.setdefault(record.sequence, times) != times:
            self.refused_lines += 1
            return
        self.segments.setdefault(record.rendition, {})[record.sequence] = record


def parse_index(lines: Iterable[bytes]) -> AssetIndex:
    """Put the facts together; lines that cannot be read are counted and left out."""
    index = AssetIndex()
    for line in lines:
        index.add(line)
    return index
