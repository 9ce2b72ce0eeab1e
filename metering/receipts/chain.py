"""The chain of hashes over a receipt's elements, by which the first one that was changed is found.

Other documents that this server signs are linked and signed in the same way, under a format of
their own.

Elements are the document's plain members and the items of its lists, in the order in which they are
written. Link n is SHA-256 over link n - 1, the element's path and its canonical form, so that
nothing can be changed, added, left out or moved without breaking it where that happened. The last
link is the receipt's hash: what is signed, and what the viewer's next receipt names as `previous`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from metering.receipts.text import Document, Value, canonical

FORMAT = "tollcast-receipt-1"

# What follows the chain: it is not part of what it protects.
UNCHAINED = ("chain", "signature", "settlement")

Verify = Callable[[str, bytes, str], bool]
"""Whether a signature (128 hexadecimal digits) of a message is by a public key (base 64, URL)."""


def elements(document: Document) -> list[tuple[str, Value]]:
    """Paths and values, in order."""
    found: list[tuple[str, Value]] = []
    for name, value in document.items():
        if name in UNCHAINED:
            continue
        if isinstance(value, Sequence) and not isinstance(value, str):
            found += [(f"{name}[{place}]", item) for place, item in enumerate(value)]
        else:
            found.append((name, value))
    return found


def link(previous: str, path: str, value: Value) -> str:
    """The link of one element, as 64 hexadecimal digits; `previous` is empty for the first."""
    text = f"{previous}\n{path}\n{canonical(value)}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def chain(document: Document) -> list[str]:
    """All links."""
    links: list[str] = []
    for path, value in elements(document):
        links.append(link(links[-1] if links else "", path, value))
    return links


def breaks(document: Document, links: Sequence[str]) -> list[str]:
    """Where the document does not agree with its links, of which there are as many as elements:
    the paths of elements, or of a link when the one after it was made from what it should be.
    """
    known = elements(document)
    found: list[str] = []
    previous = ""
    for n, (path, value) in enumerate(known):
        made = link(previous, path, value)
        previous = links[n]
        if made == links[n]:
            continue
        if n + 1 < len(known) and link(made, *known[n + 1]) == links[n + 1]:
            found.append(f"chain[{n}]")
            previous = made
        else:
            found.append(path)
    return found


def signed_bytes(hash_: str, format_: str = FORMAT) -> bytes:
    """What is signed of a receipt: its hash, with what kind of signature this is."""
    return f"{format_}\n{hash_}\n".encode("ascii")


def settlement_bytes(hash_: str, settlement: Mapping[str, Value]) -> bytes:
    """What is signed of a settlement reference: it, and the receipt that it belongs to."""
    unsigned = {name: value for name, value in settlement.items() if name != "signature"}
    return f"{FORMAT} settlement\n{hash_}\n{canonical(unsigned)}\n".encode("ascii")
