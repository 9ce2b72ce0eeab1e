"""The HTTP server, with the serving processes beside it where there are to be any."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace

from api.app import make_application
from api.auth.client import Clients
from api.composition.routes import Routes
from api.http_server import HttpServer
from api.serving.brief import Brief, brief_to_bytes
from api.serving.conversation import House
from api.serving.desk import Packages
from api.serving.processes import ServingProcesses
from config.clock import Clock
from config.settings import Http
from metering.intake import Intake


class HttpProcesses:
    """One address, however many processes listen on it.

    `listeners` are for each process those that it accepts on. What waits there is served as soon as
    its process runs; they are closed when it stops.
    """

    def __init__(
        self,
        settings: Http,
        listeners: Sequence[Sequence[socket.socket]],
        routes: Routes,
        clock: Clock,
    ) -> None:
        self._listeners, *self._elsewhere = listeners
        self._serving = ServingProcesses(clock)
        if self._elsewhere:
            operating = routes.operating.with_dependency(self._serving.dependency())
            routes = replace(routes, operating=operating)
        application = make_application(routes, settings.trusted_proxies)
        playback = routes.watching.media.playback
        self._clients = routes.watching.clients
        self._http = HttpServer(
            *(application, settings.host, settings.port, playback, clock),
            clients=Clients.behind(settings.trusted_proxies),
        )

    @property
    def port(self) -> int:
        """The bound port; differs from the asked one when that was 0."""
        return self._http.port

    async def start(self, packages: Packages, metering: Intake, brief: Brief) -> None:
        """Serve. The other processes start meanwhile."""
        await self._http.start(self._listeners)
        if self._elsewhere:
            told = brief_to_bytes(brief)
            house = House(packages, metering, self._http, told, clients=self._clients)
            await self._serving.start(house, self._elsewhere)

    async def stop(self) -> None:
        """Return when nobody is served any more and everything is known of what was."""
        for listener in self._listeners:  # the server accepts on copies of them, and stops that
            listener.close()
        await asyncio.gather(self._http.stop(), self._serving.stop())
