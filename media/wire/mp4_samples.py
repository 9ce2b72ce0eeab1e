"""The tables of one track of an MP4: what each sample is like, and where it is.

They hold about 20 bytes for a sample at the worst, where no two neighbours are alike.
"""

import sys
from array import array
from itertools import accumulate, groupby
from struct import pack

from media.wire.fmp4_box import full_box
from media.wire.fmp4_fragment_read import Fragment, Words

_OFFSET_32_MAX = 0xFFFFFFFF


class _Runs:
    """Values in order, as (count, value) where neighbours are equal."""

    def __init__(self, code: str) -> None:
        self.counts: Words = array("I")
        self.values: Words = array(code)

    def add(self, values: Words) -> None:
        # Almost always all are equal, which is found out without a loop here.
        if values.count(values[0]) == len(values):
            self._add_run(len(values), values[0])
            return
        for value, run in groupby(values):
            self._add_run(sum(1 for _ in run), value)

    def _add_run(self, count: int, value: int) -> None:
        if self.values and self.values[-1] == value:
            self.counts[-1] += count
        else:
            self.counts.append(count)
            self.values.append(value)

    def change_last(self, value: int) -> None:
        """Give the last value alone another one."""
        if self.counts[-1] == 1:
            self.counts.pop()
            self.values.pop()
        else:
            self.counts[-1] -= 1
        self._add_run(1, value)

    def table(self) -> bytes:
        """ISO 14496-12, 8.6.1: a count of entries, then each."""
        entries = array(self.values.typecode, bytes(8 * len(self.counts)))
        entries[::2] = array(self.values.typecode, self.counts.tobytes())
        entries[1::2] = self.values
        return pack(">I", len(self.counts)) + _big_endian(entries)


class SampleTable:
    """Grows fragment by fragment; fragments come in chunks that lie together in the file."""

    def __init__(self) -> None:
        self._durations = _Runs("I")
        self._offsets = _Runs("i")
        self._sizes: Words = array("I")
        self._keyframes: Words = array("I")
        self._all_alone = True
        self._chunk_offsets = array("Q")
        self._chunk_samples: Words = array("I")
        self._position = 0
        self._newest: tuple[int, Fragment] | None = None
        self.start: int | None = None

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def duration(self) -> int:
        """From the first sample's dts to the end of the last sample, in the track's timescale."""
        return 0 if self.start is None else self._position - self.start

    @property
    def end(self) -> int:
        """When the last samples have been shown: some are decoded before others but shown later."""
        if self._newest is None:
            return 0
        dts, last = self._newest
        ends = accumulate(last.durations, initial=dts)
        next(ends)
        return max(end + offset for end, offset in zip(ends, _offsets(last), strict=True))

    def begin_chunk(self, offset: int) -> None:
        """What is added from now on lies together.

        Args:
            offset: in bytes, from the beginning of the media data.
        """
        self._chunk_offsets.append(offset)
        self._chunk_samples.append(0)

    def add(self, fragment: Fragment, dts: int) -> None:
        """Take a fragment's samples.

        The sample before lasts until they begin. Where they overlap it by more than its length,
        which a hole in time can bring about by some milliseconds, time goes on at once, and is
        right again with the next fragment.

        Args:
            dts: when the first of them is decoded, in the track's timescale; may be negative.
        """
        if self.start is None:
            self.start = self._position = dts
        elif dts != self._position:
            self._stretch(dts - self._position)
        first = len(self._sizes) + 1
        self._durations.add(fragment.durations)
        self._position += sum(fragment.durations)
        self._sizes.extend(fragment.sizes)
        self._offsets.add(_offsets(fragment))
        self._newest = (dts, fragment)
        if fragment.flags:
            self._all_alone = False
            self._keyframes.extend(first + at for at in fragment.keyframes())
        self._chunk_samples[-1] += len(fragment)

    def _stretch(self, ticks: int) -> None:
        last = self._durations.values[-1]
        changed = max(1, last + ticks)
        self._durations.change_last(changed)
        self._position += changed - last

    def boxes(self, data_offset: int) -> bytes:
        """The boxes of `stbl` behind `stsd` (8.6.1, 8.6.2, 8.7.3 to 8.7.5).

        Args:
            data_offset: where the media data begins in the file.
        """
        parts = [full_box(b"stts", 0, 0, self._durations.table())]
        if list(self._offsets.values) != [0]:
            version = 1 if any(value < 0 for value in self._offsets.values) else 0
            parts.append(full_box(b"ctts", version, 0, self._offsets.table()))
        if not self._all_alone:
            parts.append(full_box(b"stss", 0, 0, _counted(self._keyframes)))
        parts += [
            full_box(b"stsc", 0, 0, self._chunk_table()),
            full_box(b"stsz", 0, 0, bytes(4), _counted(self._sizes)),
            self._chunk_offset_box(data_offset),
        ]
        return b"".join(parts)

    def _chunk_table(self) -> bytes:
        """8.7.4: where the number of samples in a chunk changes."""
        entries: Words = array("I")
        before = None
        for number, samples in enumerate(self._chunk_samples, 1):
            if samples != before:
                entries.extend((number, samples, 1))
                before = samples
        return pack(">I", len(entries) // 3) + _big_endian(entries)

    def _chunk_offset_box(self, data_offset: int) -> bytes:
        offsets = [data_offset + each for each in self._chunk_offsets]
        if offsets[-1] <= _OFFSET_32_MAX:
            return full_box(b"stco", 0, 0, _counted(array("I", offsets)))
        return full_box(b"co64", 0, 0, _counted(array("Q", offsets)))


def _offsets(fragment: Fragment) -> Words:
    return fragment.offsets or array("i", bytes(4 * len(fragment)))


def _counted(values: Words) -> bytes:
    return pack(">I", len(values)) + _big_endian(values)


def _big_endian(values: Words) -> bytes:
    if sys.byteorder == "big":
        return bytes(values)
    swapped = values[:]
    swapped.byteswap()
    return bytes(swapped)
