"""What a downloaded file is called (RFC 6266), made of a title that may be anything."""

from urllib.parse import quote

from config.limits import DOWNLOAD_NAME_CHARACTERS_MAX

# What some file systems do not take, or take for something else.
_UNSAFE = frozenset('"*/:<>?\\|%')


def disposition(title: str, suffix: str) -> str:
    """A `Content-Disposition` that makes browsers save a file under a title and an ending.

    The name is said twice: for all in ASCII, and as it is (RFC 8187) for those that know that.
    """
    kept = "".join("_" if sign in _UNSAFE or not sign.isprintable() else sign for sign in title)
    # A name that begins with a dot is hidden on some systems; one that ends with it loses it.
    stem = kept[:DOWNLOAD_NAME_CHARACTERS_MAX].strip(" .") or "video"
    plain = "".join(sign if sign.isascii() else "_" for sign in stem)
    return (
        f"attachment; filename=\"{plain}{suffix}\"; filename*=UTF-8''{quote(stem, safe='')}{suffix}"
    )
