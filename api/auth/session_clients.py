"""Asks for each piece of media whether its client may have it of this session; see `sharing`.

What is known is in the memory of the process that meters, which the serving processes ask for media
anyway. After a restart, and on another server that takes a session over, its next client is its
first one, and copies and strangers' time begin anew: nobody who plays is refused for it.
"""

import structlog

from api.auth.sharing import PlayedElsewhere, Players
from config.clock import Clock
from config.limits import CLIENT_REFUSALS_TOLD_MS, CLIENT_SESSIONS_KNOWN_MAX
from config.telemetry import counter

log = structlog.get_logger(__name__)

_refused = counter(
    "session_clients_refused_total", "Requests by clients that a session is not for", ["reason"]
)


class SessionClients:
    """The clients of all sessions of this process.

    Args:
        known_max: how many sessions are remembered; those that nobody asked of are forgotten first.
    """

    def __init__(self, clock: Clock, known_max: int = CLIENT_SESSIONS_KNOWN_MAX) -> None:
        self._clock = clock
        self._known_max = known_max
        # Two tables, of which the older one is dropped when the newer one is full.
        self._players: dict[str, Players] = {}
        self._players_before: dict[str, Players] = {}
        self._told_at: int | None = None

    def admit(self, session_id: str, client: int, start: int, end: int, height: int) -> None:
        """Pass when a client may have the media [start, end) in 1/90000 s.

        Args:
            client: as `api.auth.client` numbers it.
            height: of its pictures; 0 for sound.

        Raises:
            PlayedElsewhere: the session is not for this client.
        """
        players = self._players.get(session_id)
        if players is not None:
            # The client that asked for what was before, which is nearly all there is.
            if height:
                if players.pictures == client:
                    players.pictures_end = end
                    return
            elif players.sound == client:
                players.sound_end = end
                return
        self._admit_other(session_id, client, start, end, pictures=height > 0)

    def prove(self, session_id: str, place: int) -> None:
        """Somebody with the account's credentials asked about the session from this place."""
        self._of(session_id).prove(place, self._clock.monotonic_ms())

    def _admit_other(
        self, session_id: str, client: int, start: int, end: int, *, pictures: bool
    ) -> None:
        now = self._clock.monotonic_ms()
        try:
            self._of(session_id).ask(client, start, end, now, pictures=pictures)
        except PlayedElsewhere as refusal:
            _refused.labels(str(refusal)).inc()
            if self._told_at is None or now - self._told_at >= CLIENT_REFUSALS_TOLD_MS:
                self._told_at = now
                log.warning("a session is shared", session=session_id, reason=str(refusal))
            raise

    def _of(self, session_id: str) -> Players:
        players = self._players.get(session_id)
        if players is None:
            players = self._players_before.get(session_id) or Players()
            if len(self._players) >= self._known_max // 2:
                self._players, self._players_before = {}, self._players
            self._players[session_id] = players
        return players
