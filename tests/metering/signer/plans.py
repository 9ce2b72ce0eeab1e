"""Settlements as they are planned, and who reads them to a signer."""

from dataclasses import dataclass, field

from metering.money import Stroops
from metering.settlement.outbox import Kind, Payment, Settlement
from metering.settlement.signer import SigningOrder
from metering.signer.keys import Keys

# Of the bytes "0123456789abcdef" twice.
SEED = "SAYDCMRTGQ2TMNZYHFQWEY3EMVTDAMJSGM2DKNRXHA4WCYTDMRSWN325"
PASSPHRASE = "Test Network ; play money"
ALICE = "GCCLBQTCNUE3UYSPJU3OOYSM2ZHR5ZDATTWNYAAULBEKUWOYEHWMGVWC"
NOW_MS = 1_700_000_000_000
SOON = NOW_MS // 1000 + 60
KEYS = Keys(SEED)


@dataclass
class Plans:
    """Implements `local_signer.Settlements`."""

    known: dict[str, Settlement] = field(default_factory=dict)

    async def settlement(self, settlement_id: str) -> Settlement | None:
        return self.known.get(settlement_id)

    def add(self, settlement: Settlement) -> Settlement:
        self.known[settlement.id] = settlement
        return settlement


def pay(amount: int, address: str = ALICE, kind: Kind = Kind.PAYOUT, **others: object) -> Payment:
    """A payment; what does not matter here is filled in."""
    return Payment("pay_1", "ana", address, Stroops(amount), "creator:ana:XLM", kind, **others)  # type: ignore[arg-type]


def plan(id_: str, *payments: Payment, source: str = KEYS.hot, asset: str = "XLM") -> Settlement:
    """A settlement of these payments, with the least fee."""
    return Settlement(id_, asset, source, 100 * len(payments), payments, NOW_MS)


def order(settlement: Settlement, sequence: int = 7, max_time: int = SOON) -> SigningOrder:
    """To sign it."""
    return SigningOrder(settlement.id, settlement.source, sequence, max_time, ledger=5)
