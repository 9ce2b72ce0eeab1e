"""What a playback session's clients may have beside each other: the rules of one session.

A session is one person's, and its URLs can be passed on. Nobody can see persons. Clients (networks
and programs, see `api.auth.client`) are seen, and one person often has several: a phone changes
from Wi-Fi to mobile, a carrier's NAT or a host with IPv4 and IPv6 has an address for each
connection, a television goes on with what a telephone began, sound and pictures are fetched by
different programs. What such a person never does is to fetch the *same* media with two of them,
but for a piece of it when they move. So that is what is counted, not addresses:

* **Copies.** A client gets a copy when it asks for what is before the place that another one has
  got to since this one was served last. A person who moves asks for one, if any: then the other
  client has stopped. So does a person with many addresses who seeks back, if what follows goes on
  from there. Two who play at once ask for one copy after the other, at whatever places they are,
  since one of them is behind. A session has some seconds of copies, for however many sharers, and
  they come back in minutes in which nobody tries to have more.
* **Bound.** When the copies are used up, one client goes on: the first one that is still there, or
  one at the place where the session's owner was seen last (who opens, reads or follows the session
  with the account's credentials). All others are refused until that one has stopped, or nobody has
  tried for as long as copies take to come back.
* **Strangers.** A client that has neither the place nor the program of one that was there before,
  and is not where the owner was seen, may be the owner who took another device somewhere else, or
  whoever found the URL. It has two minutes, all of them together, in which the owner may show up
  there; then it is refused.
* **Crowds.** A few clients are remembered. One more takes the place of one that has stopped; if
  all of them are playing, what it asks for counts as a copy.

Pictures and sound are counted apart, as they are different files for the same time. Playlists are
for everybody with the session's token: without media they are worth nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from api.auth.client import agent_in, place_in
from config.limits import (
    CLIENT_COPIES_MS,
    CLIENT_COPIES_UNITS_MAX,
    CLIENT_IDLE_MS,
    CLIENT_PROOF_MS_MIN,
    CLIENT_REWIND_MS_MIN,
    CLIENT_STRANGER_MS_MAX,
    CLIENTS_OF_SESSION_MAX,
)

NOBODY = -1
_PICTURES, _SOUND = 0, 1
# Makes another number of a stranger's, so that each of its requests is looked at.
_STRANGE = 1 << 96


class PlayedElsewhere(Exception):
    """The session is played by another client. Its text is why this one may not: `stranger`, or
    `copies`.
    """


class Players:
    """Who plays one session.

    Times are monotonic milliseconds, media is in 1/90000 s.

    Attributes:
        pictures, sound: the client that asked for them last; NOBODY at first.
        pictures_end, sound_end: up to where.
    """

    __slots__ = (
        *("_owner", "_owner_at", "_several"),
        *("pictures", "pictures_end", "sound", "sound_end"),
    )

    def __init__(self) -> None:
        self.pictures = self.sound = NOBODY
        self.pictures_end = self.sound_end = 0
        self._owner = self._owner_at = NOBODY
        self._several: _Several | None = None  # most sessions never have more than one

    def prove(self, place: int, now: int) -> None:
        """Its owner is at this place: not everywhere at once, lest all who know the account play
        one session in turns.
        """
        if self._owner == NOBODY or now - self._owner_at >= CLIENT_PROOF_MS_MIN:
            self._owner, self._owner_at = place, now

    def ask(self, client: int, start: int, end: int, now: int, *, pictures: bool) -> None:
        """A client asks for media; only the one that asked for what was before may leave this out,
        and say how far it is by `pictures_end` or `sound_end`.

        Raises:
            PlayedElsewhere: it is not for this client.
        """
        before = {self.pictures, self.sound} - {NOBODY}
        if self._several is None and not before <= {client}:
            self._several = _Several(before, now)
        if (several := self._several) is not None:
            lane = _PICTURES if pictures else _SOUND
            several.look(_PICTURES, self.pictures & ~_STRANGE, self.pictures_end, now)
            several.look(_SOUND, self.sound & ~_STRANGE, self.sound_end, now)
            client = self._beside_others(several, client, (lane, start, end), now)
        if pictures:
            self.pictures, self.pictures_end = client, end
        else:
            self.sound, self.sound_end = client, end

    def _beside_others(
        self, several: "_Several", client: int, asked: tuple[int, int, int], now: int
    ) -> int:
        """As `ask`; the number to remember the client by."""
        try:
            known_as = several.admit(client, asked, self._owner, now)
        except PlayedElsewhere:
            self._look_at(client, client | _STRANGE)
            raise
        if several.is_bound:
            self._look_at(*({self.pictures, self.sound} - {known_as}))
        return known_as

    def _look_at(self, *clients: int) -> None:
        """The next request of these is asked for, whatever it is."""
        if self.pictures in clients:
            self.pictures = NOBODY
        if self.sound in clients:
            self.sound = NOBODY


@dataclass(slots=True)
class _Client:
    """One of several clients.

    Attributes:
        seen: when it was found to be playing last.
        strange: it has nothing in common with those before it.
        ends: of pictures and of sound, how far it has got.
        beyond: how far others have got since it was served last: all before that is a copy.
    """

    seen: int
    strange: bool = False
    ends: list[int] = field(default_factory=lambda: [0, 0])
    beyond: list[int] = field(default_factory=lambda: [0, 0])


class _Several:
    """The clients of a session that has had more than one."""

    __slots__ = (
        *("_clients", "_copies", "_ends", "_filled_at", "_is_rewound", "_copied"),
        *("_strange_since", "is_bound"),
    )

    def __init__(self, clients: Iterable[int], now: int) -> None:
        self._clients = {client: _Client(now) for client in clients}  # as they came
        self._ends = [0, 0]
        self._copies = CLIENT_COPIES_UNITS_MAX
        self._filled_at = now
        self._is_rewound = False
        self._copied: tuple[int, int, int] | None = None
        self._strange_since: int | None = None
        self.is_bound = False

    def look(self, lane: int, client: int, end: int, now: int) -> None:
        """Who has gone on since the last look, which is some time before now, is there."""
        if self._ends[lane] != end:
            self._go_on(lane, client, end, now)

    def admit(self, client: int, asked: tuple[int, int, int], owner: int, now: int) -> int:
        """Let a client have media (lane, start, end); the number to remember it by.

        Raises:
            PlayedElsewhere: it is for another one.
        """
        lane, start, end = asked
        known = self._clients.get(client)
        beyond = self._furthest(lane, now) if known is None else known.beyond[lane]
        is_strange = (known is None or known.strange) and not self._is_kin(client, owner)
        if is_strange:
            self._require_time(now)
        self._release(now)
        is_copy = start < beyond and not self._is_next(lane, start, end)
        if is_copy or (known is None and len(self._playing(now)) >= CLIENTS_OF_SESSION_MAX):
            self._spend(end - start, now)
        if self.is_bound and not self._is_for(client, owner, now):
            self._filled_at = now
            raise PlayedElsewhere("copies")
        if known is None:
            self._enter(client, now)
        if is_copy:
            self._rewind(lane, start, now)
        self._clients[client].strange = is_strange
        self._go_on(lane, client, end, now)
        return client | _STRANGE if is_strange else client

    def _go_on(self, lane: int, client: int, end: int, now: int) -> None:
        self._ends[lane] = end
        for each, known in self._clients.items():
            if each == client:
                known.seen = now
                known.ends[lane] = end
                known.beyond[lane] = 0
            else:
                known.beyond[lane] = max(known.beyond[lane], end)

    def _furthest(self, lane: int, now: int) -> int:
        return max((each.ends[lane] for each in self._playing(now).values()), default=0)

    def _rewind(self, lane: int, start: int, now: int) -> None:
        """It may be a person with many addresses who seeks back: that is one copy, not one for each
        of them, as long as all go on from there. Players who are one behind the other would seem to
        seek all the time.
        """
        self._is_rewound = self._copied is None or now - self._copied[2] >= CLIENT_REWIND_MS_MIN
        self._copied = (lane, start, now)

    def _is_next(self, lane: int, start: int, end: int) -> bool:
        """Whether it belongs to the last copy: as its sound, or as what comes after it."""
        if self._copied is not None and self._copied[1] == start and self._copied[0] != lane:
            return True
        return self._is_rewound and 0 <= start - self._ends[lane] < end - start

    def _is_kin(self, client: int, owner: int) -> bool:
        place, agent = place_in(client), agent_in(client)
        return place == owner or any(
            place == place_in(each) or agent == agent_in(each)
            for each, known in self._clients.items()
            if not known.strange
        )

    def _require_time(self, now: int) -> None:
        if self._strange_since is None:
            self._strange_since = now
        if now - self._strange_since >= CLIENT_STRANGER_MS_MAX:
            raise PlayedElsewhere("stranger")

    def _playing(self, now: int) -> dict[int, _Client]:
        return {
            client: known
            for client, known in self._clients.items()
            if now - known.seen < CLIENT_IDLE_MS
        }

    def _release(self, now: int) -> None:
        if self.is_bound and now - self._filled_at >= CLIENT_COPIES_MS:
            self.is_bound, self._copies = False, CLIENT_COPIES_UNITS_MAX

    def _spend(self, units: int, now: int) -> None:
        """Take a copy. What is a little longer than what is left of them may be the last one, and
        what is longer than all of them is the only one.
        """
        if self.is_bound:
            return
        room = self._copies + (now - self._filled_at) * CLIENT_COPIES_UNITS_MAX // CLIENT_COPIES_MS
        room = min(room, CLIENT_COPIES_UNITS_MAX)
        self._filled_at = now
        self.is_bound = 2 * room < units and room < CLIENT_COPIES_UNITS_MAX
        self._copies = room - units

    def _is_for(self, client: int, owner: int, now: int) -> bool:
        """Whether it is the one client that a bound session is for."""
        playing = sorted(self._playing(now), key=lambda each: self._clients[each].strange)
        at_owners = [each for each in playing if place_in(each) == owner]
        if at_owners or place_in(client) != owner:
            return not playing or client == (at_owners or playing)[0]
        return True

    def _enter(self, client: int, now: int) -> None:
        if len(self._clients) >= CLIENTS_OF_SESSION_MAX:
            del self._clients[min(self._clients, key=self._worth)]
        self._clients[client] = _Client(now)

    def _worth(self, client: int) -> tuple[bool, int]:
        known = self._clients[client]
        return not known.strange, known.seen
