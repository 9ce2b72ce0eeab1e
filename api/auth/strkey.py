"""Seeds as Stellar writes them (SEP-23), without its SDK, which takes a second to import."""

import base64
import binascii

_SEED = 18 << 3
_SEED_BYTES = 32


def seed_text(seed: bytes) -> str:
    """`S...`: a version byte, the seed, and a CRC-16/XMODEM with its low byte first, in base 32."""
    if len(seed) != _SEED_BYTES:
        raise ValueError(f"a seed has {_SEED_BYTES} bytes")
    payload = bytes([_SEED]) + seed
    return base64.b32encode(payload + binascii.crc_hqx(payload, 0).to_bytes(2, "little")).decode()
