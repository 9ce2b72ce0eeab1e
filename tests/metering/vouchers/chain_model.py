"""Payment channels on a chain that loses answers, includes late, and whose node may be away."""

import random
from collections.abc import Sequence
from dataclasses import replace

from metering.settlement.chain import ChainUnreachable
from metering.settlement.lifecycle import Answer, Answered
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.sending import Found, NotFound
from metering.signer.collecting import Verb
from metering.vouchers.channel_terms import ChannelTerms
from metering.vouchers.contracts import Ask, CallRefused
from metering.vouchers.payment_channel import ContractState

PAYER = "GFEES"
TERMS = ChannelTerms(frozenset(["ab"]), "CTOKEN", "XLM", "GHOT", "Model network")
_ENVELOPE_SECONDS = 60


class ChainModel:
    """Implements `Contracts`, `Envelopes` and `ChannelChain`; a ledger closes with `close_ledger`.

    Args:
        chance: decides on faults.
        faults: how often an answer is lost, or an envelope is included late; 0 to 1.
    """

    def __init__(self, chance: random.Random | None = None, faults: float = 0.0) -> None:
        self.chance = random.Random(1) if chance is None else chance
        self.faults = faults
        self.away = False
        self.deaf = False  # what is sent does not arrive
        self.refused: set[str] = set()  # contracts of which each call would fail
        self.ledger = 1_000
        self.states: dict[str, ContractState] = {}
        self.hot = 0
        self.given_back = 0
        self.asked: list[Ask] = []
        self._sequence = 7
        self._sent: dict[str, tuple[Ask, SignedEnvelope]] = {}
        self._applied: dict[str, Found] = {}

    def open(self, contract: str, key: bytes, balance: int) -> None:
        self.states[contract] = ContractState(
            wasm="ab",
            token="CTOKEN",
            payer="GPAYER",
            recipient="GHOT",
            key=key,
            waiting_ledgers=17_280,
            withdrawn=0,
            balance=balance,
            closes_at=None,
            ledger=self.ledger,
        )

    def start_closing(self, contract: str) -> None:
        self.states[contract] = replace(
            self.states[contract], closes_at=self.ledger + self.states[contract].waiting_ledgers
        )

    def take_back(self, contract: str) -> None:
        self._give_back(contract)

    def top_up(self, contract: str, amount: int) -> None:
        state = self.states[contract]
        self.states[contract] = replace(state, balance=state.balance + amount)

    # --- Contracts, ChannelChain -------------------------------------------------------------

    async def terms(self) -> ChannelTerms:
        return TERMS

    async def state(self, contract: str) -> ContractState | None:
        return (await self.read([contract])).get(contract)

    async def read(self, contracts: Sequence[str]) -> dict[str, ContractState]:
        self._may_fail()
        return {
            each: replace(self.states[each], ledger=self.ledger)
            for each in contracts
            if each in self.states
        }

    async def ask(self, ask: Ask) -> SignedEnvelope:
        self._may_fail()
        state = self.states[ask.contract]
        if ask.contract in self.refused or ask.cumulative > state.withdrawn + state.balance:
            raise CallRefused("balance is not sufficient to spend")
        self.asked.append(ask)
        name = f"tx-{len(self.asked)}"
        envelope = SignedEnvelope(
            xdr=name,
            hash=name,
            source=PAYER,
            sequence=self._sequence + 1,
            max_time=self._time + _ENVELOPE_SECONDS,
            fee=5_000,
            ledger=self.ledger,
        )
        self._sent[name] = ask, envelope
        return envelope

    # --- Envelopes -------------------------------------------------------------------------------

    async def send(self, envelope: SignedEnvelope) -> Answered:
        lost = self.deaf or self._is_fault()
        if not self.away and not lost:
            self._include(envelope)
        if self.away or lost or self._is_fault():
            return Answered(Answer.UNKNOWN, "no answer")
        return Answered(Answer.ACCEPTED)

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        self._may_fail()
        found = self._applied.get(envelope.hash)
        if found is not None:
            return found
        return NotFound(self.ledger, self._time, 1, self._sequence)

    def close_ledger(self, count: int = 1) -> None:
        self.ledger += count

    @property
    def _time(self) -> int:
        return self.ledger * 5

    def _include(self, envelope: SignedEnvelope) -> None:
        fits = envelope.sequence == self._sequence + 1 and self._time <= envelope.max_time
        if envelope.hash in self._applied or not fits:
            return
        self._sequence += 1
        ask, _ = self._sent[envelope.hash]
        successful = self._pay(ask)
        code = "tx_success" if successful else "tx_failed"
        self._applied[envelope.hash] = Found(successful, self.ledger, 5_000, code, ())

    def _pay(self, ask: Ask) -> bool:
        state = self.states[ask.contract]
        payout = max(0, ask.cumulative - state.withdrawn)
        if payout > state.balance:
            return False
        self.hot += payout
        self.states[ask.contract] = replace(
            state, withdrawn=state.withdrawn + payout, balance=state.balance - payout
        )
        if ask.verb is Verb.CLOSE:
            closing = replace(self.states[ask.contract], closes_at=self.ledger)
            self.states[ask.contract] = closing
            self._give_back(ask.contract)
        return True

    def _give_back(self, contract: str) -> None:
        state = self.states[contract]
        self.given_back += state.balance
        self.states[contract] = replace(state, balance=0)

    def _is_fault(self) -> bool:
        return self.chance.random() < self.faults

    def _may_fail(self) -> None:
        if self.away or self._is_fault():
            raise ChainUnreachable("no answer")
