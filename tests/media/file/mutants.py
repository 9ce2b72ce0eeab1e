"""Damages files at random, always the same way for the same seed."""

import random
from collections.abc import Callable


def mutant(data: bytes, seed: int) -> bytes:
    """Some bytes changed, lost, doubled or put elsewhere, early ones more often than late ones."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 4, 16))):
        chance.choice(_DAMAGES)(changed, chance)
    return bytes(changed)


def _place(data: bytearray, chance: random.Random) -> int:
    reach = len(data) if chance.random() < 0.5 else min(len(data), 600)
    return chance.randrange(max(1, reach))


def _flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random) -> None:
    place, length = _place(data, chance), chance.choice((1, 2, 4, 8))
    value = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80", chance.randbytes(1)))
    data[place : place + length] = value * len(data[place : place + length])


def _cut(data: bytearray, chance: random.Random) -> None:
    place = _place(data, chance)
    del data[place : place + chance.choice((1, 4, 188, 4_096))]


def _end(data: bytearray, chance: random.Random) -> None:
    del data[max(600, _place(data, chance)) :]


def _double(data: bytearray, chance: random.Random) -> None:
    place, length = _place(data, chance), chance.choice((4, 64, 1_000))
    data[place:place] = data[place : place + length]


def _move(data: bytearray, chance: random.Random) -> None:
    source, target, length = _place(data, chance), _place(data, chance), chance.choice((4, 64))
    piece = bytes(data[source : source + length])
    data[target : target + len(piece)] = piece


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _overwrite,
    _overwrite,
    _cut,
    _end,
    _double,
    _move,
)
