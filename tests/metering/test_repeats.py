"""Repetitions are free as far as one player needs them, and starve those who share a session.

The players below see only the meter: they ask again when they are paced, and their playheads move
when they have what they play.
"""

from dataclasses import dataclass
from itertools import count

import pytest

from metering.decision import Duplicate, Pace, Serve
from metering.meter import Meter
from metering.repeats import Repeats
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.tariff import Price
from metering.terms import Terms
from metering.void_budget import VoidBudget

RULES = MeterRules()
SECOND = UNITS_PER_SECOND
STEP_MS = 100

_tickets = count(1)


def new_meter() -> Meter:
    budget = VoidBudget(RULES.void_units_max, RULES.void_window_ms)
    return Meter(Terms.of(Price("XLM", 100, 1)), RULES, budget, now=0)


def fetch(meter: Meter, lo: int, hi: int, now: int) -> int:
    """Take a file; or how long to wait before that."""
    ticket = next(_tickets)
    decision = meter.request(ticket, lo, hi, now, 10**12)
    meter.finish(ticket, complete=True, now=now)
    if isinstance(decision, Pace):
        return decision.wait_ms
    assert isinstance(decision, Serve | Duplicate)
    return 0


@dataclass(eq=False)
class Track:
    """Where a track's buffer ends, and when its request is answered that is held."""

    end: int
    wakes_at: int = 0


class Player:
    """Plays files of `length` units, of so many tracks, and keeps up to thirty seconds of each."""

    def __init__(self, meter: Meter, tracks: int, length: int) -> None:
        self.meter, self.length = meter, length
        self.tracks = [Track(0) for _ in range(tracks)]
        self.playhead = self.now = self.stalled_ms = 0

    def seek(self, place: int) -> None:
        self.playhead = place // self.length * self.length
        for track in self.tracks:
            self.refill(track)

    def refill(self, track: Track) -> None:
        """Begin anew where one watches, without the request that is held."""
        track.end = self.playhead // self.length * self.length
        track.wakes_at = self.now

    def play(self, seconds: int) -> None:
        for _ in range(seconds * 1000 // STEP_MS):
            # One request of each at a time, side by side; who was held for longest comes first.
            while served := [track for track in self.tracks if self._load(track)]:
                self.tracks.sort(key=served.__contains__)
            if min(track.end for track in self.tracks) > self.playhead:
                self.playhead += SECOND * STEP_MS // 1000
            else:
                self.stalled_ms += STEP_MS
            self.now += STEP_MS

    def _load(self, track: Track) -> bool:
        if track.wakes_at > self.now or track.end >= self.playhead + 30 * SECOND:
            return False
        wait_ms = fetch(self.meter, track.end, track.end + self.length, self.now)
        track.wakes_at = self.now + wait_ms
        if wait_ms == 0:
            track.end += self.length
        return wait_ms == 0


@pytest.mark.parametrize("seconds", [2, 4, 6])
@pytest.mark.parametrize("tracks", [1, 2])
def test_a_film_with_sound_never_stalls_wherever_one_seeks(seconds: int, tracks: int) -> None:
    """Five minutes, back to the beginning, forward to new media, back again by a little."""
    player = Player(new_meter(), tracks, seconds * SECOND)
    for place, duration_s in (0, 300), (0, 200), (250, 100), (240, 60), (200, 60):
        player.seek(place * SECOND)
        player.play(duration_s)
    assert player.stalled_ms == 0
    player.meter.close(player.now)
    # What was fetched ahead has had time to be watched while something else was.
    assert 350 * SECOND <= player.meter.posted <= (350 + 30) * SECOND


def test_changes_of_quality_that_empty_the_buffer_never_stall() -> None:
    player = Player(new_meter(), 2, 4 * SECOND)
    for _ in range(15):
        player.refill(player.tracks[0])
        player.play(20)
    assert player.stalled_ms == 0


def test_ten_copies_of_one_player_starve_within_seconds() -> None:
    """All ask for each part of a live as it comes; whoever asks first gets new media, the others
    share what a bucket of repetitions has.
    """
    meter, part = new_meter(), SECOND // 5
    got = [0] * 10
    together = None
    for now in range(200, 60_001, 200):
        edge = now // 200
        turns = range(edge, edge + 10)
        for client in (turn % 10 for turn in turns):
            while got[client] < edge:
                if fetch(meter, got[client] * part, (got[client] + 1) * part, now):
                    break
                got[client] += 1
        if together is None and min(got) < edge:
            together = edge / 5
    assert together is not None
    assert together <= 3.5
    assert (sum(got) - max(got)) / 5 <= 20 + 3 * 60
    assert sorted(got)[-2] / 5 <= 60 * 0.7
    meter.close(60_000)
    assert meter.posted >= max(got) * part - SECOND


def test_what_is_longer_than_the_bucket_is_sent_when_that_is_full() -> None:
    repeats = Repeats(RULES)
    assert repeats.take(50 * SECOND, presence_ms=0) == 0
    wait_ms = repeats.take(50 * SECOND, presence_ms=0)
    assert wait_ms == 16_667
    assert repeats.take(50 * SECOND, presence_ms=wait_ms - 1) == 1
    assert repeats.take(50 * SECOND, presence_ms=wait_ms) == 0


def test_the_bucket_fills_with_presence_and_not_above_its_brim() -> None:
    repeats = Repeats(RULES)
    assert repeats.take(20 * SECOND, presence_ms=0) == 0
    assert repeats.take(3 * SECOND, presence_ms=0) == 1_000
    assert repeats.take(3 * SECOND, presence_ms=1_000) == 0
    assert repeats.take(20 * SECOND, presence_ms=9_000_000) == 0
    assert repeats.take(SECOND, presence_ms=9_000_000) == 334


def test_what_comes_with_new_media_is_counted_though_it_cannot_wait() -> None:
    repeats = Repeats(RULES)
    repeats.spend(23 * SECOND, presence_ms=0)
    assert repeats.take(3 * SECOND, presence_ms=0) == 2_000


def test_a_whole_segment_whose_parts_were_fetched_counts_as_the_parts_that_it_repeats() -> None:
    meter, now = new_meter(), 0
    for place in range(0, 24, 4):
        assert fetch(meter, place * SECOND, (place + 3) * SECOND, now) == 0
        assert fetch(meter, place * SECOND, (place + 4) * SECOND, now) == 0
        now += 4_000
    # Six times three seconds again, with time for all of it; then as fast as there is room.
    assert fetch(meter, 0, 20 * SECOND, now) == 0
    assert fetch(meter, 0, 3 * SECOND, now) == 1_000
