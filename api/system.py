"""What this server is: version, network, and where to publish."""

from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable


@dataclass(frozen=True, slots=True)
class System:
    """The route `/api/v1/system`."""

    version: str
    play_money: bool
    rtmp_url: str
    network: str

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/system", self.get),
        ]

    async def get(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "version": self.version,
                "playMoney": self.play_money,
                "rtmpUrl": self.rtmp_url,
                "network": self.network,
            }
        )
