"""Proof that somebody has an account on the chain: a challenge of ours with its signatures."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from api.auth.challenge import ChallengeRefused, Claim, Wish
from api.auth.side_threads import SideThreads
from api.auth.spent import SpentStore
from api.errors import unavailable
from config.clock import Clock
from config.limits import CHALLENGE_CHAIN_SECONDS_MAX
from metering.settlement.chain import ChainAccount, ChainUnreachable, WrongNetwork

if TYPE_CHECKING:
    from api.auth.stellar_challenge import Challenges


class Signatories(Protocol):
    """Knows who signs for an account on the chain."""

    async def account(self, address: str) -> ChainAccount | None:
        """Raises: ChainUnreachable, WrongNetwork."""


@dataclass(frozen=True, slots=True)
class ChallengeTerms:
    """What challenges are made of.

    Attributes:
        seed: of the key that signs them.
        passphrase: of the network.
        domain: where this server is.
    """

    seed: str = field(repr=False)
    passphrase: str
    domain: str


class WalletProof:
    """Makes challenges, and accepts each once. The SDK is imported by the first of them, on its
    own thread, which has it by then: the wallet of this server needs it too.
    """

    def __init__(
        self,
        terms: ChallengeTerms,
        signatories: Signatories,
        spent: SpentStore,
        threads: SideThreads,
        clock: Clock,
    ) -> None:
        self._terms = terms
        self._signatories = signatories
        self._spent = spent
        self._threads = threads
        self._clock = clock
        self._made: Challenges | None = None

    async def address(self) -> str:
        """The key that signs challenges."""
        return await self._threads.run(lambda: self._challenges().address)

    async def challenge(self, wish: Wish) -> str:
        """A new challenge, in base 64. Raises: ChallengeRefused; Problem, see `SideThreads`."""
        now_s = self._now_s()
        return await self._threads.run(lambda: self._challenges().make(wish, now_s))

    async def accept(self, text: str) -> Claim:
        """What a signed challenge proves. It is spent by that.

        Raises:
            ChallengeRefused: it proves nothing, or was spent before.
            Problem: 503, the chain does not say who signs for the account, or see `SideThreads`.
        """
        now_s = self._now_s()
        claim = await self._threads.run(lambda: self._challenges().read(text, now_s))
        signers, threshold = await self._weights(claim.address)
        await self._threads.run(lambda: self._challenges().check(text, signers, threshold))
        until = datetime.fromtimestamp(claim.until_s, UTC)
        now = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
        if not await self._spent.spend(claim.hash, until, now):
            raise ChallengeRefused("this challenge was used before, ask for a new one")
        return claim

    async def _weights(self, address: str) -> tuple[Mapping[str, int], int]:
        """Who signs, and how much they have to weigh. An account that does not exist yet has its
        own key (SEP-10, "Verifying").
        """
        try:
            async with asyncio.timeout(CHALLENGE_CHAIN_SECONDS_MAX):
                account = await self._signatories.account(address)
        except (ChainUnreachable, WrongNetwork, TimeoutError):
            raise unavailable("the chain does not say who signs for this account", 5) from None
        if account is None:
            return {address: 1}, 1
        return account.signers, account.thresholds.medium

    def _challenges(self) -> "Challenges":
        if self._made is None:
            from api.auth.stellar_challenge import Challenges

            terms = self._terms
            self._made = Challenges(terms.seed, terms.passphrase, terms.domain)
        return self._made

    def _now_s(self) -> int:
        return self._clock.wall_ms() // 1000
