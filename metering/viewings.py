"""Which sessions somebody has open, in whatever process."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from config.postgres import Database

# The owner of content looks at it without paying; that is nobody's business.
_OPEN_OF = """
SELECT id, asset_id, opened_at FROM playback_session
WHERE viewer = $1 AND closed_at IS NULL AND payee <> viewer
ORDER BY id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Viewing:
    """One of them."""

    id: str
    asset_id: str
    opened_at: datetime


class Viewings(Protocol):
    async def open_of(self, viewer: str, limit: int) -> list[Viewing]:
        """A viewer's open sessions of others' content, the oldest first."""


class PostgresViewings:
    """Implements `Viewings`; may raise `config.postgres.UNAVAILABLE`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_of(self, viewer: str, limit: int) -> list[Viewing]:
        rows = await self._database.fetch(_OPEN_OF, viewer, limit)
        return [Viewing(row["id"], row["asset_id"], row["opened_at"]) for row in rows]
