"""Challenges of SEP-10: twenty-four answers that prove nothing, and the one that does."""

import asyncio
import base64
import random
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from stellar_sdk import (
    Account,
    Asset,
    FeeBumpTransaction,
    FeeBumpTransactionEnvelope,
    HashMemo,
    IdMemo,
    Keypair,
    MuxedAccount,
    Transaction,
    TransactionBuilder,
    TransactionEnvelope,
)

from api.auth.challenge import ChallengeRefused, ClientDomain, Wish
from api.auth.side_threads import SideThreads
from api.auth.wallet_proof import WalletProof
from api.errors import Problem
from config.clock import ManualClock
from config.postgres import Database
from metering.settlement.chain import ChainUnreachable
from tests.api.auth.challenges import (
    DOMAIN,
    PASSPHRASE,
    SERVER,
    Chain,
    clock_of_now,
    signed,
    wallet_proof,
)

VERA, COSIGNER, STRANGER, CLIENT = (
    Keypair.from_raw_ed25519_seed(bytes([letter]) * 32) for letter in b"vcxd"
)
OTHER_SERVER = Keypair.from_raw_ed25519_seed(b"o" * 32)
# Two of three on the chain; a master key of weight 0, and a threshold of 0.
SHARED = Keypair.from_raw_ed25519_seed(b"2" * 32)
LOCKED = Keypair.from_raw_ed25519_seed(b"l" * 32)
MUXED = str(MuxedAccount(VERA.public_key, 0).account_muxed)


@dataclass
class Draft:
    """A challenge as a server makes it, with one thing that is not as it should be."""

    source: str = SERVER.public_key
    sequence: int = -1
    name: str = f"{DOMAIN} auth"
    nonce: bytes | None = base64.b64encode(b"n" * 48)
    account: str | None = VERA.public_key
    web_auth_domain: str | None = DOMAIN
    begins: int = 0
    seconds: int = 300
    signer: Keypair | None = SERVER
    passphrase: str = PASSPHRASE
    memo: Any = None
    client_domain: bool = False
    pays: bool = False

    def xdr(self, now_s: int) -> str:
        builder = TransactionBuilder(Account(self.source, self.sequence), self.passphrase, 100)
        begins = now_s + self.begins
        builder.add_time_bounds(begins, begins + self.seconds if self.seconds else 0)
        if self.pays:
            builder.append_payment_op(STRANGER.public_key, Asset.native(), "1", self.account)
        builder.append_manage_data_op(self.name, self.nonce, self.account)
        if self.web_auth_domain is not None:
            builder.append_manage_data_op(
                "web_auth_domain", self.web_auth_domain, SERVER.public_key
            )
        if self.client_domain:
            builder.append_manage_data_op("client_domain", "wallet.example", CLIENT.public_key)
        if self.memo is not None:
            builder.add_memo(self.memo)
        envelope = builder.build()
        if self.signer is not None:
            envelope.sign(self.signer)
        return envelope.to_xdr()


class Desk:
    """Where challenges are answered."""

    def __init__(self, proof: WalletProof, chain: Chain, clock: ManualClock) -> None:
        self.proof, self.chain, self.clock = proof, chain, clock

    @property
    def now_s(self) -> int:
        return self.clock.wall_ms() // 1000

    def drafted(self, *keys: Keypair, **draft: Any) -> str:
        made = Draft(**draft)
        return signed(made.xdr(self.now_s), *(keys or (VERA,)), passphrase=made.passphrase)

    async def real(self, account: Keypair, *keys: Keypair, **wish: Any) -> str:
        return signed(await self.proof.challenge(Wish(account.public_key, **wish)), *keys)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    chain, clock = Chain(), clock_of_now()
    weights = {SHARED.public_key: 1, COSIGNER.public_key: 1, STRANGER.public_key: 1}
    chain.put(SHARED.public_key, weights, medium=2)
    chain.put(LOCKED.public_key, {LOCKED.public_key: 0, SERVER.public_key: 9}, medium=0)
    threads = SideThreads("challenge", threads=1, waiting_max=100)
    yield Desk(wallet_proof(chain, threads, clock), chain, clock)
    threads.stop()


def fee_bump(desk: Desk) -> str:
    inner = TransactionEnvelope.from_xdr(desk.drafted(), PASSPHRASE)
    assert isinstance(inner.transaction, Transaction)
    outer = FeeBumpTransactionEnvelope(
        FeeBumpTransaction(SERVER.public_key, 400, inner), PASSPHRASE
    )
    outer.sign(SERVER)
    return outer.to_xdr()


# What is shown, and a word of the reason: no two are refused for the same one.
REFUSED: dict[str, tuple[Callable[[Desk], str], str]] = {
    "nothing that is a transaction": (lambda _: "AAAA", "no transaction in base 64"),
    "far too much": (lambda _: "A" * 10_000, "a challenge is shorter"),
    "a fee bump around it": (fee_bump, "a fee bump is"),
    "of another server": (
        lambda desk: desk.drafted(source=OTHER_SERVER.public_key, signer=OTHER_SERVER),
        "source account is not equal",
    ),
    "one that could be submitted": (lambda desk: desk.drafted(sequence=7), "sequence number"),
    "no end": (lambda desk: desk.drafted(seconds=0), "non-infinite"),
    "its time is over": (lambda desk: desk.drafted(begins=-301), "not within range"),
    "it is of later": (lambda desk: desk.drafted(begins=61), "not of now"),
    "good for a quarter of an hour": (lambda desk: desk.drafted(seconds=900), "for too long"),
    "it pays somebody": (lambda desk: desk.drafted(pays=True), "type should be ManageData"),
    "for another home domain": (
        lambda desk: desk.drafted(name="evil.example auth"),
        "expected home domain",
    ),
    "for another endpoint": (
        lambda desk: desk.drafted(web_auth_domain="evil.example"),
        "does not match live.example.org",
    ),
    "for no endpoint": (
        lambda desk: desk.drafted(web_auth_domain=None),
        "does not name the domain",
    ),
    "no nonce": (lambda desk: desk.drafted(nonce=None), "should not be null"),
    "a short nonce": (lambda desk: desk.drafted(nonce=b"n" * 32), "64 bytes long"),
    "a memo that is no number": (
        lambda desk: desk.drafted(memo=HashMemo(b"m" * 32)),
        "only ID memos",
    ),
    "a memo with a muxed account": (
        lambda desk: desk.drafted(memo=IdMemo(5), account=MUXED),
        "muxed account has no memo",
    ),
    "not signed by this server": (
        lambda desk: desk.drafted(signer=None),
        f"not signed by server: {SERVER.public_key}",
    ),
    "of nobody": (lambda desk: desk.drafted(account=None), "should have a source account"),
    "not signed by the client": (lambda desk: Draft().xdr(desk.now_s), "by any client signer"),
    "signed by a stranger, too": (
        lambda desk: desk.drafted(VERA, STRANGER),
        "unrecognized signatures",
    ),
    "not signed for its client domain": (
        lambda desk: desk.drafted(client_domain=True),
        "source account of the 'client_domain'",
    ),
    "one of two that have to sign": (
        lambda desk: desk.drafted(COSIGNER, account=SHARED.public_key),
        "weight 1 do not meet threshold 2",
    ),
    "a key that was taken out of service": (
        lambda desk: desk.drafted(LOCKED, account=LOCKED.public_key),
        "no key signs for this account",
    ),
}


async def test_of_25_challenges_24_are_refused_and_one_is_accepted_once(desk: Desk) -> None:
    answers = {kind: make(desk) for kind, (make, _) in REFUSED.items()}
    answers["as it should be"] = await desk.real(VERA, VERA)
    assert len(answers) == 25
    accepted, reasons = [], {}
    for kind, text in answers.items():
        try:
            accepted.append((kind, (await desk.proof.accept(text)).subject))
        except ChallengeRefused as refused:
            reasons[kind] = str(refused)
    assert accepted == [("as it should be", VERA.public_key)]
    wrong = {kind: said for kind, said in reasons.items() if REFUSED[kind][1] not in said}
    assert wrong == {}
    assert len(set(reasons.values())) == 24, "each for its own reason"
    with pytest.raises(ChallengeRefused, match="used before"):
        await desk.proof.accept(answers["as it should be"])


async def test_a_challenge_is_spent_whatever_signs_it_again_and_however_it_is_encoded(
    desk: Desk,
) -> None:
    text = signed(await desk.proof.challenge(Wish(SHARED.public_key)), COSIGNER, SHARED)
    await desk.proof.accept(text)
    raw = bytearray(base64.b64decode(text))
    other = TransactionEnvelope.from_xdr(text, PASSPHRASE)
    other.signatures.reverse()
    # The SDK reads any number but 0 as "there is one": here, before an operation's source.
    raw[raw.index(SHARED.raw_public_key()) - 5] = 5
    for again in (other.to_xdr(), base64.b64encode(raw).decode()):
        with pytest.raises(ChallengeRefused, match="used before"):
            await desk.proof.accept(again)


async def test_who_somebody_is_says_the_account_with_its_memo_or_its_number(desk: Desk) -> None:
    proof = desk.proof
    for wish, subject in (
        (Wish(VERA.public_key), VERA.public_key),
        (Wish(VERA.public_key, memo=0), f"{VERA.public_key}:0"),
        (Wish(VERA.public_key, memo=2**64 - 1), f"{VERA.public_key}:{2**64 - 1}"),
        (Wish(MUXED), MUXED),
    ):
        claim = await proof.accept(signed(await proof.challenge(wish), VERA))
        assert (claim.subject, claim.address) == (subject, VERA.public_key)
    both = await desk.real(SHARED, COSIGNER, STRANGER)
    assert (await proof.accept(both)).subject == SHARED.public_key
    client = ClientDomain("wallet.example", CLIENT.public_key)
    claim = await proof.accept(await desk.real(VERA, VERA, CLIENT, client=client))
    assert claim.client_domain == "wallet.example"


@pytest.mark.parametrize(
    "wish",
    [
        Wish("G"),
        Wish(VERA.secret),
        Wish(VERA.public_key.lower()),
        Wish(MUXED, memo=1),
        Wish(VERA.public_key, memo=-1),
        Wish(VERA.public_key, memo=2**64),
        Wish(SERVER.public_key),
    ],
)
async def test_there_is_no_challenge_for_what_is_no_account_or_memo(desk: Desk, wish: Wish) -> None:
    with pytest.raises(ChallengeRefused):
        await desk.proof.challenge(wish)


async def test_a_challenge_of_another_network_is_not_ours(desk: Desk) -> None:
    with pytest.raises(ChallengeRefused, match="not signed by server"):
        await desk.proof.accept(desk.drafted(passphrase="Another network"))


async def test_when_the_chain_is_away_nobody_comes_in_and_nothing_is_spent(desk: Desk) -> None:
    text = await desk.real(VERA, VERA)
    desk.chain.fault = ChainUnreachable("away")
    with pytest.raises(Problem) as refused:
        await desk.proof.accept(text)
    assert refused.value.status == 503
    desk.chain.fault = None
    assert (await desk.proof.accept(text)).subject == VERA.public_key


async def test_whatever_bytes_come_are_refused_and_nothing_breaks(desk: Desk) -> None:
    raw = base64.b64decode(await desk.real(VERA, VERA))
    chance = random.Random(7)
    for _ in range(300):
        torn = bytearray(raw if chance.randrange(2) else chance.randbytes(300))
        for _ in range(chance.randrange(4)):
            torn[chance.randrange(len(torn))] = chance.randrange(256)
        text = base64.b64encode(torn[: chance.randrange(len(torn)) + 1]).decode()
        try:
            await desk.proof.accept(text)
        except ChallengeRefused:
            continue
        assert base64.b64decode(text)[:60] == raw[:60], "only one that is still whole"


_OTHER_PROCESS = """
import asyncio, sys
from api.auth.challenge import ChallengeRefused
from api.auth.side_threads import SideThreads
from api.auth.spent import PostgresSpentStore
from config.clock import SystemClock
from config.postgres import Database
from tests.api.auth.challenges import Chain, wallet_proof

async def main(url):
    database = await Database.connect(url, pool_size=1)
    threads = SideThreads("challenge", 1, 10)
    proof = wallet_proof(Chain(), threads, SystemClock(), PostgresSpentStore(database))
    await proof.address()
    print("ready", flush=True)
    text = sys.stdin.readline().strip()
    try:
        print((await proof.accept(text)).subject)
    except ChallengeRefused as refused:
        print(refused)
    await database.close()
    threads.stop()

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.process
async def test_of_two_processes_that_are_shown_one_at_once_one_accepts_it(
    desk: Desk, database: Database, postgres_url: str
) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _OTHER_PROCESS, postgres_url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    text = await desk.real(VERA, VERA)
    async with asyncio.timeout(60):
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        said = await asyncio.gather(*(each.communicate(f"{text}\n".encode()) for each in processes))
    answers = sorted(output.decode().strip() for output, _ in said)
    assert answers[0] == VERA.public_key
    assert "used before" in answers[1]
    assert await database.fetchval("select count(*) from challenge_spent") == 1
