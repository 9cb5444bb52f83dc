# SPDX-License-Identifier: Apache-2.0
"""What client processes do; each function runs in a Child."""

import socket


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def cookie(client):
    """The socket's cookie, as the kernel tells its owner."""
    so_cookie = 57
    return int.from_bytes(client.getsockopt(socket.SOL_SOCKET, so_cookie, 8), "little")


def exchange(parent, address, port, payload=b"", reply=0):
    """Connects, sends, reads `reply` bytes, ends the connection in an orderly way. Hands back the source port."""
    with socket.socket(family(address), socket.SOCK_STREAM) as client:
        client.connect((address, port))
        source = client.getsockname()[1]
        finish(client, payload, reply)
    return source


def finish(client, payload=b"", reply=0):
    client.sendall(payload)
    while reply > 0:
        got = client.recv(min(reply, 65536))
        if not got:
            raise EOFError("the server closed early")
        reply -= len(got)
    client.shutdown(socket.SHUT_WR)
    while client.recv(65536):
        pass


def held(parent, address, port, payload=b"", reply=0):
    """As `exchange`, but says the source port once connected and waits for the test's word before it ends."""
    with socket.socket(family(address), socket.SOCK_STREAM) as client:
        client.connect((address, port))
        parent.send(client.getsockname()[1])
        parent.receive()
        finish(client, payload, reply)


def attempt(parent, address, port):
    """Connects and says what came of it: source port, errno."""
    with socket.socket(family(address), socket.SOCK_STREAM) as client:
        client.bind(("::" if client.family == socket.AF_INET6 else "0.0.0.0", 0))
        source = client.getsockname()[1]
        return [source, client.connect_ex((address, port))]


def datagrams(parent, address, port, payloads, replies=0):
    """Sends datagrams from one socket to one destination, reads replies, closes. Hands back the source port."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
        for payload in payloads:
            client.sendto(payload, (address, port))
        source = client.getsockname()[1]
        for _ in range(replies):
            client.recv(65536)
        return source
