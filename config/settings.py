"""What the operator decides: one frozen object, read once at the start.

A flag outweighs the environment, which outweighs the file, which outweighs the defaults below.
`scripts/deploy/tollcast.toml` documents every setting; a test holds the two together.
"""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from config.limits import (
    CHANNEL_ACCOUNTS,
    METER_OUTAGE_SECONDS,
    METER_OUTAGE_SECONDS_MAX,
    METER_OUTAGE_STROOPS,
    PLATFORM_FEE_BASIS_POINTS_MAX,
    SERVING_PROCESSES_MAX,
    SESSIONS_AT_ONCE_MAX,
    SUBSCRIPTION_HOURS_MAX,
    SUBSCRIPTION_TRIAL_DAYS_MAX,
)
from config.settings_sources import (
    PREFIX,
    Given,
    Problem,
    from_environment,
    from_file,
    from_flags,
)
from config.signing_secret import require_strong


class SettingsError(Exception):
    """Something that was set is wrong; the text lists everything that is, with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "".join(f"\n  {problem.origin}: {problem.reason}" for problem in problems)
        super().__init__(f"the settings are not usable:{lines}")
        self.problems = problems


def _web_url(text: str) -> str:
    """An http(s) URL without its last slash, or nothing."""
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("should be an http:// or https:// URL")
    return text.rstrip("/")


def _rtmp_url(text: str) -> str:
    """An rtmp(s) URL, or nothing."""
    parts = urlsplit(text)
    if text and (parts.scheme not in ("rtmp", "rtmps") or not parts.hostname):
        raise ValueError("should be an rtmp:// or rtmps:// URL")
    return text


def _proxies(text: str) -> str:
    """An address or a network, as networks are written."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("should be addresses or networks, e.g. 10.0.0.0/8") from None
    if network.prefixlen == 0:
        raise ValueError("would believe everybody")
    return str(network)


def _database_url(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("should be a postgresql:// URL")
    return secret


def _signing_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text:
        require_strong(text)
    return secret


def _part(milliseconds: int) -> int:
    if milliseconds != 0 and not 100 <= milliseconds <= 1000:
        raise ValueError("has to be 0 or between 100 and 1000")
    return milliseconds


def _number_or_word(value: object) -> object:
    """Flags and the environment know words only."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _several(value: object) -> object:
    """Flags and the environment know words only: several are separated by commas."""
    if not isinstance(value, str):
        return value
    return [word for each in value.split(",") if (word := each.strip())]


_PORT_MAX = 65535

type Port = Annotated[int, Field(ge=0, le=_PORT_MAX)]  # 0: any free port
type Host = Annotated[str, Field(min_length=1)]
type WebUrl = Annotated[str, AfterValidator(_web_url)]
type Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "auto"
]
type JailLevel = Annotated[Literal["auto", 0, 1, 2, 3], BeforeValidator(_number_or_word)]

# What is never repeated in a message.
_SECRETS = ("database.url", "database.owner_url", "database.signer_url", "rtmp.webhook.secret")

PUBLIC_JAIL_LEVEL = 2
"""What strangers send is opened only where hostile media cannot call the kernel as it likes."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


type _Proxies = Annotated[str, AfterValidator(_proxies)]


class Http(_Section):
    """Where pages, API and media are served, and behind which fronts."""

    host: Host = "127.0.0.1"
    port: Port = 8080
    public_url: WebUrl = ""
    server_url: WebUrl = ""
    trusted_proxies: Annotated[tuple[_Proxies, ...], BeforeValidator(_several)] = ()
    processes: Annotated[int, Field(ge=1, le=SERVING_PROCESSES_MAX)] = 1


class PublishTokens(_Section):
    """Whose publish tokens are good besides our own."""

    issuer: str = ""
    jwks_url: WebUrl = ""
    jwks_file: str = ""

    @model_validator(mode="after")
    def _has_an_issuer_with_keys(self) -> Self:
        if self.jwks_url and self.jwks_file:
            raise ValueError("jwks_url and jwks_file cannot both be set")
        if bool(self.issuer) != bool(self.jwks_url or self.jwks_file):
            raise ValueError("issuer has to be set together with jwks_url or jwks_file")
        return self


class PublishWebhook(_Section):
    """Who is asked about publishers; nobody without a URL."""

    url: WebUrl = ""
    secret: Annotated[SecretStr, AfterValidator(_signing_secret)] = SecretStr("")
    timeout_milliseconds: Annotated[int, Field(ge=100, le=4000)] = 2000

    @model_validator(mode="after")
    def _signs_what_it_asks(self) -> Self:
        if bool(self.url) != bool(self.secret.get_secret_value()):
            raise ValueError("url and secret have to be set together")
        return self


class Rtmp(_Section):
    """Where publishers connect, and where they are sent when this server stops."""

    host: Host = "127.0.0.1"
    port: Port = 1935
    reconnect_url: Annotated[str, AfterValidator(_rtmp_url)] = ""
    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = 5
    tokens: PublishTokens = PublishTokens()
    webhook: PublishWebhook = PublishWebhook()


class Rtmps(_Section):
    """Where publishers connect over TLS, and with which certificate."""

    host: Host = "127.0.0.1"
    port: Annotated[Literal["auto", "off"] | Port, BeforeValidator(_number_or_word)] = "auto"
    certificate_file: str = ""
    key_file: str = ""

    @model_validator(mode="after")
    def _has_both_files(self) -> Self:
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file have to be set together")
        return self


class DatabaseSettings(_Section):
    """Which Postgres is used; none means the embedded one."""

    url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr("")
    owner_url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr("")
    signer_url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr("")

    @model_validator(mode="after")
    def _has_a_role_to_run_as(self) -> Self:
        for name in ("owner_url", "signer_url"):
            if getattr(self, name).get_secret_value() and not self.url.get_secret_value():
                raise ValueError(f"{name} needs url, of the role that the server runs as")
        return self


class LedgerSettings(_Section):
    """For how long transfers stay in the database."""

    retention_months: Annotated[int, Field(ge=0, le=1200)] = 0


type _Asset = Annotated[str, Field(pattern=r"^(XLM|[A-Za-z0-9]{1,12}:G[A-Z2-7]{55})$")]
type _Assets = Annotated[tuple[_Asset, ...], BeforeValidator(_several), Field(min_length=1)]


class Stellar(_Section):
    """Which network money moves on; no URL means the local one, with play money."""

    horizon_url: WebUrl = ""
    rpc_url: WebUrl = ""
    network_passphrase: str = ""
    assets: _Assets = ("XLM",)
    deposit_address: Annotated[str, Field(pattern="^(G[A-Z2-7]{55})?$")] = ""
    signer_socket: str = ""

    @model_validator(mode="after")
    def _names_its_network(self) -> Self:
        if (self.horizon_url or self.rpc_url) and not self.network_passphrase:
            raise ValueError("network_passphrase has to be set together with a URL")
        return self


class Metering(_Section):
    """What viewers may watch while the database is away."""

    outage_seconds: Annotated[int, Field(ge=0, le=METER_OUTAGE_SECONDS_MAX)] = METER_OUTAGE_SECONDS
    outage_stroops: Annotated[int, Field(ge=0, le=2**53)] = METER_OUTAGE_STROOPS


class Payments(_Section):
    """What the platform has of what viewers pay, and what is worth a payment on the chain."""

    platform_fee_bps: Annotated[int, Field(ge=0, le=PLATFORM_FEE_BASIS_POINTS_MAX)] = 0
    deposit_minimum_stroops: Annotated[int, Field(ge=1, le=2**53)] = 10_000
    withdrawal_minimum_stroops: Annotated[int, Field(ge=1, le=2**53)] = 10_000


type _CodeHash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Vouchers(_Section):
    """Which payment channels viewers may pay from, and when they are collected from."""

    contracts: Annotated[tuple[_CodeHash, ...], BeforeValidator(_several)] = ()
    collect_stroops: Annotated[int, Field(ge=1)] = 100_000_000
    collect_hours: Annotated[int, Field(ge=1, le=24 * 7)] = 24


class Settlement(_Section):
    """When earnings are paid out."""

    interval_seconds: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1, le=86_400)], BeforeValidator(_number_or_word)
    ] = "auto"
    minimum_stroops: Annotated[int, Field(ge=1)] = 10_000
    daily_cap_stroops: Annotated[int, Field(ge=1, le=2**63 - 1)] = 10_000_000_000
    daily_fees_stroops: Annotated[int, Field(ge=1, le=2**63 - 1)] = 100_000_000
    channel_accounts: Annotated[int, Field(ge=0, le=CHANNEL_ACCOUNTS)] = CHANNEL_ACCOUNTS

    def interval_ms(self, *, play_money: bool) -> int:
        """By default whoever tries it out sees money arrive, and real transactions are few."""
        if self.interval_seconds == "auto":
            return 15_000 if play_money else 300_000
        return self.interval_seconds * 1000


class Media(_Section):
    """How live media is cut and encoded."""

    segment_milliseconds: Annotated[int, Field(ge=500, le=10_000)] = 2000
    window_segments: Annotated[int, Field(ge=3, le=100)] = 8
    part_milliseconds: Annotated[int, AfterValidator(_part)] = 200
    preset: Preset = "auto"
    jail_level_minimum: JailLevel = "auto"


class DeliverySettings(_Section):
    """Where viewers get encrypted segments."""

    media_url: WebUrl = ""


class Price(_Section):
    """What a new source costs until its owner says otherwise."""

    stroops: Annotated[int, Field(ge=0, le=10**15)] = 5_000_000
    seconds: Annotated[int, Field(ge=1, le=86_400)] = 3600


type _AtOnce = Annotated[int, Field(ge=1, le=SESSIONS_AT_ONCE_MAX)]


class Sessions(_Section):
    """How many sessions an account of each tier may have open at once."""

    free: _AtOnce = 3
    bronze: _AtOnce = 1
    silver: _AtOnce = 2
    gold: _AtOnce = 4


type _Fee = Annotated[int, Field(ge=0, le=10**15)]
type _Hours = Annotated[int, Field(ge=0, le=SUBSCRIPTION_HOURS_MAX)]


class Subscriptions(_Section):
    """What each tier costs a month and what that includes; one that costs nothing is not sold."""

    bronze_stroops: _Fee = 50_000_000
    silver_stroops: _Fee = 100_000_000
    gold_stroops: _Fee = 200_000_000
    bronze_hours: _Hours = 10
    silver_hours: _Hours = 30
    gold_hours: _Hours = 100
    trial_days: Annotated[int, Field(ge=0, le=SUBSCRIPTION_TRIAL_DAYS_MAX)] = 0
    creators_bps: Annotated[int, Field(ge=0, le=10_000)] = 7_000


class Uploads(_Section):
    """How much creators may send, and how long an unfinished upload waits for the rest."""

    bytes_max: Annotated[int, Field(ge=1, le=2**53)] = 20 * 2**30
    quota_bytes: Annotated[int, Field(ge=0, le=2**53)] = 100 * 2**30
    expire_hours: Annotated[int, Field(ge=1, le=24 * 365)] = 24


class Jobs(_Section):
    """How many uploads this process makes at once."""

    workers: Literal["auto"] | Annotated[int, Field(ge=0, le=256)] = "auto"

    def count(self, processors: int) -> int:
        """Half of the processors by default: an encoder keeps more than one busy."""
        return max(1, processors // 2) if self.workers == "auto" else self.workers


class Auth(_Section):
    """Who may sign up, and what newcomers may do."""

    sign_up: Literal["open", "closed"] = "open"
    creators: Literal["operator", "everybody"] = "operator"
    client_domains: bool = False


class Log(_Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"


class Settings(_Section):
    """All of it."""

    data_directory: Path = Path("tollcast-data")
    demo: Literal["auto", "on", "off"] = "auto"
    http: Http = Http()
    rtmp: Rtmp = Rtmp()
    rtmps: Rtmps = Rtmps()
    database: DatabaseSettings = DatabaseSettings()
    ledger: LedgerSettings = LedgerSettings()
    stellar: Stellar = Stellar()
    metering: Metering = Metering()
    payments: Payments = Payments()
    vouchers: Vouchers = Vouchers()
    settlement: Settlement = Settlement()
    media: Media = Media()
    delivery: DeliverySettings = DeliverySettings()
    price: Price = Price()
    sessions: Sessions = Sessions()
    subscriptions: Subscriptions = Subscriptions()
    auth: Auth = Auth()
    uploads: Uploads = Uploads()
    jobs: Jobs = Jobs()
    log: Log = Log()

    @property
    def stands_alone(self) -> bool:
        """Whether nothing outside of this machine was named: no database, network or address."""
        return not (
            self.database.url.get_secret_value()
            or self.stellar.horizon_url
            or self.stellar.rpc_url
            or self.http.public_url
        )

    @model_validator(mode="after")
    def _has_a_certificate(self) -> Self:
        if isinstance(self.rtmps.port, int) and not (
            self.rtmps.certificate_file or self.stands_alone
        ):
            raise ValueError("rtmps.port needs rtmps.certificate_file and rtmps.key_file")
        return self

    @property
    def rtmps_port(self) -> int | None:
        """0 for any free port, None for none.

        "auto" is on where there is a certificate, or none is needed because nobody from outside
        comes: then the server makes its own.
        """
        if self.rtmps.port == "off":
            return None
        if self.rtmps.port != "auto":
            return self.rtmps.port
        if not (self.rtmps.certificate_file or self.stands_alone):
            return None
        return self.rtmp.port + 1 if 0 < self.rtmp.port < _PORT_MAX else 0

    @property
    def jail_level_minimum(self) -> int:
        """The `media.jail.level.Level` below which no worker may open media."""
        chosen = self.media.jail_level_minimum
        if chosen != "auto":
            return chosen
        return 0 if self.stands_alone else PUBLIC_JAIL_LEVEL

    @property
    def demo_is_on(self) -> bool:
        """Whether a demo stream and its viewers are to run."""
        return self.demo == "on" or (self.demo == "auto" and self.stands_alone)


def read_environment() -> Mapping[str, str]:
    """The variables that are settings. Nothing else of the program reads the environment."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) or name == "DATABASE_URL"
    }


def load(arguments: Sequence[str], environment: Mapping[str, str], file: Path | None) -> Settings:
    """Put together what was set.

    Args:
        arguments: flags, `--section.key=value` or `--section.key value`.
        environment: `TOLLCAST_SECTION__KEY`; others are not looked at, except `DATABASE_URL`.
        file: a TOML file.

    Raises:
        SettingsError: with all that is wrong, each with where it came from.
    """
    found = [*from_file(file), *from_environment(environment), *from_flags(arguments)]
    known = setting_paths()
    problems = [item for item in found if isinstance(item, Problem)]
    given: dict[str, Given] = {}
    for item in found:
        if isinstance(item, Given) and item.path in known:
            given[item.path] = item
        elif isinstance(item, Given):
            problems.append(Problem(item.origin, _unknown(item, known)))
    try:
        settings = Settings.model_validate(_nested(given.values()))
    except ValidationError as error:
        raise SettingsError([*problems, *_explained(error, given)]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def setting_paths() -> list[str]:
    """Every setting, as `section.key`."""
    return list(_paths(Settings, ""))


def _paths(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _paths(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def _unknown(item: Given, known: Sequence[str]) -> str:
    # `--port`: the key is right, its section is missing.
    close = [path for path in known if path.rpartition(".")[2] == item.path]
    close = close or difflib.get_close_matches(item.path, known, n=1, cutoff=0.5)
    advice = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"unknown setting {item.path}{advice}"


def _nested(given: Iterator[Given] | Any) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for item in given:
        *sections, key = item.path.split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, {})
        table[key] = item.value
    return tree


def _explained(error: ValidationError, given: Mapping[str, Given]) -> Iterator[Problem]:
    for found in error.errors(include_url=False):
        # Which of several it is tells nobody more than its value does.
        path = ".".join(part for part in found["loc"] if isinstance(part, str))
        reason = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
        item = given.get(path)
        if item is None:
            yield Problem(path or "all together", reason)
        elif isinstance(found["input"], SecretStr) or path in _SECRETS:
            yield Problem(f"{item.origin}", f"{path} {reason}")
        else:
            yield Problem(f"{item.origin}", f"{path} {reason}, not {item.value!r}")
