"""Challenges of a server that tests know the key of, and wallets that sign them."""

import time
from collections.abc import Mapping

from stellar_sdk import Keypair, TransactionEnvelope

from api.auth.side_threads import SideThreads
from api.auth.spent import MemorySpentStore, SpentStore
from api.auth.wallet_proof import ChallengeTerms, WalletProof
from config.clock import Clock, ManualClock
from metering.settlement.chain import ChainAccount, Thresholds

DOMAIN = "live.example.org"
PASSPHRASE = "A network of the tests"
SERVER = Keypair.from_raw_ed25519_seed(b"s" * 32)
TERMS = ChallengeTerms(SERVER.secret, PASSPHRASE, DOMAIN)


class Chain:
    """Knows the accounts that a test puts there."""

    def __init__(self) -> None:
        self.accounts: dict[str, ChainAccount] = {}
        self.fault: Exception | None = None

    async def account(self, address: str) -> ChainAccount | None:
        if self.fault is not None:
            raise self.fault
        return self.accounts.get(address)

    def put(self, address: str, signers: Mapping[str, int], medium: int) -> None:
        account = ChainAccount(address, 1, Thresholds(0, medium, 0), signers, "")
        self.accounts[address] = account


def clock_of_now() -> ManualClock:
    """It stands at the system's time, which the SDK reads by itself."""
    return ManualClock(time.time_ns() // 1_000_000)


def wallet_proof(
    chain: Chain, threads: SideThreads, clock: Clock, spent: SpentStore | None = None
) -> WalletProof:
    return WalletProof(TERMS, chain, spent or MemorySpentStore(), threads, clock)


def signed(challenge: str, *keys: Keypair, passphrase: str = PASSPHRASE) -> str:
    envelope = TransactionEnvelope.from_xdr(challenge, passphrase)
    for key in keys:
        envelope.sign(key)
    return envelope.to_xdr()
