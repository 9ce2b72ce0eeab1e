import pytest

from media.wire.bits import BitReader, MalformedConfiguration


def test_bits_are_read_from_the_most_significant_one() -> None:
    bits = BitReader(b"\xa5\x0f")

    assert (bits.read(4), bits.flag(), bits.read(3), bits.left) == (0xA, False, 5, 8)
    assert bits.read(0) == 0


# ITU-T H.264, table 9-2 and 9.1.1.
@pytest.mark.parametrize(
    ("code", "unsigned", "signed"),
    [(0b1, 0, 0), (0b010, 1, 1), (0b011, 2, -1), (0b00100, 3, 2), (0b00101, 4, -2)],
)
def test_exponential_golomb_codes_are_read(code: int, unsigned: int, signed: int) -> None:
    width = 2 * code.bit_length() - 1
    data = (code << (8 - width)).to_bytes(1, "big")

    assert BitReader(data).exp_golomb() == unsigned
    assert BitReader(data).signed_exp_golomb() == signed


def test_aligning_goes_to_the_next_whole_byte_if_not_there() -> None:
    bits = BitReader(b"\xff\x01")
    bits.align()
    assert bits.left == 16

    bits.read(3)
    bits.align()

    assert bits.read(8) == 1


@pytest.mark.parametrize("data", [b"", b"\0", bytes(20)])
def test_codes_that_end_early_or_never_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        BitReader(data).exp_golomb()
