"""How fast vouchers are checked: part of `./run bench settlement`."""

import time

from nacl.signing import SigningKey

from metering.money import Stroops
from metering.vouchers.commitment import Commitments, Verifier, network_id

_CONTRACT = "CAAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQC526"
_VOUCHERS = 200
_STEP = 10_000  # stroops from one voucher to the next


def verifications_per_second(seconds: float = 2.0) -> float:
    """Good vouchers of one payment channel that are checked in a second of one core.

    Args:
        seconds: of the process's CPU time to measure for, so that other programs do not count.
    """
    signer = SigningKey.generate()
    commitments = Commitments(_CONTRACT, network_id("Test SDF Network ; September 2015"))
    verifier = Verifier(commitments, bytes(signer.verify_key))
    sums = [Stroops(_STEP * number) for number in range(1, _VOUCHERS + 1)]
    vouchers = [(each, signer.sign(commitments.message(each)).signature) for each in sums]
    checked = 0
    begun = time.process_time()
    while (spent := time.process_time() - begun) < seconds:
        if not all(verifier.is_good(cumulative, signature) for cumulative, signature in vouchers):
            raise AssertionError("a good voucher was refused")
        checked += len(vouchers)
    return checked / spent
