"""Whether a page may open a socket here: browsers say which site it is of (RFC 6455, 10.2)."""

from urllib.parse import urlsplit


def is_own(origin: str | None, host: str, public_url: str) -> bool:
    """Whether a request is of our own pages, or of no page at all: only browsers send an origin.

    Args:
        origin: what the request says; `null` is a page that hides where it is from.
        host: how the client reached us. A proxy may speak TLS for us, so schemes are not compared.
        public_url: another name of ours; empty: none.
    """
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    own = {host.lower(), urlsplit(public_url).netloc.lower()} - {""}
    return parts.netloc.lower() in own
