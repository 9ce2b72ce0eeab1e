"""Sockets that listen on one address, one for each process that is to accept there."""

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator

from config.limits import HTTP_BACKLOG

type _Address = tuple[str | int | bytes, ...]


def open_listeners(host: str, port: int, processes: int) -> list[list[socket.socket]]:
    """For each process a socket on each address that `host` has.

    The kernel spreads connections over several (SO_REUSEPORT), and lets nobody join in who has
    another user id than the process that was first (socket(7)). A second server of the same user
    fails as it would on an ordinary port: the address has to be free when this is called.

    All of them are opened here and inherited by their processes, since a socket's queue ends with
    the last process that has it: what waits while a process is replaced is not refused.

    Raises:
        OSError: the address is taken, or is none of this machine's, or the system cannot share it.
    """
    if processes > 1 and sys.platform != "linux":
        raise OSError("http.processes: more than one need Linux, which spreads connections")
    with contextlib.ExitStack() as opened:
        sockets: list[list[socket.socket]] = [[] for _ in range(processes)]
        for family, address in _addresses(host, port):
            where = (address[0], port, *address[2:])
            if port and processes > 1:
                _require_free(family, where)
            for mine in sockets:
                listener = opened.enter_context(_bound(family, where, shared=processes > 1))
                port = listener.getsockname()[1]
                where = (where[0], port, *where[2:])
                mine.append(listener)
        for listener in (each for mine in sockets for each in mine):
            listener.listen(HTTP_BACKLOG)
        opened.pop_all()
        return sockets


def _addresses(host: str, port: int) -> Iterator[tuple[socket.AddressFamily, _Address]]:
    """Each once, in the order of the resolver; a name may have some that this system cannot use."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    known = dict.fromkeys((family, address) for family, _, _, _, address in found)
    usable = [each for each in known if _is_supported(each[0])]
    if not usable:
        raise OSError(errno.EAFNOSUPPORT, f"{os.strerror(errno.EAFNOSUPPORT)}: {host}")
    yield from usable


def _is_supported(family: socket.AddressFamily) -> bool:
    """IPv6 may be switched off in the kernel, and `localhost` still have an address of it."""
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _require_free(family: socket.AddressFamily, address: _Address) -> None:
    _bound(family, address, shared=False).close()


def _bound(family: socket.AddressFamily, address: _Address, *, shared: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # As for every server: connections of the last one that linger do not keep this one out.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setblocking(False)
        bound.bind(address)
    except OSError as error:
        bound.close()
        where = f"{address[0]!s} port {address[1]!s}"
        raise OSError(error.errno, f"{error.strerror}: {where}") from error
    return bound
