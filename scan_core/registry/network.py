"""Connections that lead where they are allowed to and end when their time is over.

A name is resolved once, every address is looked at, and the connection is made to the address that was looked at: a
name that changes its address in between gains nothing. There are no proxies, cookies, redirects or retries here that
could be turned off wrongly: the standard library's plainest client, over a socket of ours, has none. It is also what a
worker can afford to import at each start (urllib's cost in `scan_core.store.attempt_links` is this one's too).
"""

import contextlib
import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from scan_core.registry.access import Origin
from scan_core.registry.addresses import IpAddress, Reach, reach
from scan_core.registry.refusals import RefusalKind, RegistryRefused

_CONNECT_SECONDS: Final = 5.0
"""For one address; a host with a dead IPv6 address still has its others."""
_MOST_ADDRESSES: Final = 8

type Lookup = Callable[[str, int], Sequence[IpAddress]]
type Dial = Callable[[IpAddress, int, float], socket.socket]


class Deadline:
    """When everything that is done for one call has to be over."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ends = clock() + seconds

    def remaining(self) -> float:
        """Say how much time is left.

        Returns:
            Seconds, more than 0.

        Raises:
            TimeoutError: None is left.
        """
        left = self._ends - self._clock()
        if left <= 0:
            raise TimeoutError(f"{self._seconds:g} s are over")
        return left


def look_up(host: str, port: int) -> Sequence[IpAddress]:
    """Resolve a host.

    Args:
        host: A name or an IPv4 address.
        port: The port to connect to.

    Returns:
        Its addresses, in the order in which to try them.

    Raises:
        OSError: There is no such host, or no answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def dial(address: IpAddress, port: int, seconds: float) -> socket.socket:
    """Connect to an address.

    Args:
        address: Where.
        port: The port.
        seconds: How long it may take.

    Returns:
        The open socket.

    Raises:
        OSError: It could not be opened.
    """
    return socket.create_connection((str(address), port), timeout=seconds)


@dataclass(frozen=True, slots=True)
class Network:
    """The way out.

    Attributes:
        look_up: Resolves a host.
        dial: Connects to an address.
        tls: Whom to trust.
    """

    look_up: Lookup = look_up
    dial: Dial = dial
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def connect(self, origin: Origin, allowed: Collection[Reach], deadline: Deadline) -> "TimedSocket":
        """Connect to a host, if all its addresses are allowed.

        Args:
            origin: Where; with ``https``, the certificate has to be the host's.
            allowed: How far the addresses may reach.
            deadline: When it has to be done, and everything that is read and written later.

        Returns:
            The connection.

        Raises:
            RegistryRefused: An address is not allowed.
            OSError: There is no connection.
        """
        addresses = self._resolve(origin, deadline)
        for one in addresses:
            if reach(one) not in allowed:
                raise _forbidden(origin, reach(one), allowed)
        plain = self._first(addresses, origin.port, deadline)
        if origin.scheme == "http":
            return TimedSocket(plain, deadline)
        try:
            plain.settimeout(deadline.remaining())
            return TimedSocket(self.tls.wrap_socket(plain, server_hostname=origin.host), deadline)
        except BaseException:
            plain.close()
            raise

    def _resolve(self, origin: Origin, deadline: Deadline) -> Sequence[IpAddress]:
        """Resolve within the deadline, which the system's own resolver does not know: a thread waits for it."""
        outcome: list[Sequence[IpAddress] | OSError] = []

        def ask() -> None:
            try:
                outcome.append(self.look_up(origin.host, origin.port))
            except OSError as error:
                outcome.append(error)
            except ValueError:
                outcome.append(OSError("a name that cannot be resolved"))

        asking = threading.Thread(target=ask, name="registry-name", daemon=True)
        asking.start()
        asking.join(deadline.remaining())
        found = outcome[0] if outcome else TimeoutError("the name was not resolved in time")
        if isinstance(found, OSError):
            raise found
        return tuple(dict.fromkeys(found))[:_MOST_ADDRESSES]

    def _first(self, addresses: Sequence[IpAddress], port: int, deadline: Deadline) -> socket.socket:
        """Connect to the first address that answers."""
        problem = OSError("the name has no address")
        for address in addresses:
            try:
                return self.dial(address, port, min(_CONNECT_SECONDS, deadline.remaining()))
            except OSError as error:
                problem = error
        raise problem


class TimedSocket:
    """A socket whose every read and write ends with the deadline, as far as `http.client` needs a socket."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send everything.

        Args:
            data: What to send.

        Raises:
            OSError: It could not be sent in time.
        """
        self._socket.settimeout(self._deadline.remaining())
        self._socket.sendall(data)

    def makefile(self, _mode: Literal["rb"]) -> io.BufferedReader:
        """Open for reading, as `http.client` does.

        Args:
            _mode: Bytes, to be read.

        Returns:
            The stream.
        """
        return io.BufferedReader(_TimedReader(self._socket, self._deadline))

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()


class _TimedReader(io.RawIOBase):
    """Gives each read only the time that is left: a server that drips byte by byte gains none."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        self._socket.settimeout(self._deadline.remaining())
        return self._socket.recv_into(buffer)


def _forbidden(origin: Origin, found: Reach, allowed: Collection[Reach]) -> RegistryRefused:
    if found is Reach.NEVER or Reach.PRIVATE in allowed:
        advice = "no registry may be there: check the name's DNS record"
    else:
        advice = "list the registry as private if that is meant, else check the name's DNS record"
    place = {Reach.NEVER: "a link-local or reserved", Reach.LOOPBACK: "a loopback", Reach.PRIVATE: "a private"}
    where = place.get(found, "a public")
    return RegistryRefused(
        RefusalKind.PRIVATE_ADDRESS, f"{origin.authority} leads to {where} address, and was not asked; {advice}."
    )
