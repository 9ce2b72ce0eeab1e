"""Takes secrets out of what is about to be logged."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

# Names whose values are secrets: `token`, `stream_key`, `X-Api-Key`; a public key is none.
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:token|jwt|password|secret|authorization|seed|cookie|(?<!public_)key)s?$"
)

# One alternative per place where a secret sits in running text; what is kept comes first.
_PLACES: tuple[tuple[re.Pattern[str], str], ...] = (
    # /hls/{asset}/{token}/...
    (re.compile(r"(/hls/[^/\s]+/)[^/\s?#\"']+"), rf"\g<1>{HIDDEN}"),
    # ?key=..., token=..., and the like in queries and messages
    (
        re.compile(r"(?i)((?:key|token|jwt|pass(?:word)?|secret|seed|signature)=)[^&\s\"']+"),
        rf"\g<1>{HIDDEN}",
    ),
    # scheme://user:password@host
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\g<1>{HIDDEN}@"),
    # Authorization: Bearer ...
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\g<1> {HIDDEN}"),
    # Our own tokens say what they are, and stream keys are four groups of eight.
    (re.compile(r"\b(tc_|rt_|sk_)[A-Za-z0-9_-]{16,}"), rf"\g<1>{HIDDEN}"),
    (re.compile(r"\b[0-9a-z]{8}(?:-[0-9a-z]{8}){3}\b"), HIDDEN),
    # JSON Web Tokens, which all begin with `{"`, and secrets of webhooks
    (re.compile(r"\b(eyJ)[\w-]+\.[\w-]*\.[\w-]*"), rf"\g<1>{HIDDEN}"),
    (re.compile(r"\b(whsec_)[\w+/=-]+"), rf"\g<1>{HIDDEN}"),
    # Stellar seeds (SEP-23: version byte S, base 32)
    (re.compile(r"\bS[A-Z2-7]{55}\b"), f"S{HIDDEN}"),
)

_DEPTH_MAX = 6


def redacted_text(text: str) -> str:
    """The text without the secrets that can be told by their place or shape."""
    for pattern, replacement in _PLACES:
        text = pattern.sub(replacement, text)
    return text


def redacted(value: Any, depth: int = 0) -> Any:
    """The value with secrets hidden, in nested dicts, lists and tuples as well."""
    if isinstance(value, str):
        return redacted_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < _DEPTH_MAX:
        return redacted_fields(value, depth)
    if isinstance(value, list | tuple) and depth < _DEPTH_MAX:
        return [redacted(item, depth + 1) for item in value]
    return redacted_text(str(value))


def redacted_fields(fields: Mapping[Any, Any], depth: int = 0) -> dict[Any, Any]:
    """The fields with the values of secret names hidden, and secrets inside other values."""
    return {
        name: HIDDEN if value is not None and is_secret(name) else redacted(value, depth + 1)
        for name, value in fields.items()
    }


def is_secret(name: object) -> bool:
    """Whether a field of that name holds a secret."""
    return _SECRET_NAME.search(str(name).lower().replace("-", "_")) is not None
