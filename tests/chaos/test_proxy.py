"""The proxy does what its modes say, seen from a client of a server of ours."""

import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .proxy import Mode, Proxy

ANSWER = b"x" * 5000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.done.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.done = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(server) -> Iterator[Proxy]:
    proxy = Proxy(server.server_address[1])
    yield proxy
    proxy.close()


def _post(connection: HTTPConnection, path: str = "/runs/create") -> tuple[int, bytes]:
    connection.request("POST", path, body=b"{}")
    answer = connection.getresponse()
    return answer.status, answer.read()


def _client(proxy: Proxy, timeout: float = 30) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)


def test_passes_and_counts_writes(proxy):
    client = _client(proxy)
    assert _post(client) == (200, ANSWER)
    assert _post(client, "/runs/search")[0] == 200
    assert proxy.writes == 1


@pytest.mark.parametrize("connected", [False, True])
def test_answers_500(proxy, server, connected):
    client = _client(proxy)
    if connected:
        _post(client)
    proxy.mode = Mode.ERROR
    assert _post(client)[0] == 500
    assert len(server.done) == connected


@pytest.mark.parametrize("connected", [False, True])
def test_resets(proxy, server, connected):
    client = _client(proxy)
    if connected:
        _post(client)
    proxy.mode = Mode.RESET
    with pytest.raises(ConnectionError):  # seen while sending or while waiting for the answer
        _post(client)
    assert len(server.done) == connected


def test_stalls_and_lets_through_later_what_was_asked(proxy, server):
    proxy.mode = Mode.STALL
    client = _client(proxy, timeout=0.5)
    with pytest.raises(TimeoutError):
        _post(client)
    client.close()
    assert server.done == []
    proxy.mode = Mode.PASS
    while not server.done:  # pytest ends what waits for ever
        time.sleep(0.01)
    assert _post(_client(proxy))[0] == 200
    assert server.done == ["/runs/create"] * 2


def test_drops_the_answer_of_what_was_done(proxy, server):
    proxy.mode = Mode.DROP
    with pytest.raises(ConnectionResetError):
        _post(_client(proxy))
    assert server.done == ["/runs/create"]


def test_is_slow_and_whole(proxy):
    proxy.mode = Mode.SLOW
    assert _post(_client(proxy)) == (200, ANSWER)


def test_refuses_and_listens_again(proxy):
    proxy.mode = Mode.REFUSE
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=30)
    proxy.mode = Mode.PASS
    assert _post(_client(proxy))[0] == 200
