"""The play money of a first start: asked for until it comes, and given once."""

from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import pytest

from api import wallet as wallet_module
from api.auth.account import Account, AccountKind, MemoryAccountStore, new_account
from api.wallet import Wallet
from metering.money import NATIVE
from metering.settlement.chain import ChainUnreachable
from metering.settlement.stellar import new_seed


class _Network:
    """A local network with treasury and friendbot: fails so often before it works."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.local = self
        self.asked: list[str] = []

    async def ready(self) -> None:
        self.asked.append("ready")

    async def replenish(self) -> int:
        if self.failures > 0:
            self.failures -= 1
            raise ChainUnreachable("not yet")
        self.asked.append("treasury")
        return 1

    async def holdings(self, _address: str) -> None:
        return None

    async def fund(self, _address: str) -> str:
        self.asked.append("creator")
        return ""


async def _creator(accounts: MemoryAccountStore) -> Account:
    creator = new_account(AccountKind.CREATOR, "You", 0)
    await accounts.create(creator, b"")
    return creator


def _wallet(network: Any, accounts: MemoryAccountStore) -> Wallet:
    seed = new_seed()
    stores = SimpleNamespace(
        network=network,
        accounts=accounts,
        secrets=SimpleNamespace(create_or_read=lambda _name, _make: (seed, True)),
    )
    parts: dict[str, Any] = dict.fromkeys(field.name for field in fields(Wallet))
    parts |= {"stores": stores, "nodes": {NATIVE: network}}
    return Wallet(**(parts | {"treasury": network, "friendbot": network}))


async def test_a_first_start_asks_until_treasury_and_creator_have_play_money(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wallet_module, "LOCAL_NETWORK_RESTART_SECONDS", 0)
    accounts, network = MemoryAccountStore(), _Network(failures=2)
    creator = await _creator(accounts)
    await _wallet(network, accounts).give_play_money(creator)
    assert network.asked == ["ready", "ready", "ready", "treasury", "creator"]
    known = await accounts.get(creator.id)
    assert known is not None
    assert known.stellar_address is not None


async def test_an_address_that_the_creator_chose_meanwhile_stays() -> None:
    accounts, network = MemoryAccountStore(), _Network(failures=0)
    creator = await _creator(accounts)
    await accounts.set_stellar_address(creator.id, "GCHOSEN")
    await _wallet(network, accounts).give_play_money(creator)
    known = await accounts.get(creator.id)
    assert known is not None
    assert known.stellar_address == "GCHOSEN"


async def test_a_later_start_and_a_real_network_are_given_nothing() -> None:
    accounts, network = MemoryAccountStore(), _Network(failures=0)
    creator = await _creator(accounts)
    await _wallet(network, accounts).give_play_money(replace(creator, stellar_address="GKNOWN"))
    await _wallet(SimpleNamespace(local=None), accounts).give_play_money(creator)
    assert network.asked == []
