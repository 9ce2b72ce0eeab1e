"""A Horizon server that is a function call away, over the network's pure model."""

import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.client.response import Response
from stellar_sdk.exceptions import ConnectionError as StellarConnectionError

from config.clock import ManualClock
from metering.localnet import horizon
from metering.localnet.horizon_transactions import transaction
from metering.localnet.network import LocalNetwork
from tests.metering.settlement.simulated import Weather


class SimulatedHorizon(BaseAsyncClient):
    """Answers what `Horizon` asks for payouts. Requests get lost, and answers to submissions."""

    def __init__(self, network: LocalNetwork, clock: ManualClock, weather: Weather) -> None:
        self._network = network
        self._clock = clock
        self.weather = weather
        self.sent: list[str] = []

    async def get(
        self, url: str, params: dict[str, str] | None = None, max_content_size: int | None = None
    ) -> Response:
        if self.weather.random.random() < self.weather.lost_before:
            raise StellarConnectionError("lost on the way there")
        document = self._document(*urlsplit(url).path.strip("/").split("/"))
        status = 404 if document.get("status") == 404 else 200
        return _response(status, document)

    async def post(
        self,
        url: str,
        data: dict[str, str] | None = None,
        json_data: dict[str, Any] | None = None,
    ) -> Response:
        assert data is not None
        chance = self.weather.random
        if chance.random() < self.weather.lost_before:
            raise StellarConnectionError("lost on the way there")
        late = chance.randrange(1, 5) if chance.random() < self.weather.late else 0
        self.sent.append(data["tx"])
        self._network.advance(self._clock.wall_ms())
        submission = self._network.submit(data["tx"], self._clock.wall_ms(), late)
        if chance.random() < self.weather.lost_after:
            raise StellarConnectionError("lost on the way back")
        return _response(horizon.STATUS_CODES[submission.status], horizon.submission(submission))

    def stream(
        self, url: str, params: dict[str, str] | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        raise StellarConnectionError("nothing is streamed")

    async def close(self) -> None:
        return

    def _document(self, kind: str, name: str = "") -> dict[str, Any]:
        self._network.advance(self._clock.wall_ms())
        reading = self._network.read(self._clock.wall_ms())
        if kind == "fee_stats":
            return horizon.fee_stats(reading)
        if kind == "accounts":
            account = reading.account(name)
            return horizon.missing() if account is None else horizon.account(reading, account, "")
        if kind == "transactions":
            record = reading.transaction(name)
            return horizon.missing() if record is None else transaction(record, "")
        assert kind == "", kind
        return horizon.root(reading)


def _response(status: int, document: dict[str, Any]) -> Response:
    return Response(status, json.dumps(document), {}, "")
