"""How fast a file becomes a ladder, next to the ffmpeg program.

Both make the same ladder of the same seconds of a real 1080p film with the same settings, and use
as many cores as they can. Runs alternate; the figure is the median of the paired ratios of their
speeds in seconds of media a second.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

from media.file.av_file import NICENESS
from media.file.plan import FILE_ENCODER, FileSettings
from media.ladder import encoded_rungs
from scripts.bench.clips import FRAME_RATE, SECONDS, make_clips
from scripts.bench.figures import Figure, Skipped
from scripts.bench.file_run import run_file
from scripts.bench.peer import run_ladder
from scripts.test_media import ClipUnavailable

_BENCH, _METRIC = "vod", "speed_ratio"
_ROUNDS = 3
_BAR = 0.95


def run() -> list[Figure | Skipped]:
    """Measure the full ladder."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            clip = make_clips(Path(directory)).moving
        except ClipUnavailable as reason:
            return [Skipped(_BENCH, _METRIC, str(reason))]
        ratios = [_ratio(clip) for _ in range(_ROUNDS)]
    return [Figure(_BENCH, _METRIC, round(median(ratios), 3), _BAR, at_most=False)]


def _ratio(clip: Path) -> float:
    """Our speed in terms of the peer's."""
    rungs = encoded_rungs(1920, 1080, FRAME_RATE, passed_through=False)
    before = time.perf_counter()
    run_ladder(clip, rungs, FILE_ENCODER, NICENESS)
    theirs = time.perf_counter() - before
    ours = run_file(clip, FileSettings(pass_through=False)).wall_seconds
    speeds = f"{SECONDS / ours:.2f} and {SECONDS / theirs:.2f} seconds of media a second"
    print(f"bench {_BENCH}: {speeds}", flush=True)
    return theirs / ours


if __name__ == "__main__":
    for result in run():
        print(result.line())
