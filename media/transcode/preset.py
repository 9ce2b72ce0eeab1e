"""Which preset of x264 a machine affords for one source."""

from media.ladder import Rung

AUTO = "auto"
FASTEST, USUAL, BETTER = LIVE_PRESETS = ("ultrafast", "superfast", "veryfast")

# What a preset takes of the time of `USUAL`, in percent; the fastest one is a last resort.
_BETTER_PERCENT = 180
# Of its share of the machine a source may take this much: decoding, scaling, delivery and the
# harder scenes are to fit as well.
_USUAL_SHARE_PERCENT = 80
_BETTER_SHARE_PERCENT = 30
# A small machine has other things to do than to make pictures that are a little better.
_BETTER_MILLICORES_MIN = 4_000
# One rung is encoded by one thread.
_RUNG_MILLICORES_MAX = 900
_FRAME_RATE_UNKNOWN = (30, 1)
_PICOSECONDS_A_MILLISECOND = 10**9


def live_preset(
    rungs: tuple[Rung, ...],
    frame_rate: tuple[int, int],
    *,
    pixel_picoseconds: int,
    share_millicores: int,
) -> str:
    """The slowest of `LIVE_PRESETS` that the rungs can be encoded with as they come.

    Args:
        frame_rate: frames a second as a fraction; (0, 1) when unknown.
        pixel_picoseconds: what `USUAL` takes for a pixel on one core of this machine.
        share_millicores: what the source may use of the machine's cores.
    """
    costs = [_millicores(rung, frame_rate, pixel_picoseconds) for rung in rungs]
    whole, top = sum(costs), max(costs, default=0)
    if (
        share_millicores >= _BETTER_MILLICORES_MIN
        and 100 * _better(whole) <= _BETTER_SHARE_PERCENT * share_millicores
        and _better(top) <= _RUNG_MILLICORES_MAX
    ):
        return BETTER
    fits = 100 * whole <= _USUAL_SHARE_PERCENT * share_millicores
    return USUAL if fits and top <= _RUNG_MILLICORES_MAX else FASTEST


def _millicores(rung: Rung, frame_rate: tuple[int, int], pixel_picoseconds: int) -> int:
    """What `USUAL` takes for a rung: milliseconds of one core in each second."""
    frames, seconds = frame_rate if frame_rate[0] else _FRAME_RATE_UNKNOWN
    picoseconds = rung.width * rung.height * frames * pixel_picoseconds // seconds
    return picoseconds // _PICOSECONDS_A_MILLISECOND


def _better(millicores: int) -> int:
    return millicores * _BETTER_PERCENT // 100
