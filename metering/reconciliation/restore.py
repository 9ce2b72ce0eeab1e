"""What is booked when the operator accepts a difference.

After a database was restored from an older copy, payments that were made since are missing in it,
and those who got them seem to have their money still. Accepting such a payment takes it from its
payee's account, as far as that goes, and the rest from the operator's own. Then nothing is due that
was paid, and payouts go on.

What the copy had planned and not signed may be such a payment. Before anything is booked it is
given up, so that its money is with its payees again, and is planned anew if it is still there then.
Where the memo of the payment's transaction names the settlement, that tells whose account it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metering.ledger.ledger import (
    Account,
    Ledger,
    Transfer,
    UnknownAccount,
    inflight_account,
    treasury_account,
)
from metering.money import NATIVE, Stroops
from metering.reconciliation.addresses import Ours
from metering.reconciliation.books_postgres import PostgresBooks
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.reconciliation.store import MadeGood, NoSuchDifference
from metering.settlement.outbox import Kind as PaymentKind
from metering.settlement.outbox import Outbox, Outcome, Payment, Settlement, State
from metering.settlement.strkey import account_key, read_address

_CAUSE = "restored"


@dataclass(frozen=True, slots=True)
class Giver:
    """An account that gives for what was paid, and how much it can.

    `withdrawal` is what the payment was, if it was one that our books have still to pay.
    """

    account: str
    available: int
    withdrawal: str | None = None


def bookings(difference: Difference, ours: Ours, giver: Giver | None) -> list[Transfer]:
    """The transfers that make a difference good; none where nothing is to be booked. With the first
    payment of a transaction that is accepted its fee is booked, too.

    Args:
        difference: what is accepted.
        ours: our addresses.
        giver: whose account gives for a payment; None: the operator's own alone.
    """
    return [*_moves(difference, ours, giver), *_fee(difference, ours)]


def _fee(difference: Difference, ours: Ours) -> list[Transfer]:
    seen = difference.seen
    payer = None if seen is None else ours.accounts.get((seen.payer, NATIVE))
    if seen is None or payer is None:
        return []
    # The same for each of its payments, and so booked once.
    return [_moved(f"restored:event:{difference.transaction}:fee", payer, NATIVE, -seen.fee)]


def _moves(difference: Difference, ours: Ours, giver: Giver | None) -> list[Transfer]:
    if difference.key.startswith("balance:"):
        moved = (difference.on_chain or 0) - (difference.in_ledger or 0)
        name = f"restored:{difference.key}:{difference.ledger}"
        return [_moved(name, difference.about, difference.asset, moved)]
    if difference.kind != Kind.MISSING_IN_LEDGER or not difference.key.startswith("event:"):
        return []
    amount, name = difference.on_chain or 0, f"restored:{difference.key}"
    came_in = ours.accounts.get((difference.destination, difference.asset))
    went_out = ours.accounts.get((difference.source, difference.asset))
    if went_out is None:
        assert came_in is not None, "payments between others are not compared"
        return [_moved(name, came_in, difference.asset, amount)]
    if came_in is not None:
        return [_between(name, came_in, went_out, difference.asset, amount)]
    given = 0 if giver is None else max(0, min(amount, giver.available))
    found = []
    if giver is not None and given > 0:
        found.append(_between(name, giver.account, went_out, difference.asset, given))
    if amount > given:
        found.append(_moved(f"{name}:rest", went_out, difference.asset, given - amount))
    return found


def _moved(name: str, account: str, asset: str, amount: int) -> Transfer:
    """So much came to an address, or went if below zero: the operator's own has it, or had."""
    treasury = treasury_account(asset).id
    debit, credit = (account, treasury) if amount > 0 else (treasury, account)
    return Transfer(name, debit, credit, Stroops(abs(amount)), asset, _CAUSE)


def _between(name: str, debit: str, credit: str, asset: str, amount: int) -> Transfer:
    return Transfer(name, debit, credit, Stroops(amount), asset, _CAUSE)


class Restorer:
    """Accepts differences, for the operator."""

    def __init__(
        self,
        store: PostgresReconciliation,
        books: PostgresBooks,
        ledger: Ledger,
        outbox: Outbox,
        ours: Ours,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._books = books
        self._ledger = ledger
        self._ours = ours

    async def accept(self, key: str, by: str, at: datetime) -> Sequence[Transfer]:
        """End an open difference.

        Args:
            key: the difference's.
            by: who accepts it.
            at: when.

        Returns:
            What was booked for it.

        Raises:
            NoSuchDifference: it is not open, or changed meanwhile.
            WouldOverdraw: the operator's own account has too little.
            MovedOn: somebody else took a settlement further meanwhile.
        """
        opened = [each.difference for each in await self._store.open()]
        difference = next((each for each in opened if each.key == key), None)
        if difference is None:
            raise NoSuchDifference(key)
        if difference.kind == Kind.MISSING_IN_LEDGER:
            await self._give_up_plans()
        giver = await self._giver(difference)
        transfers = bookings(difference, self._ours, giver)
        treasury = [treasury_account(asset) for asset in {each.asset for each in transfers}]
        made_good = MadeGood(
            difference=difference,
            by=by,
            at=at,
            accounts=[*self._chain(transfers), *treasury],
            transfers=transfers,
            withdrawal=None if giver is None else giver.withdrawal,
        )
        await self._store.accept(made_good)
        return transfers

    async def _give_up_plans(self) -> None:
        """No other process signs them: while a difference is open, nothing is signed."""
        given_up = Outcome(ledger=None, fee_charged=0, code=_CAUSE)
        for settlement in await self._outbox.unfinished():
            if settlement.state == State.PLANNED:
                dead = replace(settlement, state=State.DEAD, outcome=given_up)
                await self._outbox.advance(settlement, dead)

    def _chain(self, transfers: Sequence[Transfer]) -> list[Account]:
        """The accounts among theirs that stand for addresses of ours."""
        named = {(n, each.asset) for each in transfers for n in (each.debit, each.credit)}
        known = set(self._ours.accounts.values())
        return [Account(name, asset, floor=None) for name, asset in sorted(named) if name in known]

    async def _giver(self, difference: Difference) -> Giver | None:
        if difference.kind != Kind.MISSING_IN_LEDGER or not difference.destination:
            return None
        settlement = await self._outbox.settlement(difference.settlement)
        payment = None if settlement is None else _payout(settlement, difference.payment)
        if settlement is not None and payment is not None:
            # Its money is with its payee again, unless our books have it as paid, or on its way.
            ended = settlement.state in (State.DEAD, State.FAILED)
            return await self._holder(payment.account) if ended else None
        for withdrawal, address in await self._books.withdrawals(
            difference.asset, difference.on_chain or 0
        ):
            if account_key(difference.destination) == read_address(address).key:
                lies_in = inflight_account(withdrawal, difference.asset).id
                return Giver(lies_in, difference.on_chain or 0, withdrawal)
        owner = await self._books.owner(difference.destination)
        return None if owner is None else await self._holder(f"{owner}:{difference.asset}")

    async def _holder(self, account: str) -> Giver | None:
        try:
            return Giver(account, await self._ledger.balance(account))
        except UnknownAccount:
            return None


def _payout(settlement: Settlement, payment: str) -> Payment | None:
    """A payout of it by its id. Withdrawals are looked up by what is still to be paid instead."""
    payouts = (each for each in settlement.payments if each.kind == PaymentKind.PAYOUT)
    return next((each for each in payouts if each.id == payment), None)
