"""What a transaction's memo commits to."""

import hashlib
from dataclasses import replace

import pytest

from metering.money import Stroops
from metering.settlement import statement
from metering.settlement.outbox import Payment


def payment(number: int) -> Payment:
    return Payment(f"pay_{number}", f"creator{number}", f"G{number}", Stroops(number + 1))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 33, 99, 100])
def test_each_payment_proves_that_it_is_part_and_nothing_else_does(size: int) -> None:
    payments = [payment(number) for number in range(size)]
    leaves = [statement.leaf(p, "XLM") for p in payments]
    root = statement.root(leaves)
    for index, leaf in enumerate(leaves):
        path = statement.proof(leaves, index)
        assert statement.is_proven(leaf, index, size, path, root)
        richer = statement.leaf(replace(payments[index], amount=Stroops(10**9)), "XLM")
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
    one = payment(1)
    others = [
        statement.leaf(replace(one, id="pay_x"), "XLM"),
        statement.leaf(replace(one, creator="x"), "XLM"),
        statement.leaf(replace(one, address="GX"), "XLM"),
        statement.leaf(replace(one, amount=Stroops(77)), "XLM"),
        statement.leaf(one, "USD"),
    ]
    assert len({statement.leaf(one, "XLM"), *others}) == 6
