"""The hot account's trust line: made once, paid by somebody else, on both APIs of a network."""

import asyncio
from pathlib import Path

import pytest
from stellar_sdk import (
    Asset,
    ChangeTrust,
    Keypair,
    TransactionEnvelope,
)

from api.cli import main
from api.data_layout import signer_folder
from api.finding import Verdict
from api.trust_finding import trust_finding
from config.settings import Settings, load
from metering.settlement.transaction import Slot, build_trust_line
from metering.signer.keys import Keys, new_seed
from metering.signer.vault import SEED
from tests.metering.localnet.running import running_network
from tests.metering.settlement.networks import APIS, Town, Visitor


def test_the_transaction_is_what_the_sdk_reads_it_as() -> None:
    hot, payer, issuer = (Keypair.random().public_key for _ in range(3))
    for code in ("USDC", "EURTOKEN"):
        slot = Slot(payer, 7, 1_800_000_000)
        unsigned = build_trust_line(f"{code}:{issuer}", slot, 300, hot, "Some Network")
        read = TransactionEnvelope.from_xdr(unsigned.signed({}), "Some Network")
        transaction = read.transaction
        assert read.hash() == unsigned.hash
        assert transaction.source.account_id == payer
        assert (transaction.sequence, transaction.fee) == (7, 300)
        assert transaction.preconditions is not None
        assert transaction.preconditions.time_bounds is not None
        assert transaction.preconditions.time_bounds.max_time == slot.max_time
        [operation] = transaction.operations
        assert isinstance(operation, ChangeTrust)
        assert operation.asset == Asset(code, issuer)
        assert operation.source is not None
        assert operation.source.account_id == hot
        assert operation.limit == "922337203685.4775807"


class Owner:
    """An operator on the local network, who lists an asset of an issuer's."""

    def __init__(self, visitor: Visitor, data: Path) -> None:
        self.visitor = visitor
        self.seed = new_seed()
        self.hot = Keys(self.seed).hot
        self.payer = data / "wallet.seed"
        self.payer.write_text(visitor.keys.secret)
        self.issuer = Keypair.random().public_key
        self.asset = f"USDC:{self.issuer}"
        folder = signer_folder(data)
        folder.mkdir(mode=0o700)
        (folder / SEED).touch(mode=0o600)
        (folder / SEED).write_text(self.seed)
        town = visitor.town
        url = town.horizon_url if visitor.api == "horizon" else town.rpc_url
        self.settings = [
            f"--data_directory={data}",
            f"--stellar.{visitor.api}_url={url}",
            f"--stellar.network_passphrase={town.passphrase}",
            f"--stellar.assets={self.asset}",
        ]
        self.payer_flag = f"--payer={self.payer}"

    @property
    def read(self) -> Settings:
        return load(self.settings, {}, None)


@pytest.mark.process
async def test_an_operator_lets_the_hot_account_hold_what_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_network(tmp_path / "state", close_ms=100) as network:
        url = network.url
        town = Town(url, url, f"{url}/friendbot", network.passphrase)
        for api in APIS:
            folder = tmp_path / api
            folder.mkdir()
            visitor = Visitor(town, api)
            await list_and_trust(Owner(visitor, folder), capsys)
            await visitor.client.close()


async def list_and_trust(owner: Owner, capsys: pytest.CaptureFixture[str]) -> None:
    """On one of the two APIs."""
    visitor = owner.visitor

    async def tollcast(ends: int = 0, asset: str = owner.asset) -> str:
        words = ["signer", "trust", asset, owner.payer_flag, *owner.settings]
        assert await asyncio.to_thread(main, words) == ends
        told = capsys.readouterr()
        return told.out + told.err

    assert "does not exist: send it some lumens first" in await tollcast(ends=1)
    for address in (owner.hot, owner.issuer):
        await visitor.friendbot.fund(address)
    before = await visitor.until(lambda: visitor.chain.account(owner.hot))
    assert "the account that is to pay" in await tollcast(ends=1)
    await visitor.arrive()
    held = await visitor.chain.holdings(owner.hot)
    finding = await trust_finding(owner.read)
    assert finding is not None
    assert finding.verdict is Verdict.LESS
    assert finding.advice == [f"tollcast signer trust {owner.asset} --payer FILE"]

    assert f"{owner.hot} can hold {owner.asset}: trust line made by " in await tollcast()
    assert "trust line was there already" in await tollcast()
    finding = await trust_finding(owner.read)
    assert finding is not None
    assert finding.verdict is Verdict.OK
    # The books explain all that the hot account did: it did nothing.
    after, left = await visitor.chain.account(owner.hot), await visitor.chain.holdings(owner.hot)
    assert held is not None
    assert left is not None
    assert after is not None
    assert (after.sequence, left.balance) == (before.sequence, held.balance)
    assert "lumens need no trust line" in await tollcast(ends=1, asset="XLM")
    for nothing in ("USDC", "", f"USDC:G{'A' * 55}", f"LONGERTHAN12X:{owner.issuer}"):
        assert "no asset of an issuer, CODE:ISSUER" in await tollcast(ends=1, asset=nothing)


def test_what_cannot_be_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asset = f"USDC:{Keypair.random().public_key}"
    words = ["signer", "trust", asset, f"--data_directory={tmp_path}"]
    assert main(words) == 1
    assert "run this where the signer's key is" in capsys.readouterr().err
    folder = signer_folder(tmp_path)
    folder.mkdir(mode=0o700)
    (folder / SEED).touch(mode=0o600)
    (folder / SEED).write_text(seed := new_seed())
    payer = tmp_path / "payer"
    assert main([*words, f"--payer={payer}"]) == 1
    payer.write_text("S")
    assert main([*words, f"--payer={payer}"]) == 1
    payer.write_text(seed)
    assert main([*words, f"--payer={payer}"]) == 1
    assert "the server does not pay with" in capsys.readouterr().err
    payer.write_text(new_seed())
    assert main([*words, f"--payer={payer}"]) == 1
    assert "name the network: stellar.rpc_url" in capsys.readouterr().err
    assert main(["signer", f"--data_directory={tmp_path}"]) == 2
