"""The HTTP server, with the serving processes beside it where there are to be any."""

import asyncio
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace

from api.app import Routes, make_application
from api.http_server import HttpServer
from api.serving.brief import Brief, brief_to_bytes
from api.serving.conversation import House
from api.serving.desk import Packages
from api.serving.listeners import open_listeners
from api.serving.processes import ServingProcesses
from config.clock import Clock
from config.settings import Http
from metering.intake import Intake


class HttpProcesses:
    """One address, however many processes listen on it."""

    def __init__(self, settings: Http, routes: Routes, clock: Clock) -> None:
        self._settings = settings
        self._serving = ServingProcesses(clock)
        if settings.processes > 1:
            dependencies = (*routes.health.dependencies, self._serving.dependency())
            health = replace(routes.health, dependencies=dependencies)
            routes = replace(routes, health=health)
        self._http = HttpServer(
            make_application(routes), settings.host, settings.port, routes.media.playback, clock
        )
        self._listeners: Sequence[socket.socket] = ()

    @property
    def port(self) -> int:
        """The bound port; differs from the asked one when that was 0."""
        return self._http.port

    async def start(self, packages: Packages, metering: Intake, brief: Brief) -> None:
        """Serve. The other processes start meanwhile.

        Raises:
            OSError: the address is taken, or the system cannot share it.
        """
        if self._settings.processes == 1:
            await self._http.start()
            return
        if sys.platform != "linux":
            raise OSError("http.processes: more than one need Linux, which spreads connections")
        here, *elsewhere = open_listeners(
            self._settings.host, self._settings.port, self._settings.processes
        )
        self._listeners = here
        await self._http.start(here)
        house = House(packages, metering, self._http, brief_to_bytes(brief))
        await self._serving.start(house, elsewhere)

    async def stop(self) -> None:
        """Return when nobody is served any more and everything is known of what was."""
        await asyncio.gather(self._http.stop(), self._serving.stop())
        for listener in self._listeners:
            listener.close()
