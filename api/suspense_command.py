"""`tollcast suspense`: money that came in for nobody known, and to whom it goes."""

from typing import Any

from api.remote import ask
from config.settings import Settings

_ROUTE = "/api/v1/admin/suspense"


async def waiting(settings: Settings) -> str:
    """What waits for a decision, a line each; the oldest first, as many as one answer tells.

    Raises:
        CommandFailed: no server answers, or it refused.
    """
    found = await ask(settings, "GET", _ROUTE)
    if not found["items"]:
        return "nothing is in suspense"
    lines = [_text(item) for item in found["items"]]
    return "\n".join([*lines, "and more"] if found["next"] else lines)


async def assign(settings: Settings, payment: str, account: str) -> str:
    """Give a payment to an account, or to the treasury; raises as `waiting`."""
    done = await ask(settings, "POST", f"{_ROUTE}/assign", {"payment": payment, "account": account})
    return f"{done['amount']} {done['asset']} went to {account}"


async def give_back(settings: Settings, payment: str) -> str:
    """Pay it to where it came from; raises as `waiting`."""
    done = await ask(settings, "POST", f"{_ROUTE}/return", {"payment": payment})
    return f"{done['amount']} {done['asset']} go back to {done['source']}: {done['withdrawalId']}"


def _text(item: dict[str, Any]) -> str:
    number = item["muxedId"] or item["memo"]
    said = f", for {number}" if number else ""
    return (
        f"{item['id']}  {item['at']}  {item['amount']} {item['asset']}"
        f"  from {item['source']}{said}: {item['reason']}"
    )
