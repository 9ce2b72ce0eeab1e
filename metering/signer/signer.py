"""What may be asked of who has the keys, as whoever asks says it (`metering.settlement.signer`)."""

from metering.settlement.signer import Reason, Refused, Signer, SignerAway, SigningOrder

__all__ = ["Reason", "Refused", "Signer", "SignerAway", "SigningOrder"]
