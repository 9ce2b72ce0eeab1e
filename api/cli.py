"""The command line: `tollcast up`, and small commands that talk to a running server."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from api.version import version
from config.settings import Settings, SettingsError, load, read_environment

_DESCRIPTION = "A streaming server that bills by the second."
_UP = """Start the server. With nothing configured it runs alone: embedded Postgres, a local
Stellar network with play money, local directories for media, and a demo stream with three paying
viewers."""

_WORKER = """Transcode uploads beside a server: start it with the server's database.url and
data_directory (on one machine the data_directory is enough). Any number of workers share the queue;
one that ends gives its jobs back."""

_DOCTOR = """Look at what a server needs: Python, FFmpeg, the jail for hostile media, disk and
database. Ends with 1 when a server for the public would not start here."""

_VERIFY = """Check receipts without the server that made them: how they are written, their chains of
hashes, their signatures, and whether the seconds, prices and sums in them agree; of a folder also
whether one in between is missing. Reports of `tollcast reconcile --json` are checked in the same
way. Names the first element that is wrong, and ends with 1 then.
With --payout check what GET /api/v1/payments/proofs/{id} gave: whether the payment is part of what
its transaction commits to and, where a node is named, whether the chain has that transaction."""


_LEDGER = """Look at the ledger of a server, which may run meanwhile. `verify` makes the chain of
seals and every rule of the books anew from what is in the database (and in exported files), names
the first violation of each, and ends with 1 when there is any, with 2 when there is nothing to
read. `head` shows the last seal. Note it elsewhere: `verify --head HASH` later finds out also about
a chain that was made anew as a whole."""

_SUSPENSE = """Money that came in without a number, for a number that nobody has, in another
asset or below the minimum is nobody's until you say so. `list` shows it, `assign PAYMENT ACCOUNT`
credits an account (or your own treasury), `return PAYMENT` pays it to where it came from. Asks the
server that runs, with the token in data_directory."""

_SIGNER = """Sign payouts for a server that runs under another account, which asks at a socket and
cannot read the key: set its stellar.signer_socket. Reads what was planned with database.url, keeps
its key in data_directory/signer, and signs no more than settlement.daily_cap_stroops in 24 hours.
Without it, the server starts a signer by itself."""


_RECONCILE = """Show whether chain, journal and outbox agree, on a day or at present. Ends with 1
when they differ, with 2 when there is nothing to show. While they differ nothing is paid. What was
looked into and is known can be accepted: a payment that the books lack is booked then, from whoever
got it."""


_REPLAY = """Show one history of the simulation, in which everything goes wrong that can: when, who,
what, and which money moved. The same seed makes the same one. Ends with 1 when an invariant was
broken. Needs a checkout of the source code."""


_CHANNEL = """For viewers who pay from a payment channel: a contract that holds your money and pays
a server only what your browser signs for. `open` makes one for the key that the watch page shows;
`start-closing` and `take-back` return what is left without asking the server, a day apart. Needs no
server here: a wallet's seed in a file, and a Stellar RPC server of the network."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 well, 1 failed, 2 wrong usage)."""
    parser = _parser()
    known, rest = parser.parse_known_args(arguments)
    if known.command == "localnet":
        return _localnet(rest)
    if known.command == "version":
        print(f"tollcast {version()}")  # noqa: T201 - this is what was asked for
        return 0
    if known.command == "replay":
        return _replay(known.seed)
    if known.command == "channel":
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        return _channel(known)
    try:
        settings = load(rest, read_environment(), known.config)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return _command(known, settings)


def _command(known: argparse.Namespace, settings: Settings) -> int:
    commands: Mapping[str, Callable[[], int]] = {
        "keys": lambda: asyncio.run(_rotate(settings, known.source, known.grace)),
        "config": lambda: _show(settings),
        "doctor": lambda: _examine(settings),
        "ledger": lambda: _ledger(settings, known),
        "reconcile": lambda: _reconcile(settings, known),
        "verify": lambda: _verify(settings, known),
        "worker": lambda: _work(settings),
        "signer": lambda: _sign(settings, known.socket, known.client),
        "suspense": lambda: _suspense(settings, known),
        "tier": lambda: _tier(settings, known.account, known.tier),
        "up": lambda: _up(settings, announce_json=known.json),
    }
    return commands[known.command]()


def _show(settings: Settings) -> int:
    print(settings.model_dump_json(indent=2))  # noqa: T201
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tollcast", description=_DESCRIPTION, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser(
        "up",
        help="start the server",
        description=_UP,
        epilog="Every setting is a flag too, e.g. --http.port=9000; `tollcast config` lists them.",
        allow_abbrev=False,
    )
    up.add_argument("--json", action="store_true", help="announce addresses as one line of JSON")
    worker = commands.add_parser(
        "worker",
        help="make uploads beside a server",
        description=_WORKER,
        epilog="Settings are flags too: --data_directory, --database.url, --jobs.workers.",
        allow_abbrev=False,
    )
    keys = commands.add_parser("keys", help="give a source a new stream key", allow_abbrev=False)
    keys.add_argument("source", help="the source's name, e.g. main")
    keys.add_argument(
        "--grace",
        type=int,
        default=0,
        metavar="SECONDS",
        help="for how long the key before works as well (0)",
    )
    doctor = commands.add_parser(
        "doctor",
        help="tell what this machine has and lacks",
        description=_DOCTOR,
        allow_abbrev=False,
    )
    verify = commands.add_parser(
        "verify",
        help="check receipts, or proofs of payouts",
        description=_VERIFY,
        allow_abbrev=False,
    )
    verify.add_argument(
        "files", type=Path, nargs="*", metavar="FILE", help="receipts, reports, a folder"
    )
    verify.add_argument(
        "--payout", type=Path, nargs="+", metavar="FILE", help="proofs of payouts instead"
    )
    node = verify.add_mutually_exclusive_group()
    node.add_argument("--rpc", default="", metavar="URL", help="a Stellar RPC node to ask for them")
    node.add_argument("--horizon", default="", metavar="URL", help="or a Horizon server")
    verify.add_argument(
        "--key", type=Path, metavar="JWKS", help="the server's keys, a copy of its jwks.json"
    )
    ledger = commands.add_parser(
        "ledger",
        help="check the books, or show the seal to note",
        description=_LEDGER,
        epilog="Settings are flags too: --data_directory, --database.url.",
        allow_abbrev=False,
    )
    ledger.add_argument("action", choices=("verify", "head"), help="check, or show the last seal")
    ledger.add_argument("--json", action="store_true", help="answer as JSON")
    ledger.add_argument("--head", metavar="HASH", help="a seal that was noted, to be in the chain")
    signer = commands.add_parser(
        "signer",
        help="sign payouts for a server of another account",
        description=_SIGNER,
        allow_abbrev=False,
    )
    signer.add_argument("--socket", type=Path, required=True, metavar="PATH", help="to be made")
    signer.add_argument(
        "--client", action="append", required=True, metavar="USER", help="who may ask; repeatable"
    )
    reconcile = commands.add_parser(
        "reconcile",
        help="tell whether chain and books agree",
        description=_RECONCILE,
        epilog="Settings are flags too: --data_directory, --database.url.",
        allow_abbrev=False,
    )
    reconcile.add_argument("--date", type=date.fromisoformat, help="2026-11-30; the latest day")
    reconcile.add_argument("--json", action="store_true", help="answer as JSON")
    reconcile.add_argument(
        "--accept", metavar="KEY", action="append", default=[], help="a difference that is known"
    )
    tier = commands.add_parser(
        "tier",
        help="say how much an account may watch at once",
        epilog="What a tier allows is set by sessions.free, sessions.bronze and so on.",
        allow_abbrev=False,
    )
    tier.add_argument("account", help="its id, acc_...")
    tier.add_argument("tier", choices=("free", "bronze", "silver", "gold"))
    suspense = _add_suspense(commands)
    replay = commands.add_parser(
        "replay", help="show a simulated history", description=_REPLAY, allow_abbrev=False
    )
    replay.add_argument("seed", type=int, metavar="SEED", help="any whole number")
    _add_channel(commands)
    # Its options are its own, so that `--help` has to get there too.
    commands.add_parser("localnet", help="run a local Stellar network alone", add_help=False)
    config = commands.add_parser("config", help="print the settings in force", allow_abbrev=False)
    commands.add_parser("version", help="print the version")
    settled = (up, worker, keys, signer, tier, doctor, ledger, reconcile, suspense, verify, config)
    for command in settled:
        command.add_argument("--config", type=Path, help="a TOML file with settings")
    return parser


def _add_suspense(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    suspense = commands.add_parser(
        "suspense",
        help="see money that came in for nobody known, and say whose it is",
        description=_SUSPENSE,
        allow_abbrev=False,
    )
    suspense.add_argument("action", choices=("list", "assign", "return"))
    suspense.add_argument("payment", nargs="?", default="", help="its id, as listed")
    suspense.add_argument("account", nargs="?", default="", help="acc_..., or treasury")
    return suspense


def _add_channel(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    channel = commands.add_parser(
        "channel",
        help="open a payment channel with your wallet, or take back what is left",
        description=_CHANNEL,
        allow_abbrev=False,
    )
    channel.add_argument("action", choices=("open", "start-closing", "take-back"))
    channel.add_argument("contract", nargs="?", default="", help="which one, when it is open")
    channel.add_argument("--server", required=True, metavar="URL", help="a Tollcast server")
    channel.add_argument("--rpc", default="", metavar="URL", help="a Stellar RPC server")
    channel.add_argument("--key", default="", metavar="HEX", help="of the browser that will pay")
    channel.add_argument("--amount", default="5", metavar="AMOUNT", help="to put in (5)")
    channel.add_argument(
        "--seed-file",
        type=Path,
        default=Path("wallet.seed"),
        metavar="FILE",
        help="has the wallet's seed (wallet.seed); with play money it is made",
    )


def _channel(known: argparse.Namespace) -> int:
    from api import channel_command
    from api.remote import CommandFailed

    viewer = channel_command.Viewer(known.server, known.rpc, known.seed_file)
    try:
        if known.action == "open":
            opened = channel_command.open_channel(viewer, known.key, known.amount)
            print(asyncio.run(opened))  # noqa: T201
        elif known.action == "start-closing":
            asyncio.run(channel_command.start_closing(viewer, known.contract))
        else:
            asyncio.run(channel_command.take_back(viewer, known.contract))
    except CommandFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _localnet(arguments: list[str]) -> int:
    from metering.localnet.__main__ import main as serve

    return serve(arguments)


def _replay(seed: int) -> int:
    from api.replay import NeedsCheckout, replay

    try:
        return replay(seed)
    except NeedsCheckout as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _up(settings: Settings, *, announce_json: bool) -> int:
    # Imported here: the other commands need neither the event loop nor the SDKs.
    from api.ground import StartFailed
    from api.process import serve

    try:
        serve(settings, announce_json=announce_json)
    except StartFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _work(settings: Settings) -> int:
    from api.ground import StartFailed
    from api.worker import work

    try:
        work(settings)
    except StartFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _examine(settings: Settings) -> int:
    from api.doctor import examine, findings_text, is_fit

    findings = asyncio.run(examine(settings))
    print(findings_text(findings))  # noqa: T201
    return 0 if is_fit(findings) else 1


def _verify(settings: Settings, known: argparse.Namespace) -> int:
    from api.verify_command import CannotVerify, known_keys, verify_files
    from api.verify_payout import verify_payouts

    try:
        if known.payout:
            urls = {"rpc_url": known.rpc, "horizon_url": known.horizon}
            return 0 if verify_payouts(known.payout, print, **urls) else 1
        if not known.files:
            raise CannotVerify("name a receipt or a report, or a payout with --payout")
        keys = known_keys(known.key, settings.data_directory)
        return 0 if verify_files(known.files, keys, print) else 1
    except CannotVerify as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _ledger(settings: Settings, known: argparse.Namespace) -> int:
    from api import ledger_command
    from api.remote import CommandFailed
    from config import logs

    logs.set_up("warning", "text")
    try:
        if known.action == "head":
            seal = asyncio.run(ledger_command.head(settings))
            said = ledger_command.head_json if known.json else ledger_command.head_text
            print(said(seal))  # noqa: T201
            return 0
        found = asyncio.run(ledger_command.verify(settings, known.head))
    except CommandFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 2
    say = ledger_command.audit_json if known.json else ledger_command.audit_text
    print(say(found))  # noqa: T201
    return 0 if found.sound else 1


def _sign(settings: Settings, path: Path, clients: Sequence[str]) -> int:
    from api.remote import CommandFailed
    from api.signer_command import run_signer

    try:
        return run_signer(settings, path, clients)
    except CommandFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _reconcile(settings: Settings, known: argparse.Namespace) -> int:
    from api import reconcile_command
    from api.remote import CommandFailed, accept_difference
    from config import logs

    logs.set_up("warning", "text")
    try:
        for key in known.accept:
            for booked in asyncio.run(accept_difference(settings, key)):
                print(reconcile_command.booking_text(booked))  # noqa: T201
        report = asyncio.run(reconcile_command.read_report(settings, known.date))
    except CommandFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 2
    # As it was signed, to the byte: it ends with its own line's end.
    shown = report.rstrip("\n") if known.json else reconcile_command.report_text(report)
    print(shown)  # noqa: T201
    return 0 if reconcile_command.agrees(report) else 1


def _suspense(settings: Settings, known: argparse.Namespace) -> int:
    from api import suspense_command
    from api.remote import CommandFailed

    work = {
        "list": lambda: suspense_command.waiting(settings),
        "assign": lambda: suspense_command.assign(settings, known.payment, known.account),
        "return": lambda: suspense_command.give_back(settings, known.payment),
    }
    try:
        print(asyncio.run(work[known.action]()))  # noqa: T201
    except CommandFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _tier(settings: Settings, account: str, tier: str) -> int:
    from api.remote import CommandFailed
    from api.tier_command import set_tier
    from api.tiers import Tier

    try:
        asyncio.run(set_tier(settings, account, Tier(tier)))
    except CommandFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{account} has the {tier} tier from its next session on")  # noqa: T201
    return 0


async def _rotate(settings: Settings, name: str, grace_seconds: int) -> int:
    from api.remote import CommandFailed, regenerate_key

    try:
        key = await regenerate_key(settings, name, grace_seconds)
    except CommandFailed as error:
        print(f"tollcast: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(json.dumps({"source": name, "streamKey": key}, indent=2))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
