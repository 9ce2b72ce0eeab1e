"""Sends a player to the server that meters its session.

With 307 (RFC 9110, 15.4.8): players follow it, and ask here again the next time. What a playlist
names they ask for where it came from at last: who is redirected with a playlist stays there, and
who is redirected with a segment comes back.
"""

from api.delivery.answer import CORS, Answer, field_lines, kind, with_body
from api.delivery.request import MediaRequest, Reload
from packager.naming import path_text

_REDIRECT = kind(307, ("Cache-Control", "no-store"), *CORS)


def redirect(request: MediaRequest, url: str) -> Answer:
    """The same at the server whose public URL this is, for a request that was granted."""
    path, reload = request.target
    assert path is not None, "nothing is granted for no path"
    query = _query(reload)
    location = f"{url}/hls/{request.asset}/{request.token}/{path_text(path)}{query}"
    return with_body(_REDIRECT, b"", request.method, field_lines((("Location", location),)))


def _query(reload: Reload) -> str:
    """The delivery directives; a complaint about them is found anew."""
    said = {
        "_HLS_msn": reload.sequence,
        "_HLS_part": reload.part,
        "_HLS_skip": "YES" if reload.skip else None,
    }
    pairs = [f"{name}={value}" for name, value in said.items() if value is not None]
    return f"?{'&'.join(pairs)}" if pairs else ""
