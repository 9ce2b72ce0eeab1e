"""How the meter tells watching from fetching ahead and from leaving."""

from dataclasses import dataclass

UNITS_PER_SECOND = 90_000
UNITS_PER_MS = UNITS_PER_SECOND // 1000


@dataclass(frozen=True, slots=True)
class MeterRules:
    """How fetching, watching and leaving are told apart. The defaults are the reference."""

    # Charged as soon as they are delivered: a viewer of less would otherwise never pay.
    startup_units: int = 2 * UNITS_PER_SECOND
    # How far ahead of what was posted media may be fetched: little at the start of a run, so that
    # a seek storm gains nothing, and a player's buffer after a while of watching.
    lead_min_units: int = 6 * UNITS_PER_SECOND
    lead_max_units: int = 20 * UNITS_PER_SECOND
    # A request so close to the end of the last one belongs to the same run; others are seeks.
    behind_units: int = 6 * UNITS_PER_SECOND
    ahead_units: int = 1 * UNITS_PER_SECOND
    # Media seconds that can be watched in a second, as a fraction.
    speed: tuple[int, int] = (1, 1)
    # Presence ends so long after the last request (three target durations of 6 s): a paused or
    # vanished player is not charged for more than what it may be playing out of its buffer.
    keepalive_ms: int = 18_000
    # Media that was sent before is sent again for nothing, but not without end: as much as sound
    # and captions beside the pictures, a change of quality and a seek back take together. Who
    # passes a token on finds that the copies starve.
    repeat_units_max: int = 20 * UNITS_PER_SECOND
    repeat_speed: int = 3  # media seconds in a second of presence
    # Of a body that broke off, how much of its file (in thousandths) has to have been taken for its
    # media to count as fetched and left. A player that changes quality in the middle of a segment,
    # or whose network fails, must not be punished for each piece of a second; and who only ever
    # takes the first quarter of each segment has nothing that anybody would watch.
    taken_permille_min: int = 250
    void_units_max: int = 120 * UNITS_PER_SECOND
    void_window_ms: int = 3_600_000
