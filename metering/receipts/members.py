"""What a member of a signed document can be: whatever else is written there is named."""

import re
from collections.abc import Callable, Iterator, Mapping

from metering.receipts.text import ROOT, Misread, Value

_HASH = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_NAME = re.compile(r"[!-~]{1,200}")

Check = Callable[[str, Value], None]
"""Passes a value that stands at a path, or raises `Misread` with the place that is wrong."""


def wrong(path: str, wanted: str) -> Misread:
    """What is raised where something else stands."""
    return Misread(path, f"is not {wanted}")


def matches(pattern: re.Pattern[str], wanted: str) -> Check:
    """A text of some form."""

    def check(path: str, value: Value) -> None:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise wrong(path, wanted)

    return check


def exactly(text: str) -> Check:
    """One text and no other."""

    def check(path: str, value: Value) -> None:
        if value != text:
            raise wrong(path, text)

    return check


def or_null(check: Check) -> Check:
    """That, or nothing."""

    def check_or_null(path: str, value: Value) -> None:
        if value is not None:
            check(path, value)

    return check_or_null


def is_count(path: str, value: Value) -> None:
    """A whole number from 0 on."""
    if type(value) is not int or value < 0:
        raise wrong(path, "a whole number")


def list_of(item: Check) -> Check:
    """Any number of such."""

    def check(path: str, value: Value) -> None:
        if not isinstance(value, list):
            raise wrong(path, "a list")
        for place, each in enumerate(value):
            item(f"{path}[{place}]", each)

    return check


def object_of(members: Mapping[str, Check]) -> Check:
    """All of these members, in this order, and no others."""

    def check(path: str, value: Value) -> None:
        if not isinstance(value, dict):
            raise wrong(path, "an object")
        for name, place, found in _side_by_side(members, value):
            at = _member(path, name if found is None else found)
            if found != name:
                raise Misread(at, "is missing" if found is None else f"stands where {name} belongs")
            place(at, value[name])
        if len(value) > len(members):
            raise Misread(_member(path, list(value)[len(members)]), "does not belong here")

    return check


def _side_by_side(
    members: Mapping[str, Check], value: Mapping[str, Value]
) -> Iterator[tuple[str, Check, str | None]]:
    names = list(value)
    for number, (name, check) in enumerate(members.items()):
        yield name, check, names[number] if number < len(names) else None


def _member(path: str, name: str) -> str:
    return name if path == ROOT else f"{path}.{name}"


is_name = matches(_NAME, "a name")
is_moment = matches(_MOMENT, "a time")
is_hash = matches(_HASH, "a hash")
is_key = matches(_KEY, "a public key")
is_signature = matches(_SIGNATURE, "a signature")
