"""What publishers show to be let in, wherever they put it."""

from ingest.credentials import parse_credentials
from tests.fuzz.target import Target


def check_credentials(data: bytes) -> None:
    """Anything is taken apart; at most one credential comes of it."""
    text = data.decode("utf-8", "replace")
    stream_name, app, url, *_ = [*text.split("\0"), "", "", ""]
    found = parse_credentials(stream_name, app, url)
    assert not (found.key and found.token)


TARGETS = (Target("credentials", check_credentials),)
