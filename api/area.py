"""A part of what answers HTTP: it says itself which requests are its own."""

from typing import Protocol

from aiohttp import web

type RouteTable = list[web.RouteDef]


class Area(Protocol):
    def routes(self) -> RouteTable:
        """In the order in which they are looked at, where one path fits several."""


def tables(*areas: Area) -> RouteTable:
    """All of their routes."""
    return [route for area in areas for route in area.routes()]
