"""What `tollcast doctor` says about the assets that the hot account is to hold."""

import asyncio
from pathlib import Path

from api.finding import Finding, Verdict
from api.remote import CommandFailed
from config.limits import DOCTOR_CHILD_SECONDS_MAX, SIGNER_ANSWER_BYTES_MAX
from config.settings import Settings
from metering.money import NATIVE
from metering.settlement.signer import SignerAway
from metering.signer.remote_signer import RemoteSigner

_SUBJECT = "Assets"
_NOT_LOOKED = "they were not looked at: "


async def trust_finding(settings: Settings) -> Finding | None:
    """Whether the hot account can hold what is listed; None when only lumens are."""
    assets = [each for each in settings.stellar.assets if each != NATIVE]
    if not assets:
        return None
    try:
        async with asyncio.timeout(DOCTOR_CHILD_SECONDS_MAX):
            hot = await _hot(settings)
            found = {each: await _obstacle(settings, each, hot) for each in assets}
        return assets_finding(hot, found)
    except (CommandFailed, SignerAway) as error:
        return Finding(Verdict.LESS, _SUBJECT, f"{_NOT_LOOKED}{error}")
    except TimeoutError:
        return Finding(Verdict.LESS, _SUBJECT, f"{_NOT_LOOKED}no answer in time")


def assets_finding(hot: str, obstacles: dict[str, str | None]) -> Finding:
    """What was found comes to.

    Args:
        hot: the account that pays.
        obstacles: for each asset why it cannot be paid to that account; None when it can.
    """
    wrong = {asset: code for asset, code in obstacles.items() if code is not None}
    if not wrong:
        return Finding(Verdict.OK, _SUBJECT, f"{hot} holds {', '.join(obstacles)}")
    return Finding(
        Verdict.LESS,
        _SUBJECT,
        f"{hot} cannot hold what is listed in stellar.assets, so nothing is paid in it",
        [f"{asset}: {code}" for asset, code in wrong.items()],
        [_advice(asset, code) for asset, code in wrong.items()],
    )


def _advice(asset: str, code: str) -> str:
    from metering.signer.trust_line import NO_TRUST

    if code == NO_TRUST:
        return f"tollcast signer trust {asset} --payer FILE"
    if code == "op_no_destination":
        return "send that account some lumens"
    return f"ask the issuer of {asset.partition(':')[0]} about {code}"


async def _hot(settings: Settings) -> str:
    socket = settings.stellar.signer_socket
    if not socket:
        from api.trust_command import hot_keys

        return hot_keys(settings).hot

    async def door() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(Path(socket), limit=SIGNER_ANSWER_BYTES_MAX)

    return (await RemoteSigner.meet(door)).hot


async def _obstacle(settings: Settings, asset: str, hot: str) -> str | None:
    # The SDK takes most of a second to import, and most servers list lumens alone.
    from api.trust_command import chain_for
    from metering.settlement.chain import ChainUnreachable, WrongNetwork

    try:
        async with chain_for(settings, asset) as chain:
            return (await chain.obstacles([hot])).get(hot)
    except (ChainUnreachable, WrongNetwork) as error:
        raise CommandFailed(str(error)) from None
