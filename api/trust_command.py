"""`tollcast signer trust`: the hot account agrees to hold an asset, signed where its key is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from api.data_layout import signer_folder
from api.remote import CommandFailed
from config.secret_files import SecretExposed
from config.settings import Settings
from metering.money import NATIVE, BadAsset, checked_asset
from metering.settlement.chain import ChainUnreachable, SettledAsset, WrongNetwork
from metering.settlement.horizon import Horizon
from metering.settlement.open_chain import Endpoint, open_chain
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.strkey import BadAddress, account_key
from metering.signer.keys import BadSeed, Keys
from metering.signer.trust_line import NotTrusted, trust
from metering.signer.vault import seed_in

type Chain = StellarRpc | Horizon


async def trust_asset(settings: Settings, asset: str, payer: Path) -> str:
    """Make the trust line; what was done, in words.

    Args:
        settings: `data_directory` has the signer's folder, `stellar` names the network.
        asset: `CODE:ISSUER`.
        payer: a file with the seed (S...) of another account of the operator's, which pays the fee.

    Raises:
        CommandFailed: with the reason.
    """
    if asset == NATIVE:
        raise CommandFailed("lumens need no trust line")
    issued_asset(asset)
    keys, paying = hot_keys(settings), _payer(payer)
    if paying.hot in keys.accounts:
        raise CommandFailed("pay with an account that the server does not pay with")
    passphrase = settings.stellar.network_passphrase
    try:
        async with chain_for(settings, asset) as chain:
            made = await trust(chain, asset, keys, paying, passphrase)
            obstacle = (await chain.obstacles([keys.hot])).get(keys.hot)
    except (ChainUnreachable, NotTrusted, WrongNetwork) as error:
        raise CommandFailed(str(error)) from None
    done = "was there already" if made is None else f"made by {made}"
    allowed = "" if obstacle is None else f"\nThe network says {obstacle}: ask the issuer about it"
    return f"{keys.hot} can hold {asset}: trust line {done}{allowed}{_listed(settings, asset)}"


def issued_asset(asset: str) -> SettledAsset:
    """An issuer's asset.

    Raises:
        CommandFailed: it is not written as `CODE:ISSUER`.
    """
    code, _, issuer = asset.partition(":")
    try:
        checked_asset(asset)
        account_key(issuer)
    except (BadAsset, BadAddress) as error:
        raise CommandFailed(f"no asset of an issuer, CODE:ISSUER: {error}") from None
    return SettledAsset(code, issuer)


def hot_keys(settings: Settings) -> Keys:
    """The hot account's keys.

    Raises:
        CommandFailed: they are not here, or this account may not read them.
    """
    folder = signer_folder(settings.data_directory.absolute())
    try:
        seed = seed_in(folder)
    except (SecretExposed, OSError) as error:
        raise CommandFailed(f"cannot read the key: {error}") from None
    if seed is None:
        raise CommandFailed(f"there is no key in {folder}: run this where the signer's key is")
    return Keys(seed)


@asynccontextmanager
async def chain_for(settings: Settings, asset: str) -> AsyncIterator[Chain]:
    """The configured network, asked about an issuer's asset.

    Raises:
        CommandFailed: none is configured, or the asset is none.
    """
    stellar = settings.stellar
    if not (stellar.rpc_url or stellar.horizon_url):
        raise CommandFailed("name the network: stellar.rpc_url and stellar.network_passphrase")
    endpoint = Endpoint(stellar.rpc_url, stellar.horizon_url, stellar.network_passphrase)
    chain = open_chain(endpoint, issued_asset(asset), StellarClient())
    try:
        yield chain
    finally:
        await chain.close()


def _payer(file: Path) -> Keys:
    try:
        return Keys(file.read_text().strip())
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error.strerror}") from None
    except (BadSeed, ValueError) as error:
        raise CommandFailed(f"{file}: {error}") from None


def _listed(settings: Settings, asset: str) -> str:
    if asset in settings.stellar.assets:
        return ""
    return "\nNothing is paid in it before it is listed in stellar.assets"
