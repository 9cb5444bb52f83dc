# SPDX-License-Identifier: Apache-2.0
"""TCP and UDP servers, each a process of its own, so that what they do is told apart from what clients do."""

import select
import socket

import children
from clients import family


def listen(address, port=0, backlog=128, fast_open=False, dual=False):
    listener = socket.socket(family(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
    if fast_open:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


class Server:
    """A server process. `pid` and `port` say where it is."""

    def __init__(self, serve, *arguments, namespace=None, **options):
        self.child = children.Child(serve, *arguments, namespace=namespace, **options)
        self.pid = self.child.pid
        self.port = self.child.receive()


class Echo(Server):
    """Sends back what it gets; closes when the client has closed its side. Many connections at a time."""

    def __init__(self, address="127.0.0.1", port=0, namespace=None, **listening):
        super().__init__(_serve, _echo, address, port, listening, namespace=namespace)


class Sink(Server):
    """Reads what it gets until the client has closed its side, sends `reply`, closes."""

    def __init__(self, address="127.0.0.1", port=0, reply=b"", namespace=None, **listening):
        self.reply = reply
        super().__init__(_serve, self._sink, address, port, listening, namespace=namespace)

    def _sink(self, connection):
        try:
            if connection.recv(65536):
                return True
            connection.sendall(self.reply)
        except OSError:
            pass
        return False


class Http(Server):
    """Answers each request with `hello` and closes, as HTTP/1.0 does."""

    def __init__(self, address="127.0.0.1", port=0, namespace=None, **listening):
        super().__init__(_serve, _answer, address, port, listening, namespace=namespace)


def _echo(connection):
    try:
        data = connection.recv(65536)
        connection.sendall(data)
        return bool(data)
    except OSError:
        return False


def _answer(connection):
    try:
        if connection.recv(65536):
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    except OSError:
        pass
    return False


def _serve(parent, handle, address, port, listening):
    """`handle` is called whenever a connection can be read; it answers whether the connection goes on."""
    listener = listen(address, port, **listening)
    parent.send(listener.getsockname()[1])
    connections = []
    while True:
        for ready in select.select([listener, *connections], [], [])[0]:
            if ready is listener:
                connections.append(listener.accept()[0])
            elif not handle(ready):
                connections.remove(ready)
                ready.close()


class UdpEcho(Server):
    """Sends each datagram back, `repeat` times. `stop()` closes the socket."""

    def __init__(self, address="127.0.0.1", port=0, repeat=1, namespace=None):
        super().__init__(_serve_udp, address, port, repeat, namespace=namespace)

    def stop(self):
        self.child.send()
        self.child.result()


def _serve_udp(parent, address, port, repeat):
    server = socket.socket(family(address), socket.SOCK_DGRAM)
    server.bind((address, port))
    parent.send(server.getsockname()[1])
    while True:
        ready = select.select([server, parent.end], [], [])[0]
        if parent.end in ready:
            server.close()
            return
        data, peer = server.recvfrom(65536)
        for _ in range(repeat):
            server.sendto(data, peer)
