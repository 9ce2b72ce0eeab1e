"""Asks a town's network as a client of Stellar RPC does."""

from typing import Any

from stellar_sdk import scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.soroban_rpc import GetEventsResponse

from metering.localnet.reading import View
from metering.localnet.rpc import Rpc
from tests.metering.localnet.town import Town


class Client:
    """Requests in, results out; the SDK reads them."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def ask(self, method: str, view: View | None = None, **params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return Rpc(self.town.network, "").answer(body, self.town.now_ms, 0, view or View())

    def result(self, method: str, **params: Any) -> Any:
        answer = self.ask(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    def events(self, **params: Any) -> GetEventsResponse:
        return GetEventsResponse.model_validate(self.result("getEvents", **params))

    def told(self, **params: Any) -> list[tuple[Any, ...]]:
        """Events in plain values, but for fees."""
        return [
            (*(plain(topic) for topic in event.topic), plain(event.value))
            for event in self.events(**params).events
            if plain(event.topic[0]) != "fee"
        ]


def plain(value: str) -> Any:
    native = scval.to_native(stellar_xdr.SCVal.from_xdr(value))
    return getattr(native, "address", native)
