"""What a publisher shows to be let in, wherever in its address it was put."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from config.limits import PUBLISH_ADDRESS_CHARACTERS_MAX, PUBLISH_QUERY_FIELDS_MAX

# Query fields, the strongest first. MediaMTX's users know `jwt`, and `user` with `pass`.
_TOKENS = ("token", "jwt", "pass", "key")
_KEYS = ("pass", "key")
_NAME = "user"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was shown: a stream key, a token, or (both empty) nothing.

    Attributes:
        key: what is to be a stream key.
        token: what has the form of a JWT.
        names: what the source was called besides; each has to be its name or its id.
    """

    key: str = ""
    token: str = ""
    names: frozenset[str] = frozenset()


def parse_credentials(stream_name: str, app: str = "", url: str = "") -> Credentials:
    """Find the credentials of a publisher.

    The stream's name is a key or a token as a rule. When a query has either, the name is that of
    the source, or empty. The stream's own query outweighs that of the app, and this one that of the
    `tcUrl`, where OBS puts it for several tracks (bluenviron/mediamtx issue 6007).

    Args:
        stream_name: what was published, with its query.
        app: what was connected to.
        url: the `tcUrl`.
    """
    if max(len(stream_name), len(app), len(url)) > PUBLISH_ADDRESS_CHARACTERS_MAX:
        return Credentials()
    stream = stream_name.partition("?")[0].strip("/")
    fields = {**_fields(url), **_fields(app), **_fields(stream_name)}
    names = frozenset(name for name in (stream, fields.get(_NAME)) if name)
    for token in (fields.get(field, "") for field in _TOKENS):
        if is_token(token):
            return Credentials(token=token, names=names)
    for key in (fields.get(field) for field in _KEYS):
        if key:
            return Credentials(key=key, names=names)
    return Credentials(token=stream) if is_token(stream) else Credentials(key=stream)


def is_token(text: str) -> bool:
    """Whether a text has the form of a signed JWT: three parts, of which the first is `{"...`."""
    return text.startswith("eyJ") and text.count(".") == 2


def _fields(address: str) -> dict[str, str]:
    """The query's fields; nothing of one that has too many."""
    query = address.partition("?")[2]
    try:
        return dict(parse_qsl(query, max_num_fields=PUBLISH_QUERY_FIELDS_MAX))
    except ValueError:
        return {}
