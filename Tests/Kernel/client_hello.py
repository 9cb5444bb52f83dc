# SPDX-License-Identifier: Apache-2.0
"""ClientHello messages built byte by byte (RFC 8446 4.1.2), and ways to send one in pieces."""

import socket
import struct
import time

from clients import family

SERVER_NAME, ALPN, SUPPORTED_VERSIONS, PADDING, ENCRYPTED_CLIENT_HELLO = 0, 16, 43, 21, 0xFE0D


def _extension(number, data):
    return struct.pack("!HH", number, len(data)) + data


def server_name(name):
    encoded = name.encode()
    entry = struct.pack("!BH", 0, len(encoded)) + encoded
    return _extension(SERVER_NAME, struct.pack("!H", len(entry)) + entry)


def alpn(*protocols):
    entries = b"".join(struct.pack("!B", len(name)) + name.encode() for name in protocols)
    return _extension(ALPN, struct.pack("!H", len(entries)) + entries)


def handshake(name=None, padding=0, ech=False, protocols=()):
    """The handshake message; the padding comes before the name, so that the name is far inside."""
    extensions = _extension(SUPPORTED_VERSIONS, b"\x02\x03\x04")
    if padding:
        extensions += _extension(PADDING, bytes(padding))
    if ech:
        outer = b"\x00\x00\x01\x00\x01\x07\x00\x20" + bytes(32) + b"\x00\x40" + bytes(64)
        extensions += _extension(ENCRYPTED_CLIENT_HELLO, outer)
    if name is not None:
        extensions += server_name(name)
    if protocols:
        extensions += alpn(*protocols)
    ciphers = bytes.fromhex("130113021303c02bc02f")
    body = b"\x03\x03" + bytes(range(32)) + b"\x20" + bytes(range(32))
    body += struct.pack("!H", len(ciphers)) + ciphers + b"\x01\x00"
    body += struct.pack("!H", len(extensions)) + extensions
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(message, size=16384):
    """The message in TLS records of at most `size` bytes."""
    chunks = [message[start:start + size] for start in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + struct.pack("!H", len(chunk)) + chunk for chunk in chunks)


def hello(name=None, **options):
    return records(handshake(name, **options))


def send_in_pieces(parent, address, port, data, size, pause=0.0):
    """Connects and sends `data` in segments of `size` bytes, each of its own. Hands back the source port."""
    with socket.socket(family(address), socket.SOCK_STREAM) as client:
        client.connect((address, port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        source = client.getsockname()[1]
        for start in range(0, len(data), size):
            client.sendall(data[start:start + size])
            if pause:
                time.sleep(pause)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    return source
