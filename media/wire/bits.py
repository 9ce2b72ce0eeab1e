"""Bit-by-bit reading of codec configurations."""


class MalformedConfiguration(ValueError):
    """A codec configuration record cannot be read."""


class BitReader:
    """A cursor over big-endian bits.

    Every read raises MalformedConfiguration when the bits run out.
    """

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "big")
        self.left = len(data) * 8

    def read(self, count: int) -> int:
        """The next `count` bits as an unsigned integer."""
        if count > self.left:
            raise MalformedConfiguration(f"wanted {count} bits, {self.left} left")
        self.left -= count
        return (self._bits >> self.left) & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.read(1) == 1

    def exp_golomb(self) -> int:
        """ue(v) of ITU-T H.264, 9.1; at most 32 leading zeros, as no syntax element needs more."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise MalformedConfiguration("an Exp-Golomb code is longer than 32 bits")
        return (1 << zeros) - 1 + self.read(zeros)

    def signed_exp_golomb(self) -> int:
        """se(v) of ITU-T H.264, 9.1.1."""
        code = self.exp_golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def align(self) -> None:
        """Skip to the next whole byte."""
        self.left -= self.left % 8
