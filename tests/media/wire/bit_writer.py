"""Writes bits, for what no encoder at hand writes."""


class Bits:
    """Writes syntax elements by their descriptors (ITU-T H.264 and H.265, 7.2)."""

    def __init__(self) -> None:
        self._text = ""

    def u(self, width: int, *values: int) -> "Bits":
        self._text += "".join(f"{value:0{width}b}" for value in values)
        return self

    def ue(self, *values: int) -> "Bits":
        for value in values:
            text = f"{value + 1:b}"
            self._text += "0" * (len(text) - 1) + text
        return self

    def se(self, *values: int) -> "Bits":
        return self.ue(*(2 * value - 1 if value > 0 else -2 * value for value in values))

    def append(self, other: "Bits") -> "Bits":
        self._text += other._text
        return self

    def nal(self, header: bytes = b"\x67") -> bytes:
        """A NAL unit, which ends in a one bit; the header is that of an H.264 SPS if not given."""
        text = self._text
        ended = Bits().u(len(text) + 1, int(text or "0", 2) << 1 | 1).data()
        return header + _with_emulation_prevention(ended)

    def data(self) -> bytes:
        """The bits, filled up with zeros."""
        text = self._text + "0" * (-len(self._text) % 8)
        return int(text or "0", 2).to_bytes(len(text) // 8, "big")


def _with_emulation_prevention(data: bytes) -> bytes:
    """7.4.1.1."""
    written = bytearray()
    for byte in data:
        if written.endswith(b"\0\0") and byte <= 3:
            written.append(3)
        written.append(byte)
    return bytes(written)
