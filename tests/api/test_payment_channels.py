"""Payment channels over HTTP: what is answered to vouchers, good and bad, old and new."""

from collections.abc import AsyncIterator

import pytest

from api.movements import FROM_THE_NEWEST
from config.clock import ManualClock
from config.postgres import Database
from metering.money import format_amount
from tests.api.channel_rig import DEPOSIT, PLAY, Rig, rig_over
from tests.metering.vouchers.replayed import CONNECTIONS, run
from tests.metering.vouchers.test_desk import CONTRACT


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def rig(database: Database, clock: ManualClock) -> AsyncIterator[Rig]:
    async with rig_over(database, clock) as rig:
        yield rig


async def test_each_answer_says_what_a_client_can_act_on(rig: Rig, clock: ManualClock) -> None:
    assert (await rig.register())[0] == 201
    assert (await rig.register())[0] == 201
    status, channel = await rig.pay(5_000)
    assert (status, channel["accepted"]) == (200, "0.0005000")
    assert (await rig.pay(5_000))[0] == 200
    status, problem = await rig.pay(4_000)
    assert (status, problem["code"], problem["accepted"]) == (409, "delta_too_small", "0.0005000")
    status, problem = await rig.pay(DEPOSIT + 1)
    assert (status, problem["code"]) == (409, "amount_exceeds_deposit")
    assert problem["deposited"] == format_amount(DEPOSIT)
    forged = {**rig.voucher(6_000), "cumulative": "0.0007000"}
    assert (await rig.post(f"/{CONTRACT}/vouchers", forged))[1]["code"] == "invalid_signature"
    assert (await rig.post(f"/{CONTRACT[:-1]}X/vouchers", rig.voucher(6_000)))[0] == 404
    for wrong in ({}, {**rig.voucher(6_000), "cumulative": "1e3"}, {"contract": CONTRACT[:-1]}):
        assert (await rig.post(f"/{CONTRACT}/vouchers", wrong))[0] == 400
    clock.advance(1_000)
    while (await rig.pay(5_000))[0] == 200:
        pass
    assert (await rig.pay(5_000))[1]["code"] == "too_many_vouchers"
    status, channel = await rig.post(f"/{CONTRACT}/close", {"voucher": rig.voucher(1_000)})
    assert (status, channel["state"], channel["accepted"]) == (200, "closing", "0.0001000")
    clock.advance(1_000)
    assert (await rig.pay(6_000))[1]["code"] == "channel_closing"
    # However many vouchers there were: one line of the history.
    movements, _ = await rig.movements.page(rig.owner, FROM_THE_NEWEST, 50)
    assert [(each.kind, each.reference, each.amount) for each in movements] == [
        ("payment_channel", CONTRACT, 1_000)
    ]


async def test_a_key_is_one_wish_wherever_money_moves(rig: Rig) -> None:
    await rig.register()
    vouchers, close = f"/{CONTRACT}/vouchers", f"/{CONTRACT}/close"
    first = await rig.post(vouchers, rig.voucher(5_000), key="k")
    assert (first[0], first[1]["accepted"]) == (200, "0.0005000")
    await rig.pay(6_000)
    assert await rig.post(vouchers, rig.voucher(5_000), key="k") == first
    status, problem = await rig.post(vouchers, rig.voucher(7_000), key="k")
    assert (status, problem["code"]) == (422, "idempotency_key_reused")

    wish = {"key": bytes(32).hex(), "amount": "1"}
    made = await rig.post(PLAY, wish, key="k")
    assert made == (201, {"contract": "C1"})
    assert await rig.post(PLAY, wish, key="k") == made
    assert (await rig.post(PLAY, {**wish, "amount": "2"}, key="k"))[0] == 422
    assert await rig.post(PLAY, wish) == (201, {"contract": "C2"})

    closed = await rig.post(close, {"voucher": rig.voucher(6_000)}, key="k")
    assert (closed[0], closed[1]["state"]) == (200, "closing")
    assert await rig.post(close, {"voucher": rig.voucher(6_000)}, key="k") == closed
    assert (await rig.post(close, {}, key="k"))[0] == 422


async def test_who_has_used_up_the_keys_of_a_day_may_pay_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.idempotency_postgres.IDEMPOTENCY_KEYS_MAX", 1)
    await rig.register()
    for number in (1, 2):
        voucher = rig.voucher(number * 2_000)
        status, channel = await rig.post(f"/{CONTRACT}/vouchers", voucher, key=f"k-{number}")
        assert (status, channel["accepted"]) == (200, format_amount(number * 2_000))


async def test_a_contract_that_would_not_pay_us_is_refused_with_the_reason(rig: Rig) -> None:
    rig.chain.start_closing(CONTRACT)
    status, problem = await rig.register()
    assert (status, problem["code"], problem["reason"]) == (422, "contract_refused", "closing")
    del rig.chain.states[CONTRACT]
    assert (await rig.register())[1]["reason"] == "no_payment_channel"
    rig.chain.away = True
    assert (await rig.register())[0] == 503


async def test_vouchers_replayed_and_reordered_over_eight_connections_come_to_the_highest(
    database: Database,
) -> None:
    """Ten thousand take a minute: `python -m tests.metering.vouchers.replayed`."""
    found = await run(database, requests=1_000, seed=5)
    assert found.wrong == []
    assert (found.answers.total(), found.connections) == (1_000, CONNECTIONS)
    assert set(found.answers) == {
        "accepted", "delta_too_small", "amount_exceeds_deposit", "invalid_signature",
    }  # fmt: skip
