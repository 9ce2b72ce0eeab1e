"""What an API key may be allowed to do, and which of it each route asks for.

One table for all routes, and a test that holds it and `api.app` together: a route that nobody
thought about is open to people only.
"""

from enum import StrEnum
from typing import Literal


class Scope(StrEnum):
    """What the owner of a key can allow it."""

    READ = "read"
    """To see: balances, histories, sessions, receipts, earnings."""
    STREAM = "stream"
    """To watch, and so to spend by the second."""
    PAYMENTS = "payments"
    """To move money otherwise."""
    SOURCES = "sources"
    """To publish: sources, their keys and settings."""
    CONTENT = "content"
    """To upload, change and delete what can be watched."""


type Need = Scope | Literal["nothing", "person"]
"""`nothing`: anybody may ask. `person`: no key will do, whatever it is allowed."""

NEEDS: dict[str, Need] = {
    "GET /": "nothing",
    "GET /watch/{content}": "nothing",
    "GET /studio": "nothing",
    "GET /account": "nothing",
    "GET /login": "nothing",
    "GET /verify": "nothing",
    "GET /assets/{path}": "nothing",
    "GET /favicon.svg": "nothing",
    # Players show tokens of playback sessions, which are in the path.
    "GET /hls/{asset}/{token}/{path}": "nothing",
    "OPTIONS /hls/{asset}/{token}/{path}": "nothing",
    "GET /media/{asset}/{path}": "nothing",
    "OPTIONS /media/{asset}/{path}": "nothing",
    "GET /health": "nothing",
    "GET /ready": "nothing",
    "GET /metrics": "nothing",
    "GET /.well-known/jwks.json": "nothing",
    "GET /.well-known/stellar.toml": "nothing",
    "GET /auth": "nothing",
    "POST /auth": "person",
    "OPTIONS /auth": "nothing",
    "GET /api/v1/auth/challenge": "nothing",
    "POST /api/v1/auth/verify": "person",
    "POST /api/v1/auth/register": "person",
    "POST /api/v1/auth/login": "nothing",
    "POST /api/v1/auth/refresh": "nothing",
    "POST /api/v1/auth/logout": "person",
    "POST /api/v1/auth/password": "person",
    "GET /api/v1/auth/session": Scope.READ,
    "GET /api/v1/auth/sessions": "person",
    "DELETE /api/v1/auth/sessions/{session}": "person",
    "GET /api/v1/auth/profile": Scope.READ,
    "PATCH /api/v1/auth/profile": "person",
    "POST /api/v1/auth/wallets": "person",
    "DELETE /api/v1/auth/wallets/{subject}": "person",
    "GET /api/v1/auth/keys": "person",
    "POST /api/v1/auth/keys": "person",
    "DELETE /api/v1/auth/keys/{key}": "person",
    "GET /api/v1/system": "nothing",
    "POST /api/v1/guests": "nothing",
    "POST /api/v1/sandbox/fund": Scope.PAYMENTS,
    "GET /api/v1/payments/balance": Scope.READ,
    "POST /api/v1/sandbox/payment-channels": Scope.PAYMENTS,
    "GET /api/v1/payments/channel-terms": "nothing",
    "GET /api/v1/payments/channels": Scope.READ,
    "POST /api/v1/payments/channels": Scope.PAYMENTS,
    "GET /api/v1/payments/channels/{channel}": Scope.READ,
    "POST /api/v1/payments/channels/{channel}/vouchers": Scope.STREAM,
    "POST /api/v1/payments/channels/{channel}/close": Scope.PAYMENTS,
    "GET /api/v1/payments/deposit": Scope.READ,
    "GET /api/v1/payments/deposit/qr.svg": Scope.READ,
    "GET /api/v1/payments/deposits": Scope.READ,
    "POST /api/v1/payments/withdraw": "person",
    "GET /api/v1/payments/withdrawals": Scope.READ,
    "GET /api/v1/payments/withdrawals/{withdrawal}": Scope.READ,
    "GET /api/v1/admin/suspense": "person",
    "POST /api/v1/admin/suspense/assign": "person",
    "POST /api/v1/admin/suspense/return": "person",
    "GET /api/v1/admin/reconciliation/latest": "person",
    "GET /api/v1/admin/reconciliation/{date}": "person",
    "POST /api/v1/admin/reconciliation/accept": "person",
    "GET /api/v1/admin/channel-losses": "person",
    "GET /api/v1/admin/channel-losses/{channel}": "person",
    "POST /api/v1/admin/channel-losses/{channel}/write-off": "person",
    "POST /api/v1/payments/top-up": Scope.PAYMENTS,
    "GET /api/v1/payments/proofs/{payment}": Scope.READ,
    "GET /api/v1/payments/history": Scope.READ,
    "GET /api/v1/payments/statements": Scope.READ,
    "GET /api/v1/subscriptions/plans": "nothing",
    "GET /api/v1/subscriptions": Scope.READ,
    "POST /api/v1/subscriptions": Scope.PAYMENTS,
    "PATCH /api/v1/subscriptions/current": Scope.PAYMENTS,
    "GET /api/v1/passes": Scope.READ,
    "GET /api/v1/content": Scope.READ,
    "POST /api/v1/content": Scope.CONTENT,
    "GET /api/v1/content/events": Scope.READ,
    "GET /api/v1/content/{content}": Scope.READ,
    "PATCH /api/v1/content/{content}": Scope.CONTENT,
    "DELETE /api/v1/content/{content}": Scope.CONTENT,
    "GET /api/v1/content/{content}/status": Scope.READ,
    "GET /api/v1/content/{content}/splits": Scope.READ,
    "PUT /api/v1/content/{content}/splits": Scope.CONTENT,
    "GET /api/v1/content/{content}/passes": Scope.READ,
    "POST /api/v1/content/{content}/passes": Scope.PAYMENTS,
    "PUT /api/v1/content/{content}/captions/{language}": Scope.CONTENT,
    "GET /api/v1/content/{content}/captions/{language}": Scope.READ,
    "DELETE /api/v1/content/{content}/captions/{language}": Scope.CONTENT,
    "POST /api/v1/content/{content}/clips": Scope.CONTENT,
    "GET /api/v1/content/{content}/download": Scope.READ,
    "POST /api/v1/content/{content}/download-links": Scope.READ,
    "GET /api/v1/downloads/{link}": "nothing",
    "GET /api/v1/content/{content}/storyboard.vtt": "nothing",
    "GET /api/v1/content/{content}/{picture}": "nothing",
    "OPTIONS /api/v1/uploads": "nothing",
    "POST /api/v1/uploads": Scope.CONTENT,
    "GET /api/v1/uploads/{upload}": Scope.CONTENT,
    "PATCH /api/v1/uploads/{upload}": Scope.CONTENT,
    "DELETE /api/v1/uploads/{upload}": Scope.CONTENT,
    "GET /api/v1/jobs": Scope.READ,
    "GET /api/v1/jobs/events": Scope.READ,
    "DELETE /api/v1/jobs/{job}": Scope.CONTENT,
    "POST /api/v1/streaming/start": Scope.STREAM,
    "POST /api/v1/streaming/stop": Scope.STREAM,
    "POST /api/v1/streaming/consent": Scope.STREAM,
    "GET /api/v1/streaming/sessions": Scope.READ,
    "GET /api/v1/streaming/sessions/{session}": Scope.READ,
    "GET /api/v1/streaming/sessions/{session}/events": Scope.READ,
    "GET /api/v1/streaming/sessions/{session}/receipt": Scope.READ,
    "GET /api/v1/streaming/ws": Scope.STREAM,
    "GET /api/v1/sources": Scope.READ,
    "POST /api/v1/sources": Scope.SOURCES,
    "GET /api/v1/sources/events": Scope.READ,
    "GET /api/v1/sources/{source}": Scope.READ,
    "PATCH /api/v1/sources/{source}": Scope.SOURCES,
    "GET /api/v1/sources/{source}/splits": Scope.READ,
    "PUT /api/v1/sources/{source}/splits": Scope.SOURCES,
    "POST /api/v1/sources/{source}/regenerate-key": Scope.SOURCES,
    "GET /api/v1/sources/{source}/keys": Scope.READ,
    "POST /api/v1/sources/{source}/keys": Scope.SOURCES,
    "DELETE /api/v1/sources/{source}/keys/{key}": Scope.SOURCES,
    "POST /api/v1/sources/{source}/publish-token": Scope.SOURCES,
    "GET /api/v1/sources/{source}/obs-multitrack.json": Scope.SOURCES,
    "GET /api/v1/earnings": Scope.READ,
    "GET /api/v1/earnings/events": Scope.READ,
}


def needed(method: str, path: str) -> Need:
    """What a route asks of a key; HEAD is GET without a body."""
    return NEEDS.get(f"{'GET' if method == 'HEAD' else method} {path}", "person")


def allows(scopes: frozenset[Scope], need: Need) -> bool:
    """Whether a key with these scopes may use a route."""
    return need == "nothing" or need in scopes
