"""What a client says about its file and wants for it, cleaned before it goes anywhere."""

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from config.limits import (
    PRICE_SECONDS_MAX,
    PRICE_STROOPS_MAX,
    UPLOAD_FILENAME_CHARACTERS_MAX,
    UPLOAD_METADATA_BYTES_MAX,
    UPLOAD_TITLE_CHARACTERS_MAX,
)
from media.delivery import Delivery

_DELIVERIES = ", ".join(Delivery)
_UNTITLED = "Untitled"

# Control characters, surrogates, and line and paragraph separators; joiners (Cf) make up emoji.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Unicode Technical Report 36, 2.10.1: they make a name read as another.
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class InvalidDescription(ValueError):
    """What is said about the file cannot be; the text tells what, for the client."""


@dataclass(frozen=True, slots=True)
class Description:
    """Title, name and price of a file, and how viewers are to get what is made of it."""

    title: str
    filename: str
    price_stroops: int
    price_seconds: int
    delivery: Delivery = Delivery.DIRECT


def parse_metadata(header: str) -> dict[str, str]:
    """The pairs of an `Upload-Metadata` header (tus 1.0, Creation: Upload-Metadata).

    Raises:
        InvalidDescription: too long, a key twice, not Base64, or not UTF-8.
    """
    if len(header) > UPLOAD_METADATA_BYTES_MAX:
        raise InvalidDescription(f"Upload-Metadata is longer than {UPLOAD_METADATA_BYTES_MAX}")
    pairs: dict[str, str] = {}
    for item in header.split(",") if header.strip() else ():
        key, _, value = item.strip().partition(" ")
        if not key or not key.isascii() or key in pairs:
            raise InvalidDescription("Upload-Metadata needs each key once, in ASCII")
        pairs[key] = _decoded(key, value.strip())
    return pairs


def _decoded(key: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidDescription(f"{key} of Upload-Metadata is not Base64 of UTF-8") from None


def describe(fields: Mapping[str, str], default_stroops: int, default_seconds: int) -> Description:
    """What `filename`, `title`, `priceStroops`, `priceSeconds` and `delivery` say, if they do.

    The title of a file that has none is its name without its ending.

    Raises:
        InvalidDescription: a title is too long, a price is none or only half of one, or nothing is
            delivered so.
    """
    if ("priceStroops" in fields) != ("priceSeconds" in fields):
        raise InvalidDescription("priceStroops and priceSeconds belong together")
    filename = _filename(fields.get("filename", ""))
    title = printable(fields.get("title", ""))
    if len(title) > UPLOAD_TITLE_CHARACTERS_MAX:
        raise InvalidDescription(f"title is longer than {UPLOAD_TITLE_CHARACTERS_MAX} characters")
    return Description(
        title=title or _title_of(filename),
        filename=filename,
        price_stroops=_whole(fields, "priceStroops", default_stroops, 0, PRICE_STROOPS_MAX),
        price_seconds=_whole(fields, "priceSeconds", default_seconds, 1, PRICE_SECONDS_MAX),
        delivery=_delivery(fields.get("delivery", Delivery.DIRECT)),
    )


def printable(text: str) -> str:
    """Without what does not show or shows as something else; blanks at the ends go too."""
    return "".join(
        sign
        for sign in text
        if unicodedata.category(sign) not in _UNPRINTABLE and sign not in _REORDERING
    ).strip()


def _filename(text: str) -> str:
    """The last part of what may be a path, since some browsers send one."""
    last = text.replace("\\", "/").rpartition("/")[2]
    return printable(last)[:UPLOAD_FILENAME_CHARACTERS_MAX]


def _title_of(filename: str) -> str:
    stem = filename.rpartition(".")[0] or filename
    return stem[:UPLOAD_TITLE_CHARACTERS_MAX].strip() or _UNTITLED


def _delivery(text: str) -> Delivery:
    try:
        return Delivery(text)
    except ValueError:
        raise InvalidDescription(f"delivery is none of {_DELIVERIES}") from None


def _whole(fields: Mapping[str, str], key: str, default: int, least: int, most: int) -> int:
    text = fields.get(key)
    if text is None:
        return default
    # `int` would take signs, blanks, underscores and digits of other scripts too.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        raise InvalidDescription(f"{key} is not a whole number from {least} to {most}")
    if not least <= (number := int(text)) <= most:
        raise InvalidDescription(f"{key} is not a whole number from {least} to {most}")
    return number
