"""A playlist that is waited for: told to a thousand viewers within the time of a frame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from api.delivery.answer import Answer, head_of
from api.delivery.request import MediaRequest, Target
from config.limits import RESPONSE_JOINED_BYTES_MAX
from packager.arrival import Arrival
from packager.playlist_text import PlaylistText


class Found(NamedTuple):
    """The playlist that came, for all who asked for the same in the same words.

    Attributes:
        group: of the one token that belongs between `whole`; -1: there are several, or it is long.
        whole: the pieces of text with the head before them, for who keeps the connection.
    """

    target: Target
    text: PlaylistText
    group: int
    whole: tuple[bytes, ...]

    @classmethod
    def by(
        cls, request: MediaRequest, text: PlaylistText, answer: Answer, date_line: bytes
    ) -> "Found":
        """By who was told first, and was given this: all copies are of one length."""
        if len(text.runs) != 1 or (answer.length or 0) > RESPONSE_JOINED_BYTES_MAX:
            return cls(request.target, text, -1, ())
        group, (first, *others) = text.runs[0]
        head = head_of(answer, date_line, closes=False)
        return cls(request.target, text, group, (head + first, *others))


@dataclass(slots=True, eq=False)
class Reload[Told]:
    """One who waits. What can be known before is, so that little has to be fetched into the
    processor's cache for each: that is most of what a release costs besides the kernel's part.

    Attributes:
        target: None when its answer has another head than those of the others.
        group, token: those that the playlist will most likely need.
        look: the meter's, for `session_id`.
        ask: answers without anybody's help.
    """

    arrival: Arrival
    target: Target | None
    session_id: str
    group: int
    token: bytes
    look: Callable[[str], None]
    ask: Callable[[bytes], Told]

    def again(self, date_line: bytes) -> Told | bytes:
        """Raises: what `ask` and `look` do."""
        found = self.arrival.found
        if isinstance(found, Found) and found.target is self.target and found.group == self.group:
            self.look(self.session_id)
            return self.token.join(found.whole)
        return self.ask(date_line)
