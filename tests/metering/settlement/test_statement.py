"""What a transaction's memo commits to."""

import hashlib
from dataclasses import replace

import pytest

from metering.money import Stroops
from metering.settlement import statement
from metering.settlement.outbox import Kind, Payment, Settlement


def payment(number: int) -> Payment:
    account = f"creator:creator{number}:XLM"
    return Payment(f"pay_{number}", f"creator{number}", f"G{number}", Stroops(number + 1), account)


def settlement(*payments: Payment) -> Settlement:
    return Settlement("set_1", "XLM", "GHOT", 100, payments, 0, sealed="7:0af3")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 33, 99, 100])
def test_each_payment_proves_that_it_is_part_and_nothing_else_does(size: int) -> None:
    planned = settlement(*(payment(number) for number in range(size)))
    leaves = statement.leaves(planned)
    root = statement.root(leaves)
    for index, leaf in enumerate(leaves):
        path = statement.proof(leaves, index)
        assert statement.is_proven(leaf, index, size, path, root)
        more = replace(planned.payments[index], amount=Stroops(10**9))
        richer = statement.leaf(statement.fields(planned, more))
        assert not statement.is_proven(richer, index, size, path, root)
        assert not statement.is_proven(leaf, size, size, path, root)
        assert not statement.is_proven(leaf, index, size, [*path, root], root)
        if size > 1:
            assert not statement.is_proven(leaf, (index + 1) % size, size, path, root)
            assert not statement.is_proven(leaf, index, size, path[:-1], root)


def test_the_hashes_are_those_of_rfc_6962() -> None:
    """The tree of section 2.1.3 with leaves d0 to d6, built here by hand."""

    def h(data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    d = [bytes([number]) * 32 for number in range(7)]
    g, b = h(b"\1" + d[0] + d[1]), h(b"\1" + d[2] + d[3])
    i, j = h(b"\1" + d[4] + d[5]), d[6]
    k, m = h(b"\1" + g + b), h(b"\1" + i + j)
    assert statement.root(d) == h(b"\1" + k + m)
    assert statement.proof(d, 0) == [d[1], b, m]
    assert statement.proof(d, 6) == [i, k]


def test_every_field_of_a_payment_counts() -> None:
    one, planned = payment(1), settlement(payment(1))
    changed = [
        replace(one, id="pay_x"),
        replace(one, creator="x"),
        replace(one, address="GX"),
        replace(one, amount=Stroops(77)),
        replace(one, kind=Kind.WITHDRAWAL),
        replace(one, earned_after=5),
        replace(one, earned_until=5),
    ]
    elsewhere = [
        replace(planned, asset="USD"),
        replace(planned, sealed=""),
        replace(planned, statement=1),
    ]
    others = [statement.fields(planned, each) for each in changed]
    others += [statement.fields(each, one) for each in elsewhere]
    hashes = {statement.leaf(said) for said in others}
    assert len({statement.leaf(statement.fields(planned, one)), *hashes}) == 11


def test_statements_of_before_are_checked_as_they_were_made() -> None:
    """The first form, which envelopes on the chain have in their memos."""
    old = replace(settlement(payment(1)), statement=1)
    said = b"\0pay_1\ncreator1\nG1\n2\nXLM"
    assert statement.leaves(old) == [hashlib.sha256(said).digest()]
