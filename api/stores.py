"""The ground, and who owns and publishes what: handed to whatever is wired on top."""

from dataclasses import dataclass
from pathlib import Path

from api.auth.account import AccountStore
from api.auth.account_postgres import PostgresAccountStore
from api.catalogue.asset import AssetStore
from api.catalogue.asset_postgres import PostgresAssetStore
from api.ground import Ground, Network
from api.secret_names import SECRETS_DIRECTORY
from api.signer_process import SignerProcess
from api.storage import DatabaseUrls
from config.clock import Clock, SystemClock
from config.postgres import Database
from config.secret_files import SecretFiles
from config.settings import Settings
from ingest.source_postgres import PostgresSourceStore
from ingest.source_store import SourceStore
from media.jail.report import JailReport


@dataclass(frozen=True, slots=True)
class Stores:
    settings: Settings
    clock: Clock
    data: Path
    secrets: SecretFiles
    database: Database
    database_urls: DatabaseUrls
    network: Network
    signer: SignerProcess
    jail: JailReport | None
    accounts: AccountStore
    sources: SourceStore
    assets: AssetStore


def open_stores(ground: Ground) -> Stores:
    return Stores(
        ground.settings,
        SystemClock(),
        ground.data,
        SecretFiles(ground.data / SECRETS_DIRECTORY),
        ground.database,
        ground.database_urls,
        ground.network,
        ground.signer,
        ground.jail,
        PostgresAccountStore(ground.database),
        PostgresSourceStore(ground.database),
        PostgresAssetStore(ground.database),
    )
