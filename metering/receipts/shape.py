"""What members a receipt has, of which kinds: whatever else is written there is named."""

import re
from collections.abc import Callable, Iterator, Mapping

from metering.money import STROOPS_MAX
from metering.receipts.chain import FORMAT
from metering.receipts.text import ROOT, Misread, Value

_HASH = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_AMOUNT = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[!-~]{1,200}")

_Check = Callable[[str, Value], None]


def require_shape(document: Mapping[str, Value]) -> None:
    """Pass when the document has all members of a receipt, in their order, and no others.

    Raises:
        Misread: with the first place where it has not.
    """
    _MEMBERS_CHECK(ROOT, document)


def _wrong(path: str, wanted: str) -> Misread:
    return Misread(path, f"is not {wanted}")


def _matches(pattern: re.Pattern[str], wanted: str) -> _Check:
    def check(path: str, value: Value) -> None:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise _wrong(path, wanted)

    return check


def _or_null(check: _Check) -> _Check:
    def check_or_null(path: str, value: Value) -> None:
        if value is not None:
            check(path, value)

    return check_or_null


def _is_format(path: str, value: Value) -> None:
    if value != FORMAT:
        raise _wrong(path, FORMAT)


def _is_count(path: str, value: Value) -> None:
    if type(value) is not int or value < 0:
        raise _wrong(path, "a whole number")


def _is_amount(path: str, value: Value) -> None:
    if not isinstance(value, str) or _AMOUNT.fullmatch(value) is None or int(value) > STROOPS_MAX:
        raise _wrong(path, "an amount in stroops")


def _list_of(item: _Check) -> _Check:
    def check(path: str, value: Value) -> None:
        if not isinstance(value, list):
            raise _wrong(path, "a list")
        for place, each in enumerate(value):
            item(f"{path}[{place}]", each)

    return check


def _object_of(members: Mapping[str, _Check]) -> _Check:
    def check(path: str, value: Value) -> None:
        if not isinstance(value, dict):
            raise _wrong(path, "an object")
        for name, place, found in _side_by_side(members, value):
            at = _member(path, name if found is None else found)
            if found != name:
                raise Misread(at, "is missing" if found is None else f"stands where {name} belongs")
            place(at, value[name])
        if len(value) > len(members):
            raise Misread(_member(path, list(value)[len(members)]), "does not belong here")

    return check


def _side_by_side(
    members: Mapping[str, _Check], value: Mapping[str, Value]
) -> Iterator[tuple[str, _Check, str | None]]:
    names = list(value)
    for number, (name, check) in enumerate(members.items()):
        yield name, check, names[number] if number < len(names) else None


def _member(path: str, name: str) -> str:
    return name if path == ROOT else f"{path}.{name}"


_is_name = _matches(_NAME, "a name")
_is_moment = _matches(_MOMENT, "a time")
_is_hash = _matches(_HASH, "a hash")
_is_signature = _matches(_SIGNATURE, "a signature")

_PRICE = {"seconds": _is_count, "stroops": _is_count}
_TARIFF = {
    "asset": _is_name,
    "freeSeconds": _is_count,
    "price": _object_of(_PRICE),
    "rungs": _list_of(_object_of({"heightMin": _is_count, **_PRICE})),
    "sessionCap": _or_null(_is_count),
    "viewStroops": _is_count,
}
_TERMS = {
    "epoch": _is_name,
    "since": _is_count,
    "rungs": _list_of(_is_count),
    "tariff": _object_of(_TARIFF),
}
_TICK = {
    "tariff": _is_count,
    "first": _is_count,
    "last": _is_count,
    "rungs": _list_of(_is_count),
    "amount": _is_amount,
    "posts": _list_of(_is_count),
}
_TOTALS = {
    "seconds": _is_count,
    "waived": _is_count,
    "charged": _is_amount,
    "refunded": _is_amount,
    "paid": _is_amount,
}
_PAYOUT = {
    "payee": _is_name,
    "payout": _is_name,
    "state": _is_name,
    "transaction": _or_null(_is_hash),
}
_SETTLEMENT = {
    "asOf": _is_moment,
    "payouts": _list_of(_object_of(_PAYOUT)),
    "signature": _is_signature,
}
_MEMBERS_CHECK = _object_of(
    {
        "format": _is_format,
        "session": _is_name,
        "viewer": _is_name,
        "content": _is_name,
        "payee": _is_name,
        "asset": _is_name,
        "openedAt": _is_moment,
        "closedAt": _is_moment,
        "previous": _or_null(_is_hash),
        "key": _matches(_KEY, "a public key"),
        "tariffs": _list_of(_object_of(_TERMS)),
        "intervals": _list_of(_object_of({"lo": _is_count, "hi": _is_count})),
        "ticks": _list_of(_object_of(_TICK)),
        "refunds": _list_of(
            _object_of({"transfer": _is_name, "cause": _is_name, "amount": _is_amount})
        ),
        "totals": _object_of(_TOTALS),
        "chain": _list_of(_is_hash),
        "signature": _is_signature,
        "settlement": _or_null(_object_of(_SETTLEMENT)),
    }
)
