"""A TCP proxy in front of a store that can be told to misbehave."""

import re
import socket
import struct
import threading
import time
from contextlib import suppress
from enum import StrEnum

CHUNK = 65536
WRITE = re.compile(rb"^(?:POST|PUT|PATCH|DELETE) (?!\S*/search)|\bINSERT INTO\b|\bUPDATE \w+ SET\b")
"""What in the bytes that a client sends is a write: of MLflow's REST interface, or of SQL."""
ANSWER = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nchaos"


class Mode(StrEnum):
    """What the proxy does with a connection, from the next bytes on."""

    PASS = "pass"
    ERROR = "error"
    """Answers 500 to every request; HTTP alone."""
    RESET = "reset"
    """Resets what is connected, and whoever connects as soon as they ask for something."""
    STALL = "stall"
    """Accepts and never answers. What was asked meanwhile gets through when the stall is over, also when nobody waits for it."""
    SLOW = "slow"
    """A few hundred bytes at a time."""
    DROP = "drop"
    """Passes requests on, so that they are done, and resets in the middle of the answer."""
    REFUSE = "refuse"
    """Nobody listens."""


class Proxy:
    """Listens on a port of its own. `mode` may be set at any time, from any thread."""

    def __init__(self, target: int):
        self.target = target
        self.writes = 0
        """How many writes clients have asked for so far."""
        self._mode, self._changed = Mode.PASS, threading.Condition()
        self._connections: set[_Connection] = set()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        with self._changed:
            before, self._mode = self._mode, mode
            if mode is Mode.REFUSE and before is not Mode.REFUSE:
                _close(self._listener)
            elif before is Mode.REFUSE and mode is not Mode.REFUSE:
                self._listener = self._listen(self.port)
            cut = list(self._connections) if mode in (Mode.REFUSE, Mode.RESET) else []
            self._changed.notify_all()
        for connection in cut:
            connection.reset()

    def close(self) -> None:
        self._closed = True
        self.mode = Mode.REFUSE

    def wait_while(self, mode: Mode) -> None:
        """Wait as long as the mode is this one."""
        with self._changed:
            self._changed.wait_for(lambda: self._mode is not mode)

    def count(self, asked: bytes) -> None:
        if WRITE.search(asked):
            with self._changed:
                self.writes += 1

    def left(self, connection: "_Connection") -> None:
        with self._changed:
            self._connections.discard(connection)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        listener.settimeout(0.2)
        return listener

    def _serve(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # closed: nobody listens for now
                time.sleep(0.02)
                continue
            client.settimeout(None)
            try:
                connection = _Connection(self, client)
            except OSError:  # the store itself is gone
                _reset(client)
                continue
            with self._changed:
                self._connections.add(connection)
            connection.start()


class _Connection:
    """A client, the store, and two threads that carry bytes between them."""

    def __init__(self, proxy: Proxy, client: socket.socket):
        self.proxy, self.client = proxy, client
        self.store = socket.create_connection(("127.0.0.1", proxy.target), timeout=30)
        self.store.settimeout(None)

    def start(self) -> None:
        for carry in (self._requests, self._answers):
            threading.Thread(target=carry, daemon=True).start()

    def reset(self) -> None:
        _reset(self.client)
        _close(self.store)
        self.proxy.left(self)

    def _requests(self) -> None:
        """Carry what is asked to the store, until the client has asked all."""
        try:
            while asked := self.client.recv(CHUNK):
                self.proxy.count(asked)
                self.proxy.wait_while(Mode.STALL)
                match self.proxy.mode:
                    case Mode.RESET | Mode.REFUSE:
                        return self.reset()
                    case Mode.ERROR:
                        return self._refuse()
                    case Mode.SLOW:
                        _slowly(self.store, asked)
                    case _:
                        self.store.sendall(asked)
            self.store.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset()

    def _answers(self) -> None:
        """Carry what the store answers to the client, until one of them has gone."""
        try:
            while told := self.store.recv(CHUNK):
                self.proxy.wait_while(Mode.STALL)
                match self.proxy.mode:
                    case Mode.DROP:
                        self.client.sendall(told[:12])
                        return self.reset()
                    case Mode.RESET | Mode.REFUSE:
                        return self.reset()
                    case Mode.SLOW:
                        _slowly(self.client, told)
                    case _:
                        self.client.sendall(told)
        except OSError:
            return self.reset()
        _close(self.client)
        _close(self.store)
        return self.proxy.left(self)

    def _refuse(self) -> None:
        """Answer 500, and take in the rest of the request, lest the answer be lost with it."""
        self.client.sendall(ANSWER)
        self.client.shutdown(socket.SHUT_WR)
        self.client.settimeout(2)
        while self.client.recv(CHUNK):
            pass
        self.reset()


def _slowly(to: socket.socket, content: bytes) -> None:
    for start in range(0, len(content), 400):
        to.sendall(content[start : start + 400])
        time.sleep(0.05)


def _reset(connection: socket.socket) -> None:
    """Close so that the other side sees a reset, not an end: with nothing said, and once no thread of ours reads any more."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
    with suppress(OSError):
        connection.close()


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        connection.close()
