"""What members a receipt has, of which kinds: whatever else is written there is named."""

import re
from collections.abc import Mapping

from metering.money import STROOPS_MAX
from metering.receipts.chain import FORMAT
from metering.receipts.members import (
    exactly,
    is_count,
    is_hash,
    is_key,
    is_moment,
    is_name,
    is_signature,
    list_of,
    object_of,
    or_null,
    wrong,
)
from metering.receipts.text import ROOT, Value

_AMOUNT = re.compile(r"0|[1-9][0-9]{0,18}")


def require_shape(document: Mapping[str, Value]) -> None:
    """Pass when the document has all members of a receipt, in their order, and no others.

    Raises:
        Misread: with the first place where it has not.
    """
    _MEMBERS_CHECK(ROOT, document)


def _is_amount(path: str, value: Value) -> None:
    if not isinstance(value, str) or _AMOUNT.fullmatch(value) is None or int(value) > STROOPS_MAX:
        raise wrong(path, "an amount in stroops")


_PRICE = {"seconds": is_count, "stroops": is_count}
_TARIFF = {
    "asset": is_name,
    "freeSeconds": is_count,
    "price": object_of(_PRICE),
    "rungs": list_of(object_of({"heightMin": is_count, **_PRICE})),
    "sessionCap": or_null(is_count),
    "viewStroops": is_count,
}
_TERMS = {
    "epoch": is_name,
    "since": is_count,
    "rungs": list_of(is_count),
    "tariff": object_of(_TARIFF),
}
_TICK = {
    "tariff": is_count,
    "first": is_count,
    "last": is_count,
    "rungs": list_of(is_count),
    "amount": _is_amount,
    "posts": list_of(is_count),
}
_TOTALS = {
    "seconds": is_count,
    "waived": is_count,
    "charged": _is_amount,
    "refunded": _is_amount,
    "paid": _is_amount,
}
_PAYOUT = {
    "payee": is_name,
    "payout": is_name,
    "state": is_name,
    "transaction": or_null(is_hash),
}
_SETTLEMENT = {
    "asOf": is_moment,
    "payouts": list_of(object_of(_PAYOUT)),
    "signature": is_signature,
}
_MEMBERS_CHECK = object_of(
    {
        "format": exactly(FORMAT),
        "session": is_name,
        "viewer": is_name,
        "content": is_name,
        "payee": is_name,
        "asset": is_name,
        "openedAt": is_moment,
        "closedAt": is_moment,
        "previous": or_null(is_hash),
        "key": is_key,
        "tariffs": list_of(object_of(_TERMS)),
        "intervals": list_of(object_of({"lo": is_count, "hi": is_count})),
        "ticks": list_of(object_of(_TICK)),
        "refunds": list_of(
            object_of({"transfer": is_name, "cause": is_name, "amount": _is_amount})
        ),
        "totals": object_of(_TOTALS),
        "chain": list_of(is_hash),
        "signature": is_signature,
        "settlement": or_null(object_of(_SETTLEMENT)),
    }
)
