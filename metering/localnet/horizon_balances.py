"""Horizon's records of claimable balances (Stellar docs, "Claimable Balances")."""

from typing import Any

from metering.localnet.entries import ClaimableBalance, claimable_key
from metering.localnet.horizon_links import links, lists, time_text
from metering.localnet.paging import BadQuery, Page
from metering.localnet.predicates import predicate_document
from metering.localnet.reading import Reading
from metering.localnet.xdr_values import balance_id
from metering.money import format_amount

Document = dict[str, Any]

_ID_CHARACTERS = 72  # the XDR in hex: 4 bytes of type, 32 of hash
_TYPE_CHARACTERS = 8


def balances(
    reading: Reading,
    page: Page,
    base: str,
    *,
    claimant: str = "",
    sponsor: str = "",
    asset: str = "",
) -> list[Document]:
    """`GET /claimable_balances`: the records of one page, the longest unchanged first.

    Args:
        reading: the network.
        page: which of them.
        base: the server's own URL.
        claimant: who may claim it; empty for anybody.
        sponsor: who made it; empty for anybody.
        asset: `native` or `CODE:ISSUER`; empty for any.

    Raises:
        BadQuery: the cursor is none of a balance.
    """
    found = [
        entry
        for entry in reading.entries.all()
        if isinstance(entry, ClaimableBalance)
        and (not claimant or claimant in dict(entry.claimants))
        and (not sponsor or entry.sponsor == sponsor)
        and (not asset or entry.asset == asset)
    ]
    found.sort(key=_order, reverse=page.descending)
    if page.cursor:
        start = _read_token(page.cursor)
        found = [
            entry
            for entry in found
            if (_order(entry) < start if page.descending else _order(entry) > start)
        ]
    return [balance(reading, entry, base) for entry in found[: page.limit]]


def find(reading: Reading, id_: str) -> ClaimableBalance | None:
    """A balance by its id as Horizon writes it."""
    if len(id_) != _ID_CHARACTERS:
        return None
    entry = reading.entry(claimable_key(id_[_TYPE_CHARACTERS:].lower()))
    return entry if isinstance(entry, ClaimableBalance) else None


def balance(reading: Reading, entry: ClaimableBalance, base: str) -> Document:
    """`GET /claimable_balances/{id}`."""
    id_ = balance_id(entry.id).to_xdr_bytes().hex()
    modified, own = reading.header(entry.modified), f"/claimable_balances/{id_}"
    return {
        "id": id_,
        "paging_token": f"{entry.modified}-{id_}",
        "asset": entry.asset,
        "amount": format_amount(entry.amount),
        "sponsor": entry.sponsor,
        "last_modified_ledger": entry.modified,
        "last_modified_time": None if modified is None else time_text(modified.close_time),
        "claimants": [
            {"destination": address, "predicate": predicate_document(predicate)}
            for address, predicate in entry.claimants
        ],
        "flags": {"clawback_enabled": False},
        "_links": links(base, self=own, **lists(own, "transactions", "operations")),
    }


def _order(entry: ClaimableBalance) -> tuple[int, str]:
    return entry.modified, entry.id


def _read_token(token: str) -> tuple[int, str]:
    modified, dash, id_ = token.partition("-")
    if not (dash and modified.isdecimal()):
        raise BadQuery("cursor", "cursor: invalid value")
    return int(modified), id_[_TYPE_CHARACTERS:]
