"""FFmpeg's RTMP, through PyAV: `python -m tests.end_to_end.av_push URL FILE...` in real time.

All video of all files is copied, as tracks of one publication, with the first file's sound.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import av


def main(url: str, files: Sequence[str]) -> None:
    """Push to the end."""
    with av.open(url, "w", format="flv") as output:
        packets = list(_copied(output, files[0], video=0, audio=0))
        for file in files[1:]:
            packets += _copied(output, file, video=0)
        began = time.monotonic()
        for due, packet in sorted(packets, key=lambda one: one[0]):
            time.sleep(max(0, began + due - time.monotonic()))
            output.mux(packet)


def _copied(
    output: "av.container.OutputContainer", file: str, **which: int
) -> Iterator[tuple[float, "av.Packet[Any]"]]:
    """A file's packets as those of new tracks, each with the second when it is due."""
    with av.open(file) as source:
        streams = source.streams.get(**which)
        # Opaque: as they are, whether this build could encode them or not.
        targets = {one: output.add_stream_from_template(one, opaque=True) for one in streams}
        for packet in source.demux(streams):
            if packet.dts is not None:
                due = float(packet.dts * packet.time_base)
                packet.stream = targets[packet.stream]
                yield due, packet


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
