"""A media playlist with holes: every viewer's copy has that viewer's own tokens in its URIs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from config.limits import MEDIA_TOKEN_SEGMENTS

_HOLE = b"\0"

type Run = tuple[int, tuple[bytes, ...]]
"""A token group, and pieces of text between which that group's token belongs."""


def token_group(sequence: int) -> int:
    """Which media token opens a segment, its parts and what else is of it.

    One token opens a group of neighbours, so that who gets hold of one URI has a minute of media at
    most, while a segment's URI never changes within a session: players compare URIs (rfc8216bis,
    6.2.1: nothing in a playlist changes), and a recording is watched long after its playlist came.
    """
    return sequence // MEDIA_TOKEN_SEGMENTS


def opened_by_token(path: str) -> str:
    """The URI of a file, relative to the playlist of a rendition; its token is left open."""
    return f"../../\0/{path}"


@dataclass(frozen=True, slots=True)
class PlaylistText:
    """The text between the holes."""

    runs: tuple[Run, ...]

    @classmethod
    def of(cls, lines: Iterable[tuple[int, str]]) -> "PlaylistText":
        """Lines in order, each with the group of the token that its hole, if any, is for."""
        runs = []
        for group, members in groupby(lines, key=itemgetter(0)):
            text = "".join(f"{line}\n" for _, line in members)
            runs.append((group, tuple(text.encode().split(_HOLE))))
        return cls(tuple(runs))

    @classmethod
    def joined(cls, runs: Iterable[Run]) -> "PlaylistText":
        """The same text of as few runs as it can be: each costs every viewer's copy a microsecond.

        What has no hole goes with its neighbour, whatever its group.
        """
        found: list[tuple[int, list[bytes]]] = []
        for group, pieces in runs:
            if found and (len(pieces) == 1 or found[-1][0] == group):
                found[-1][1][-1] += pieces[0]
                found[-1][1].extend(pieces[1:])
            elif found and len(found[-1][1]) == 1:
                found[-1] = (group, [found[-1][1][0] + pieces[0], *pieces[1:]])
            else:
                found.append((group, list(pieces)))
        return cls(tuple((group, tuple(pieces)) for group, pieces in found))

    def fill(self, token: Callable[[int], bytes]) -> bytes:
        """The playlist of a viewer whose token for a group is `token(group)`."""
        runs = self.runs
        if len(runs) == 1:  # as at a live edge, unless a minute has just begun
            group, pieces = runs[0]
            return token(group).join(pieces)
        return b"".join([token(group).join(pieces) for group, pieces in runs])
