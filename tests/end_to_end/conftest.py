"""Fixtures that start the whole server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.end_to_end.running_server import RunningServer, start_server

StartServer = Callable[..., Awaitable[RunningServer]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartServer]:
    """Starts servers that share one data directory; what still runs at the end is stopped."""
    servers: list[RunningServer] = []

    async def start_one(*flags: str, demo: str = "off") -> RunningServer:
        server = await start_server(tmp_path / "data", *flags, demo=demo)
        servers.append(server)
        return server

    yield start_one
    for server in servers:
        if server.process.returncode is None:
            await server.stop()


@pytest.fixture
async def server(start: StartServer) -> RunningServer:
    return await start()
