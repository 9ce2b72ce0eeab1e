"""`tollcast channel write-off`: gives up what a payment channel can no longer pay."""

from typing import Any

from api.remote import ask
from config.settings import Settings

_ROUTE = "/api/v1/admin/channel-losses"


async def losses(settings: Settings) -> str:
    """What is lost, a line each; what was given up lately at the end.

    Raises:
        CommandFailed: no server answers, or it refused.
    """
    found = (await ask(settings, "GET", _ROUTE))["items"]
    return "\n".join(map(_line, found)) or "no payment channel lost anything"


async def dry_run(settings: Settings, contract: str) -> str:
    """What giving up one payment channel would book, and how to; raises as `losses`."""
    loss = await ask(settings, "GET", f"{_ROUTE}/{contract}")
    if loss["writtenOff"] is not None:
        return _told(loss)
    again = f'  tollcast channel write-off {contract} --reason "WHY"'
    return f"{_told(loss)}\nNothing was booked. To do it:\n{again}"


async def write_off(settings: Settings, contract: str, reason: str) -> str:
    """Give it up; raises as `losses`, also when another amount is lost by now."""
    loss = await ask(settings, "GET", f"{_ROUTE}/{contract}")
    body = {"amount": loss["lost"], "reason": reason}
    return _told(await ask(settings, "POST", f"{_ROUTE}/{contract}/write-off", body))


def _line(loss: dict[str, Any]) -> str:
    written = loss["writtenOff"]
    state = "open" if written is None else f"written off {written['at']}: {written['reason']}"
    return f"{loss['channel']}  {loss['lost']} {loss['asset']}  {state}"


def _told(loss: dict[str, Any]) -> str:
    transfer, written = loss["transfer"], loss["writtenOff"]
    booked = "would book" if written is None else "booked"
    lines = [
        f"{loss['channel']}, of {loss['account']}",
        f"  {loss['payer']} signed for {loss['accepted']} {loss['asset']}, of which"
        f" {loss['collected']} was collected; {loss['lost']} is lost",
        f"  {booked} {transfer['amount']} {transfer['asset']} from {transfer['from']} to"
        f" {transfer['to']} as {transfer['id']}",
    ]
    if written is not None:
        lines.append(f"  written off {written['at']} by the {written['by']}: {written['reason']}")
    return "\n".join(lines)
