"""Checks a receipt without the server that made it, and names the first element that is wrong.

In this order: how it is written, which members it has, the chain of hashes, the signature, and
whether what it says can be: seconds that follow each other, the tariff's price for them, media
enough for them, sums. api/web/src/verify/check.ts does the same in a browser; a test gives both the
same damaged receipts and wants the same words of both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from metering.receipts.chain import (
    FORMAT,
    Verify,
    breaks,
    elements,
    link,
    settlement_bytes,
    signed_bytes,
)
from metering.receipts.content import content_faults
from metering.receipts.shape import require_shape
from metering.receipts.text import Misread, read


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an element, such as `ticks[3].amount`."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a check: faults, the most telling first, and what was read unless it is no
    receipt at all.
    """

    faults: tuple[Fault, ...]
    document: Mapping[str, Any] | None = None

    @property
    def hash(self) -> str:
        """The receipt's hash, of one that could be read."""
        assert self.document is not None, "it could not be read"
        last: str = self.document["chain"][-1]
        return last


def check_receipt(data: bytes, verify: Verify) -> Checked:
    """All that is wrong with a receipt's file; `verify` does the arithmetic of signatures."""
    try:
        document: Mapping[str, Any] = read(data)
        require_shape(document)
    except Misread as misread:
        return Checked((Fault(misread.path, misread.reason),))
    return Checked(tuple(_faults(document, verify)), document)


def _faults(document: Mapping[str, Any], verify: Verify) -> Iterator[Fault]:
    inside = [Fault(path, reason) for path, reason in content_faults(document)]
    yield from chained_faults(document, inside, verify)
    if _is_linked(document):
        yield from _settlement_faults(document, verify)


def chained_faults(
    document: Mapping[str, Any],
    inside: list[Fault],
    verify: Verify,
    format_: str = FORMAT,
) -> Iterator[Fault]:
    """What is wrong with a document's links and signature, and then with what it says.

    Args:
        document: has `chain`, `key` and `signature`.
        inside: what cannot be of what it says; told where the chain breaks, if it does there.
        verify: does the arithmetic of signatures.
        format_: of the document, `tollcast-receipt-1` or such.
    """
    links = document["chain"]
    if not _is_linked(document):
        yield Fault("chain", f"has {len(links)} links for {len(elements(document))} elements")
        return
    for path in _broken(document, verify, format_):
        told = next((each for each in inside if _is_within(each.path, path)), None)
        if told is None:
            yield Fault(path, "the chain breaks here")
        else:
            inside.remove(told)
            yield Fault(told.path, f"the chain breaks here: {told.reason}")
    if not verify(document["key"], signed_bytes(links[-1], format_), document["signature"]):
        yield Fault("signature", f"is not of this {format_.split('-')[1]} and its key")
    yield from inside


def _is_linked(document: Mapping[str, Any]) -> bool:
    return len(document["chain"]) == len(elements(document))


def _broken(document: Mapping[str, Any], verify: Verify, format_: str) -> list[str]:
    """Where the chain breaks. Nothing comes after its last link but the signature, which tells
    whether that link was changed or its element.
    """
    links, known = document["chain"], elements(document)
    found = breaks(document, links)
    path, value = known[-1]
    if found and found[-1] == path:
        made = link(links[-2], path, value)
        if verify(document["key"], signed_bytes(made, format_), document["signature"]):
            found[-1] = f"chain[{len(links) - 1}]"
    return found


def _is_within(path: str, element: str) -> bool:
    return path == element or path.startswith(f"{element}.")


def _settlement_faults(document: Mapping[str, Any], verify: Verify) -> Iterator[Fault]:
    settlement = document["settlement"]
    if settlement is None:
        return
    message = settlement_bytes(document["chain"][-1], settlement)
    if not verify(document["key"], message, settlement["signature"]):
        yield Fault("settlement", "is not signed for this receipt with its key")


def series_faults(receipts: Mapping[str, Checked]) -> dict[str, list[Fault]]:
    """What is wrong between receipts, by the names of their files: of one viewer's, each but the
    first names another one as `previous`, and no two name the same.
    """
    found: dict[str, list[Fault]] = {}
    read_ = {name: each for name, each in receipts.items() if each.document is not None}
    hashes = {each.hash for each in read_.values()}
    viewers = {each.document["viewer"] for each in read_.values() if each.document}
    for viewer in sorted(viewers):
        own = {n: e for n, e in read_.items() if e.document and e.document["viewer"] == viewer}
        _follow(own, hashes, found)
    return found


def _follow(own: Mapping[str, Checked], hashes: set[str], found: dict[str, list[Fault]]) -> None:
    """One viewer's receipts, by the names of their files."""
    taken: dict[str | None, str] = {}
    missing = 0
    for name, checked in sorted(own.items(), key=lambda item: _closed_at(item[1])):
        assert checked.document is not None, "only what was read is compared"
        previous = checked.document["previous"]
        if previous in taken:
            same = f"names the same receipt as {taken[previous]}: one of both was not handed out"
            found.setdefault(name, []).append(Fault("previous", same))
        elif previous is not None and previous not in hashes:
            missing += 1
            # The oldest one of a folder may well follow one that is not there.
            if missing > 1:
                gone = f"the receipt before this one, {previous[:16]}…, is not here"
                found.setdefault(name, []).append(Fault("previous", gone))
        taken[previous] = name


def _closed_at(checked: Checked) -> str:
    assert checked.document is not None, "only what was read is compared"
    closed_at: str = checked.document["closedAt"]
    return closed_at
