"""Where sources are kept."""

from dataclasses import replace
from typing import Protocol

from ingest.source import NameTaken, Source, UnknownSource


class SourceStore(Protocol):
    """Sources by id, by name and by stream key."""

    async def create(self, source: Source) -> None:
        """Keep a new source.

        Raises:
            NameTaken: another source has its name.
        """

    async def get(self, source_id: str) -> Source | None:
        """The source with this id."""

    async def by_name(self, name: str) -> Source | None:
        """The source with this name."""

    async def by_key_hash(self, key_hash: bytes) -> Source | None:
        """The source whose stream key has this hash."""

    async def key_hashes(self, count: int) -> list[bytes]:
        """The hashes of at most `count` stream keys, those of the newest sources."""

    async def list_of(self, owner: str) -> list[Source]:
        """A creator's sources, oldest first."""

    async def replace_key(self, source_id: str, key_hash: bytes) -> None:
        """Make another stream key the only valid one.

        Raises:
            UnknownSource: there is no such source.
        """


class MemorySourceStore:
    """Sources of one process, gone with it."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    async def create(self, source: Source) -> None:
        if await self.by_name(source.name) is not None:
            raise NameTaken(source.name)
        self._sources[source.id] = source

    async def get(self, source_id: str) -> Source | None:
        return self._sources.get(source_id)

    async def by_name(self, name: str) -> Source | None:
        return next((each for each in self._sources.values() if each.name == name), None)

    async def by_key_hash(self, key_hash: bytes) -> Source | None:
        return next((each for each in self._sources.values() if each.key_hash == key_hash), None)

    async def key_hashes(self, count: int) -> list[bytes]:
        return [each.key_hash for each in self._sources.values()][-count:]

    async def list_of(self, owner: str) -> list[Source]:
        own = [each for each in self._sources.values() if each.owner == owner]
        return sorted(own, key=lambda each: (each.created_at, each.id))

    async def replace_key(self, source_id: str, key_hash: bytes) -> None:
        if source_id not in self._sources:
            raise UnknownSource(source_id)
        self._sources[source_id] = replace(self._sources[source_id], key_hash=key_hash)
