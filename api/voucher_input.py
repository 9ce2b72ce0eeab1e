"""Bodies of requests about payment channels, as checked values."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from metering.money import Stroops, parse_amount
from metering.settlement.strkey import contract_key
from metering.vouchers.commitment import KEY_BYTES, SIGNATURE_BYTES

# What a payment channel with play money holds when nothing is said: some hours of video.
_IN_PLAY = "5"


def _contract(text: str) -> str:
    contract_key(text)
    return text


def _amount(text: str) -> str:
    parse_amount(text)
    return text


type _Contract = Annotated[str, Field(max_length=60), AfterValidator(_contract)]
type _Amount = Annotated[str, Field(max_length=24), AfterValidator(_amount)]
type _Signature = Annotated[str, Field(pattern=f"^[0-9a-f]{{{2 * SIGNATURE_BYTES}}}$")]
type _Key = Annotated[str, Field(pattern=f"^[0-9a-f]{{{2 * KEY_BYTES}}}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RegisterChannel(_Body):
    """`signature` is that of a voucher for nothing."""

    contract: _Contract
    signature: _Signature

    @property
    def signature_bytes(self) -> bytes:
        return bytes.fromhex(self.signature)


class AcceptVoucher(_Body):
    """`cumulative` is all that was ever paid from the payment channel, with this."""

    cumulative: _Amount
    signature: _Signature

    @property
    def stroops(self) -> Stroops:
        return parse_amount(self.cumulative)

    @property
    def signature_bytes(self) -> bytes:
        return bytes.fromhex(self.signature)


class CloseChannel(_Body):
    """With a last voucher for what was watched, or without any."""

    voucher: AcceptVoucher | None = None


class OpenChannelInPlay(_Body):
    """`key` takes the signatures; `amount` is put in."""

    key: _Key
    amount: _Amount = _IN_PLAY

    @property
    def key_bytes(self) -> bytes:
        return bytes.fromhex(self.key)

    @property
    def stroops(self) -> Stroops:
        return parse_amount(self.amount)
