"""How much media a session is sent a second time, which costs it nothing."""

from metering.rules import UNITS_PER_MS, MeterRules


class Repeats:
    """A bucket of media time that fills while the viewer is present.

    Most of what a player asks for twice is not a copy: sound next to pictures has the same interval
    and so is a repetition to the meter, as is another quality, a retry or a seek back. So there is
    room for a burst, and for a few times as much as can be watched; who beyond that wants it sent
    once more, because several players share the session, waits.
    """

    __slots__ = ("_filled_at", "_per_ms", "_room", "_room_max")

    def __init__(self, rules: MeterRules) -> None:
        self._room_max = rules.repeat_units_max
        self._per_ms = rules.repeat_speed * UNITS_PER_MS
        self._room = self._room_max
        self._filled_at = 0

    def take(self, units: int, presence_ms: int) -> int:
        """Send `units` again; or for how many milliseconds of presence to wait first, unless 0.

        What is longer than the bucket waits until that is full.
        """
        room = self._room + (presence_ms - self._filled_at) * self._per_ms
        if room > self._room_max:
            room = self._room_max
        self._filled_at = presence_ms
        if units > room < self._room_max:
            self._room = room
            return -(-(min(units, self._room_max) - room) // self._per_ms)
        self._room = room - units
        return 0

    def spend(self, units: int, presence_ms: int) -> None:
        """Send `units` again that are in one file with new media, and so cannot wait."""
        self.take(0, presence_ms)
        self._room -= units
