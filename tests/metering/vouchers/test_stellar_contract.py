"""Payment channels on a local network that runs as a process, over Stellar RPC."""

from pathlib import Path

import pytest

from metering.signer.collecting import Verb
from metering.vouchers.channel_terms import ContractRefused
from metering.vouchers.contracts import Ask, CallRefused
from metering.vouchers.stellar_wallet import NotApplied
from tests.metering.localnet.running import running_network
from tests.metering.vouchers.parties import WAITING, Parties, parties_on

pytestmark = pytest.mark.process


async def test_a_payment_channel_is_opened_collected_from_and_closed(tmp_path: Path) -> None:
    with running_network(tmp_path / "net.state") as network:
        async with parties_on(network) as parties:
            await pays_what_was_signed_for_once(parties)
            await gives_back_what_nobody_signed_for(parties)
            await is_told_from_what_is_no_payment_channel(parties)


async def pays_what_was_signed_for_once(parties: Parties) -> None:
    contract = await parties.wallet.open(parties.opening())
    state = (await parties.contracts.read([contract]))[contract]
    parties.terms.require(state)
    assert (state.payer, state.key) == (parties.wallet.address, parties.key.public)
    assert (state.balance, state.withdrawn, state.waiting_ledgers) == (1_000_000, 0, WAITING)
    hot, payer = await parties.held(parties.hot.hot), await parties.held(parties.wallet.address)
    for cumulative in (300_000, 300_000, 450_000):
        assert (await collect(parties, contract, cumulative, Verb.SETTLE)) == "tx_success"
    # Less than was collected changes nothing; more than there is fails before it costs anything.
    assert (await collect(parties, contract, 400_000, Verb.SETTLE)) == "tx_success"
    with pytest.raises(CallRefused):
        await collect(parties, contract, 1_000_001, Verb.SETTLE)
    with pytest.raises(CallRefused):
        await parties.contracts.ask(Ask(contract, Verb.SETTLE, 500_000, bytes(64)))
    await parties.wallet.start_closing(contract)
    state = (await parties.contracts.read([contract]))[contract]
    assert state.closes_at is not None
    assert state.closes_at - WAITING <= state.ledger
    assert await parties.held(parties.hot.hot) == hot + 450_000
    before = await parties.held(parties.wallet.address)
    assert (await collect(parties, contract, 500_000, Verb.CLOSE)) == "tx_success"
    state = (await parties.contracts.read([contract]))[contract]
    assert (state.withdrawn, state.balance) == (500_000, 0)
    # To the stroop: what was signed for is ours, without any fee; the rest is its payer's.
    assert await parties.held(parties.hot.hot) == hot + 500_000
    assert await parties.held(parties.wallet.address) == before + 500_000
    assert before < payer


async def gives_back_what_nobody_signed_for(parties: Parties) -> None:
    contract = await parties.wallet.open(parties.opening(waiting=1))
    with pytest.raises(ContractRefused):
        parties.terms.require((await parties.contracts.read([contract]))[contract])
    await parties.wallet.start_closing(contract)
    for _ in range(5):
        try:
            await parties.wallet.take_back(contract)
        except (CallRefused, NotApplied):
            continue
        break
    assert (await parties.contracts.read([contract]))[contract].balance == 0


async def is_told_from_what_is_no_payment_channel(parties: Parties) -> None:
    nothing = "CAAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQC526"
    assert await parties.contracts.read([parties.terms.token, nothing]) == {}


async def collect(parties: Parties, contract: str, cumulative: int, verb: Verb) -> str:
    voucher = parties.key.voucher(contract, cumulative)
    ask = Ask(contract, verb, cumulative, voucher.signature)
    return (await parties.outcome(await parties.contracts.ask(ask))).code
