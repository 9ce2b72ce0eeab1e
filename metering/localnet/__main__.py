"""Run a local Stellar network as a process of its own: `tollcast localnet`.

Play money, spoken to as a real network is: Stellar RPC and Horizon at one address, with friendbot.
What goes wrong is asked for by POST /faults (JSON; GET tells all there is), a short history by POST
/network/forget {"keep_ledgers": 9}, time that passes at once by POST /network/leap {"seconds": 60},
and a new network by POST /network/reset {}.
"""

import argparse
import asyncio
import json
import logging
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import structlog
from aiohttp import web

from config.child import die_with_parent
from config.clock import SystemClock
from config.limits import LOCALNET_HISTORY_BYTES_MAX, LOCALNET_STOP_SECONDS_MAX
from metering.localnet import PASSPHRASE
from metering.localnet.network import LocalNetwork, NetworkState, genesis
from metering.localnet.node import NetworkClock, Node
from metering.localnet.server import Server
from metering.localnet.state_file import DamagedState, ForeignState, StateFile, StateInUse

_REFUSED = 2


class CannotListen(Exception):
    """The port cannot be had."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status is 2 when it cannot begin."""
    die_with_parent()
    options = _options(arguments)
    # Standard output carries one line for the parent, so logs go to standard error.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        asyncio.run(_serve(options))
    except (CannotListen, DamagedState, ForeignState, StateInUse) as error:
        print(f"{type(error).__doc__} {error}", file=sys.stderr)  # noqa: T201
        return _REFUSED
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tollcast localnet", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int, help="0 for any that is free")
    where.add_argument("--socket", type=int, help="descriptor of a socket that listens already")
    parser.add_argument("--state", type=Path, required=True, help="file that keeps the network")
    parser.add_argument("--close-milliseconds", type=int, default=1000)
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    node = _open(options.state, options.close_milliseconds)
    runner = web.AppRunner(
        Server(node).application(),
        access_log=None,
        shutdown_timeout=LOCALNET_STOP_SECONDS_MAX,
    )
    await node.start()
    try:
        await runner.setup()
        await _listen(runner, options)
        told = {"port": runner.addresses[0][1], "passphrase": PASSPHRASE}
        print(json.dumps(told), flush=True)  # noqa: T201
        await _stopped()
    finally:
        await runner.cleanup()
        await node.stop()


async def _listen(runner: web.AppRunner, options: argparse.Namespace) -> None:
    try:
        if options.socket is not None:
            await web.SockSite(runner, socket.socket(fileno=options.socket)).start()
        else:
            await web.TCPSite(runner, "127.0.0.1", options.port).start()
    except OSError as error:
        raise CannotListen(error.strerror) from error


def _open(path: Path, close_ms: int) -> Node:
    state_file = StateFile(path)
    clock = SystemClock()
    try:
        state = state_file.load(PASSPHRASE)
        if state is None:
            state = genesis(PASSPHRASE, close_ms, clock.wall_ms())
            state_file.create(state)
        elif state.close_ms != close_ms:
            state = _retimed(state, state_file, close_ms, clock.wall_ms())
    except (DamagedState, ForeignState):
        state_file.close()
        raise
    network = LocalNetwork(state, LOCALNET_HISTORY_BYTES_MAX)
    return Node(network, state_file, NetworkClock(clock, state.header.closed_ms))


def _retimed(
    state: NetworkState, state_file: StateFile, close_ms: int, now_ms: int
) -> NetworkState:
    """Count idle ledgers at the old pace up to now, and at the new one from here on."""
    header = LocalNetwork(state, LOCALNET_HISTORY_BYTES_MAX).latest(now_ms)
    state_file.retime(header, close_ms, state.oldest_ledger)
    headers = state.headers if header == state.header else [*state.headers, header]
    return replace(state, close_ms=close_ms, headers=headers)


async def _stopped() -> None:
    """Return at the first SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    raise SystemExit(main())
