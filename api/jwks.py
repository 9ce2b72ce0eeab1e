"""Gets the key set of an operator's own issuer: from its server, or from a file."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from api.bounded_answer import IDENTITY, AnswerTooLarge, read_at_most
from config.limits import KEY_SET_BYTES_MAX, KEY_SET_FETCH_SECONDS_MAX
from ingest.issuer_keys import FetchFailed


@dataclass(frozen=True, slots=True)
class KeySetServer:
    """A key set behind a URL."""

    url: str

    async def fetch(self) -> bytes:
        """The key set as it is now.

        Raises:
            FetchFailed: see there.
        """
        try:
            async with (
                asyncio.timeout(KEY_SET_FETCH_SECONDS_MAX),
                aiohttp.ClientSession(headers=IDENTITY, auto_decompress=False) as http,
                http.get(self.url, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise FetchFailed(f"{self.url} answered with status {answer.status}")
                return await read_at_most(answer, KEY_SET_BYTES_MAX)
        except (aiohttp.ClientError, AnswerTooLarge, OSError) as error:
            reason = str(error) or type(error).__name__
            raise FetchFailed(f"{self.url}: {reason}") from None


@dataclass(frozen=True, slots=True)
class KeySetFile:
    """A key set in a file, which may be replaced while the server runs."""

    path: Path

    async def fetch(self) -> bytes:
        """The key set as it is now.

        Raises:
            FetchFailed: see there.
        """
        try:
            return await asyncio.to_thread(self._read)
        except OSError as error:
            raise FetchFailed(f"{self.path}: {error.strerror}") from None

    def _read(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(KEY_SET_BYTES_MAX)
