"""What is made of Horizon's answers, above all of those that are none."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from stellar_sdk import Keypair
from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.client.response import Response
from stellar_sdk.exceptions import ConnectionError as StellarConnectionError

from config.limits import HORIZON_LAG_LEDGERS, HORIZON_LAG_SECONDS
from metering.settlement.chain import LUMENS, ChainUnreachable, WrongNetwork
from metering.settlement.feed import HistoryGap
from metering.settlement.guard import MemoryNetworkBook, NetworkGuard
from metering.settlement.horizon import Horizon
from metering.settlement.lifecycle import Answer
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.place import end_of, place_at
from metering.settlement.sending import NotFound
from metering.toid import Place

PASSPHRASE = "Scripted Network"
OWN, PAYER, ISSUER = (Keypair.random().public_key for _ in range(3))
ENVELOPE = SignedEnvelope("AAAA", "ab" * 32, OWN, 7, 2_000_000_000, 100, 50)
NOT_FOUND = (404, {"type": "https://stellar.org/horizon-errors/not_found", "title": "Missing"})


def root(ledger: int = 100, elder: int = 1, passphrase: str = PASSPHRASE) -> dict[str, object]:
    return {
        "network_passphrase": passphrase,
        "history_latest_ledger": ledger,
        "history_latest_ledger_closed_at": "2026-11-30T12:00:00Z",
        "history_elder_ledger": elder,
    }


class Script(BaseAsyncClient):
    """Answers what a test says, by the beginning of a path."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object]] = {"/": (200, root())}
        self.asked: list[str] = []
        self.lost = False

    def _answer(self, url: str) -> Response:
        path = url.removeprefix("http://horizon")
        self.asked.append(path)
        if self.lost:
            raise StellarConnectionError("lost")
        found = max((each for each in self.answers if path.startswith(each)), key=len)
        exact = path == found or found != "/"
        status, body = self.answers[found] if exact else NOT_FOUND
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(status, text, {}, url)

    async def get(
        self, url: str, params: dict[str, str] | None = None, max_content_size: int | None = None
    ) -> Response:
        return self._answer(url)

    async def post(
        self,
        url: str,
        data: dict[str, str] | None = None,
        json_data: dict[str, Any] | None = None,
    ) -> Response:
        assert data == {"tx": ENVELOPE.xdr}
        return self._answer(url)

    def stream(
        self, url: str, params: dict[str, str] | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        raise AssertionError("nothing is streamed")

    async def close(self) -> None:
        return


@pytest.fixture
def script() -> Script:
    return Script()


def horizon(script: Script, guard: NetworkGuard | None = None) -> Horizon:
    return Horizon("http://horizon/", PASSPHRASE, LUMENS, script, guard)


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (201, {"tx_status": "PENDING"}, Answer.ACCEPTED),
        (409, {"tx_status": "DUPLICATE"}, Answer.ACCEPTED),
        (503, {"tx_status": "TRY_AGAIN_LATER"}, Answer.BUSY),
        (400, {"tx_status": "ERROR"}, Answer.REFUSED),
        (400, {"title": "Transaction Malformed"}, Answer.REFUSED),
        # Nobody knows: it may have arrived.
        (429, {"title": "Rate Limit Exceeded"}, Answer.UNKNOWN),
        (500, {}, Answer.UNKNOWN),
        (502, "<html>", Answer.UNKNOWN),
        (503, {"title": "Stale History"}, Answer.UNKNOWN),
        (503, "busy", Answer.UNKNOWN),
        (504, {"title": "Timeout"}, Answer.UNKNOWN),
        (201, "{", Answer.UNKNOWN),
        (404, {}, Answer.UNKNOWN),
    ],
)
async def test_what_becomes_of_a_submission(
    script: Script, status: int, body: object, answer: Answer
) -> None:
    script.answers["/transactions_async"] = (status, body)
    assert (await horizon(script).send(ENVELOPE)).answer == answer


@pytest.mark.parametrize(
    ("status", "body"),
    [(429, {}), (500, {}), (504, {}), (302, {}), (200, "<html>"), (200, {}), (404, "nginx")],
)
async def test_what_is_no_answer_of_horizons_is_none(
    script: Script, status: int, body: object
) -> None:
    """A proxy's 404 above all: it is not about an account."""
    script.answers[f"/accounts/{OWN}"] = (status, body)
    with pytest.raises(ChainUnreachable):
        await horizon(script).holdings(OWN)


async def test_only_time_proves_that_a_transaction_will_never_apply(script: Script) -> None:
    script.answers["/transactions/"] = NOT_FOUND
    seen = await horizon(script).look(ENVELOPE)
    assert isinstance(seen, NotFound)
    assert seen.source_sequence is None, "another server may be behind the one that told it"
    closed_at = (await horizon(script).tip()).close_time
    assert seen.latest_close_time == closed_at - HORIZON_LAG_SECONDS


async def test_a_network_is_looked_at_again_after_a_failure(script: Script) -> None:
    """A test network that is reset was away before."""
    chain = horizon(script, NetworkGuard(MemoryNetworkBook()))
    script.answers[f"/accounts/{OWN}"] = NOT_FOUND
    script.answers["/ledgers/"] = (200, {"hash": "first"})
    assert await chain.holdings(OWN) is None
    script.lost = True
    with pytest.raises(ChainUnreachable):
        await chain.holdings(OWN)
    script.lost = False
    script.answers["/"] = (200, root(ledger=3))
    with pytest.raises(WrongNetwork):
        await chain.holdings(OWN)
    script.answers["/"] = (200, root(ledger=2000))
    script.answers["/ledgers/"] = (200, {"hash": "another"})
    with pytest.raises(WrongNetwork):
        await chain.send(ENVELOPE)
    assert not [path for path in script.asked if path.startswith("/transactions")]


def record(place: Place, kind: str, **fields: object) -> dict[str, object]:
    return {
        "paging_token": place.cursor,
        "type": kind,
        "transaction_hash": f"{place.ledger:064x}",
        "transaction_successful": True,
        "created_at": "2026-11-30T11:00:00Z",
        "transaction": {"memo_type": "id", "memo": "5", "result_xdr": ""},
        **fields,
    }


async def test_payments_of_every_kind_are_read(script: Script) -> None:
    usd = {"asset_type": "credit_alphanum4", "asset_code": "USD", "asset_issuer": ISSUER}
    moved = {"type": "transfer", "from": "CWALLET", "to": OWN, "amount": "4.0", **usd}
    moved["destination_muxed_id"] = "8"
    texts = {"destination_muxed_id": "7", "destination_muxed_id_type": "string"}
    minted = {"type": "mint", "to": OWN, "amount": "0.0000005", **usd, **texts}
    script.answers[f"/accounts/{OWN}/payments"] = (
        200,
        {
            "_embedded": {
                "records": [
                    record(
                        Place(50, 1, 1),
                        "create_account",
                        funder=PAYER,
                        account=OWN,
                        starting_balance="1.0",
                    ),
                    record(
                        Place(51, 1, 2),
                        "path_payment_strict_send",
                        **{"from": PAYER, "to": OWN, "to_muxed_id": "9", "amount": "2.0", **usd},
                    ),
                    record(
                        Place(52, 1, 1),
                        "invoke_host_function",
                        asset_balance_changes=[moved, minted, {**moved, "to": PAYER}],
                    ),
                ]
            }
        },
    )
    page = await horizon(script).feed(OWN).after(None, 10)
    told = [(p.id[-3:], p.source, p.asset, p.amount, p.muxed_id) for p in page.payments]
    name = f"USD:{ISSUER}"
    assert told == [
        ("2:0", PAYER, "XLM", 10_000_000, None),
        ("3:1", PAYER, name, 20_000_000, 9),
        ("4:0", "CWALLET", name, 40_000_000, 8),
        ("0.1", ISSUER, name, 5, None),
    ]
    assert [p.memo_id for p in page.payments] == [5, 5, 5, 5]
    assert page.finished


async def test_a_feed_never_runs_ahead_of_a_server_that_is_behind(script: Script) -> None:
    script.answers[f"/accounts/{OWN}/payments"] = NOT_FOUND
    feed = horizon(script).feed(OWN)
    page = await feed.after(None, 10)
    assert page.ledger == 100 - HORIZON_LAG_LEDGERS
    assert place_at(page.cursor) == end_of(page.ledger)
    later = end_of(99).cursor
    assert (await feed.after(later, 10)).cursor == later, "and never back"


async def test_what_horizon_forgot_is_a_gap_although_it_answers(script: Script) -> None:
    """Going forward, Horizon begins where its history does, and says nothing of what is missing."""
    script.answers["/"] = (200, root(elder=60))
    script.answers[f"/accounts/{OWN}/payments"] = (200, {"_embedded": {"records": []}})
    feed = horizon(script).feed(OWN)
    assert (await feed.after(end_of(59).cursor, 10)).payments == ()
    for cursor in (end_of(58).cursor, Place(59, 1, 1).cursor):
        with pytest.raises(HistoryGap):
            await feed.after(cursor, 10)
