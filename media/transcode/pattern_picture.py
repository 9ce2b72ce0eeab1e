"""The demo's picture: a calm sky, a name, and a clock whose hand goes round once a loop."""

from math import cos, pi, sin

_GLYPHS = {
    "A": (0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001),
    "C": (0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110),
    "L": (0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111),
    "O": (0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110),
    "S": (0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110),
    "T": (0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100),
}
_GLYPH_COLUMNS, _GLYPH_ROWS = 5, 7
_NAME = "TOLLCAST"

# Luma in the limited range of ITU-R BT.709, 3.5: 16 is black, 235 white.
_INK, _DIM_INK = 225, 120
_HOURS = 12
_HAND_DOTS = 9


class Painter:
    """Paints pictures of one size as planes of 4:2:0."""

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height
        self._radius = height // 3
        self._centre = (width * 3 // 10, height // 2)
        self._still = self._paint_still()

    def paint(self, phase: float) -> tuple[bytes, bytes, bytes]:
        """The picture at `phase` of the loop, 0 to 1; at 1 it is again what it was at 0."""
        luma = bytearray(self._still)
        for dot in range(1, _HAND_DOTS + 1):
            reach = self._radius * 8 // 10 * dot // _HAND_DOTS
            self._disc(luma, self._on_dial(phase, reach), self._radius // 20 + dot // 2, _INK)
        # A second, smaller body goes round four times as fast, so that every frame moves well.
        moon = self._on_dial(4 * phase, self._radius * 13 // 10)
        self._disc(luma, moon, self._radius // 9, _INK)
        return bytes(luma), self._chroma(phase, 0.0), self._chroma(phase, 1 / 3)

    def _paint_still(self) -> bytearray:
        """What does not move: a sky that grows lighter, the hours, the name."""
        rows = (28 + 70 * y // self._height for y in range(self._height))
        luma = bytearray(b"".join(bytes((value,)) * self._width for value in rows))
        for hour in range(_HOURS):
            place = self._on_dial(hour / _HOURS, self._radius)
            self._disc(luma, place, self._radius // (14 if hour % 3 == 0 else 24), _DIM_INK)
        self._write(luma, _NAME)
        return luma

    def _chroma(self, phase: float, shift: float) -> bytes:
        """Bands of colour that drift upwards."""
        width, height = self._width // 2, self._height // 2
        values = (
            128 + round(34 * sin(2 * pi * (y / height / 2 + phase + shift))) for y in range(height)
        )
        return b"".join(bytes((value,)) * width for value in values)

    def _on_dial(self, turn: float, reach: int) -> tuple[int, int]:
        """The place at a clockwise turn from the top, 0 to 1, and a distance from the centre."""
        angle = 2 * pi * turn
        x, y = self._centre
        return x + round(reach * sin(angle)), y - round(reach * cos(angle))

    def _disc(self, luma: bytearray, place: tuple[int, int], radius: int, value: int) -> None:
        x, y = place
        for row in range(max(0, y - radius), min(self._height, y + radius + 1)):
            half = int((radius * radius - (row - y) ** 2) ** 0.5)
            self._run(luma, row, x - half, x + half + 1, value)

    def _write(self, luma: bytearray, text: str) -> None:
        cell = max(1, self._width // 110)
        left, top = self._width * 11 // 20, self._height // 2 - cell * _GLYPH_ROWS // 2
        for letter, glyph in enumerate(_GLYPHS[character] for character in text):
            for row, bits in enumerate(glyph):
                for column in range(_GLYPH_COLUMNS):
                    if bits >> (_GLYPH_COLUMNS - 1 - column) & 1:
                        x = left + cell * (letter * (_GLYPH_COLUMNS + 1) + column)
                        for y in range(top + row * cell, top + (row + 1) * cell):
                            self._run(luma, y, x, x + cell, _INK)

    def _run(self, luma: bytearray, row: int, start: int, end: int, value: int) -> None:
        """Fill part of a row, as far as it lies in the picture."""
        start, end = max(0, start), min(self._width, end)
        if 0 <= row < self._height and start < end:
            offset = row * self._width
            luma[offset + start : offset + end] = bytes((value,)) * (end - start)
