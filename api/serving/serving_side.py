"""Everything that a serving process consists of."""

import asyncio
import socket
from collections.abc import Sequence
from typing import cast

import structlog

from api.auth.client import Clients
from api.auth.playback_token import PlaybackTokens
from api.delivery.connection import Connection, Site
from api.delivery.playback import Playback
from api.delivery.watch import Deadlines, Watch
from api.serving.brief import Brief, brief_from_bytes
from api.serving.giving_away import GivingAway
from api.serving.handover import HandoverSender
from api.serving.link import Link
from api.serving.messages import Count, Message, Ready, Stop, Welcome
from api.serving.questions import Questions, Told
from api.serving.remote_metering import RemoteMetering
from api.serving.remote_packages import RemotePackages
from config import logs
from config.clock import Clock, SystemClock
from config.collector import collect_rarely
from config.limits import (
    HTTP_BACKLOG,
    HTTP_SHUTDOWN_SECONDS,
    SERVING_BACKLOG_BYTES_MAX,
    SERVING_COUNT_SECONDS,
    SERVING_MESSAGE_BYTES_MAX,
    SERVING_START_SECONDS_MAX,
)
from config.tasks import happens
from config.telemetry import Growth

log = structlog.get_logger(__name__)


class ServingSide:
    """Made on the loop that it serves on.

    Args:
        channel: what connections are given away through.
        listeners: what they are accepted on.
    """

    def __init__(
        self,
        channel: socket.socket,
        listeners: Sequence[socket.socket],
        clock: Clock | None = None,
    ) -> None:
        self._listeners = listeners
        self._clock = clock or SystemClock()
        self._sender = HandoverSender(channel)
        self._link = Link(
            self._receive,
            self._link_lost,
            message_bytes_max=SERVING_MESSAGE_BYTES_MAX,
            backlog_bytes_max=SERVING_BACKLOG_BYTES_MAX,
        )
        self._questions = Questions(self._link.send)
        self._watch = Watch(self._clock, Deadlines())
        self._growth = Growth()
        self._brief: Brief | None = None
        self._is_briefed = asyncio.Event()
        self._is_stopping = asyncio.Event()
        self._is_alone = asyncio.Event()

    async def serve(self, link: socket.socket) -> None:
        """Return when the main process says so, or has gone."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._link, sock=link)
        await happens(self._is_briefed, SERVING_START_SECONDS_MAX)
        if self._brief is None:
            return
        logs.set_up(self._brief.log_level, self._brief.log_format)
        servers = await self._listen(self._site(self._brief))
        collect_rarely()
        self._link.send(Ready())
        while not await happens(self._is_stopping, SERVING_COUNT_SECONDS):
            self._link.send(Count(self._growth.take()))
        for server in servers:
            server.close()
        if not self._is_alone.is_set():
            await self._end()

    def _site(self, brief: Brief) -> Site:
        metering = RemoteMetering(self._questions, self._link.send_with_next, self._clock)
        playback = Playback(
            RemotePackages(self._questions, self._clock),
            metering,
            PlaybackTokens(brief.token_key.encode()),
            self._clock,
            brief.patience_ms,
            metering,
        )
        clients = Clients.behind(brief.trusted_proxies)
        return Site(playback, GivingAway(self._sender), self._watch, clients)

    async def _listen(self, site: Site) -> list[asyncio.Server]:
        loop = asyncio.get_running_loop()
        self._watch.start()
        return [
            await loop.create_server(lambda: Connection(site), sock=each, backlog=HTTP_BACKLOG)
            for each in self._listeners
        ]

    async def _end(self) -> None:
        """Give what is under way a moment, and tell the main process what became of it."""
        self._watch.end_all()
        await self._watch.emptied(HTTP_SHUTDOWN_SECONDS)
        self._watch.stop()
        await asyncio.sleep(0)  # connections that were cut are told so
        self._sender.close()
        self._link.send(Count(self._growth.take()))
        self._link.close()
        await happens(self._is_alone, HTTP_SHUTDOWN_SECONDS)

    def _receive(self, message: Message) -> None:
        match message:
            case Welcome(brief):
                self._brief = brief_from_bytes(brief)
                self._is_briefed.set()
            case Stop():
                self._is_stopping.set()
            case _:
                self._questions.receive(cast(Told, message))

    def _link_lost(self) -> None:
        """The main process has gone, or everything was said. Nothing can be served any more."""
        self._is_alone.set()
        self._is_briefed.set()
        self._is_stopping.set()
