# SPDX-License-Identifier: Apache-2.0
"""TLS to an address that only a name opens: with another server name, with none, and with one that somebody else would read otherwise."""

import socket as _socket
import struct as _struct
import time as _time

import client_hello as _tls
import dns_packets as _dns

import ways_dns as _ways_dns
import ways_inet as _inet
import ways_process as _process

_MSG_FASTOPEN, _MSG_OOB, _MSG_ZEROCOPY, _SO_ZEROCOPY, _TCP_ULP = 0x20000000, 1, 0x4000000, 60, 31


def _open_name(to, resolver, suffix="ok.test"):
    """The name that opens the address, once it was asked for."""
    name = _ways_dns._name("plain", to, "x", suffix)
    with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as asker:
        asker.settimeout(_inet._PATIENCE)
        asker.sendto(_dns.query(7, name), (resolver, 53))
        asker.recv(512)
    return name


def _two_names(first, second):
    entries = b"".join(b"\0" + _struct.pack("!H", len(name)) + name.encode() for name in (first, second))
    return _struct.pack("!HHH", 0, len(entries) + 2, len(entries)) + entries


def _with(message, extension):
    """The ClientHello with one more extension."""
    body = message[4:]
    start = 2 + 32 + 33 + 12 + 2
    body = body[:start] + _struct.pack("!H", len(body) - start - 2 + len(extension)) + body[start + 2:] + extension
    return b"\x01" + len(body).to_bytes(3, "big") + body


def _first_bytes(what, good, marker):
    """What a connection begins with, in whole TLS records. The marker is in a name, or in what follows."""
    evil = f"{marker}.evil.test"
    behind = b"\x17\x03\x03" + _struct.pack("!H", len(marker)) + marker.encode()
    made = {
        "the name": lambda: _tls.hello(good),
        "another name": lambda: _tls.hello(evil),
        "a name that rules allow, of another address": lambda: _tls.hello(f"{marker}.ok.test"),
        "another name in capitals, with a dot": lambda: _tls.hello(evil.upper() + "."),
        "the name, a zero, another name": lambda: _tls.hello(f"{good}\0.{evil}"),
        "another name, a zero, the name": lambda: _tls.hello(f"{evil}\0.{good}"),
        "the name below another": lambda: _tls.hello(f"{good}.{evil}"),
        "a name of 255 characters": lambda: _tls.hello((f"{marker}." + "x." * 127)[:255 - len(good)] + good),
        "an address for a name": lambda: _tls.hello("10.78.1.1"),
        "no name": lambda: _tls.hello(None),
        "an empty name": lambda: _tls.hello(""),
        "two names in a list": lambda: _tls.records(_with(_tls.handshake(), _two_names(good, evil))),
        "two lists of names": lambda: _tls.records(_with(_tls.handshake(good), _tls.server_name(evil))),
        "another name behind 12,000 bytes": lambda: _tls.hello(evil, padding=12000),
        "another name behind 60,000 bytes": lambda: _tls.hello(evil, padding=60000),
        "another name in records of 20 bytes": lambda: _tls.records(_tls.handshake(evil), 20),
        "another name in an encrypted ClientHello's outer one": lambda: _tls.hello(evil, ech=True),
        "a ClientHello of SSL 2": lambda: b"\x80\x2e\x01\x03\x01" + bytes(41),
        "an alert first": lambda: b"\x15\x03\x01\x00\x02\x01\x00" + _tls.hello(evil),
        "plain HTTP": lambda: f"GET /{marker} HTTP/1.1\r\nHost: {good}\r\n\r\n".encode(),
        "bytes": lambda: marker.encode(),
    }
    return made[what]() + behind


def _say(end, data, how):
    if how in ("sendfile", "splice", "vmsplice", "tee"):
        _inet._through_pipe(end, data, how)
    elif how == "pieces":
        end.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        for byte in data[:-40]:
            end.send(bytes([byte]))
        end.sendall(data[-40:])
    elif how == "halves":
        end.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        middle = data.index(b".evil") - 3 if b".evil" in data else len(data) // 2
        end.send(data[:middle])
        _time.sleep(0.02)
        end.sendall(data[middle:])
    elif how == "more":
        end.send(data[:7], _socket.MSG_MORE)
        end.sendall(data[7:])
    elif how == "out of band":
        middle = data.index(b".ok.test") if b".ok.test" in data else len(data) // 2
        end.send(data[:middle])
        end.send(data[middle:middle + 1], _MSG_OOB)
        end.sendall(data[middle + 1:])
    elif how == "zero copy":
        end.setsockopt(_socket.SOL_SOCKET, _SO_ZEROCOPY, 1)
        end.send(data, _MSG_ZEROCOPY)
    else:
        end.sendall(data)
    _time.sleep(0.05)


def tls(to, port, marker, resolver, what, how="send", is_control=False):
    """A connection to an address that a name opens, and what it begins with."""
    good = _open_name(to, resolver)
    data = _first_bytes("the name" if is_control else what, good, marker)
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_inet._PATIENCE * 2)
        if how == "fast open":
            end.settimeout(None)
            end.sendto(data, _MSG_FASTOPEN, (to, port))
            _time.sleep(0.05)
            return
        end.connect((to, port))
        _say(end, data, how)


def tls_by_ring(to, port, marker, resolver, what, program, how, operation, is_control=False):
    good = _open_name(to, resolver)
    data = _first_bytes("the name" if is_control else what, good, marker)
    return _process.ring(to, port, f"hex:{data.hex()}", program, how, operation)


def tls_again(to, port, marker, resolver, is_control=False):
    """The name on a socket's first connection, another one on its second."""
    good = _open_name(to, resolver)
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_inet._PATIENCE)
        end.connect((to, port))
        end.sendall(_tls.hello(good))
        _time.sleep(0.02)
        _inet._disconnect(end)
        end.connect((to, port))
        _say(end, _first_bytes("the name" if is_control else "another name", good, marker), "send")


def tls_by_kernel(to, port, marker, resolver, is_control=False):
    """Records that the kernel encrypts (kTLS), with a key of one's own and without a ClientHello."""
    good = _open_name(to, resolver)
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_inet._PATIENCE)
        end.connect((to, port))
        end.setsockopt(_socket.SOL_TCP, _TCP_ULP, b"tls")
        _say(end, _first_bytes("bytes" if not is_control else "the name", good, marker), "send")


def quic(to, marker, resolver, port=443, is_control=False):
    """A QUIC Initial to an address that a name opens for TCP; what is in it counts for nothing."""
    _open_name(to, resolver)
    head = b"\xc3\x00\x00\x00\x01\x08" + bytes(8) + b"\x00\x00" + b"\x44\x9e"
    with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
        end.sendto(head + marker.encode().ljust(1182, b"\0"), (to, port))


def second_hello(to, port, marker, resolver, behind="", is_control=False):
    """The allowed name, and then another one, as in the second ClientHello that a server may ask for (HelloRetryRequest)."""
    good = _open_name(to, resolver)
    early = b"\0\x2a\0\0"
    between = {"": b"", "record": b"", "change": b"\x14\x03\x03\0\1\1", "early": (b"\x17\x03\x03\0\x40" + bytes(64)) * 3 + b"\x14\x03\x03\0\1\1"}[behind]
    second = _first_bytes("the name" if is_control else "another name", good, marker)
    first = _tls.records(_with(_tls.handshake(good), early) if behind == "early" else _tls.handshake(good))
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_inet._PATIENCE)
        end.connect((to, port))
        if behind == "record":  # both in one record
            _say(end, _tls.records(_tls.handshake(good) + _tls.handshake(f"{marker}.evil.test")), "send")
            return
        end.sendall(first)
        _time.sleep(0.02)
        end.sendall(between)
        _say(end, second, "send")


def renegotiation(to, port, marker, resolver, is_control=False):
    """What comes once keys are in use: a record of application data that carries another name, as if encrypted."""
    good = _open_name(to, resolver)
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_inet._PATIENCE)
        end.connect((to, port))
        end.sendall(_tls.hello(good))
        _time.sleep(0.02)
        inner = f"GET / HTTP/1.1\r\nHost: {marker}.evil.test\r\n\r\n".encode()
        _say(end, b"\x17\x03\x03" + _struct.pack("!H", len(inner)) + inner, "send")


def http(to, port, marker, resolver, host, is_control=False):
    """Requests in the clear, where the rule of the name is content with its address."""
    good = _open_name(to, resolver, "plain.test")
    hosts = [good, "evil.test"] if host.startswith("first") else ["evil.test"]
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_inet._PATIENCE)
        end.connect((to, port))
        for each in hosts:
            path = marker if each == "evil.test" else "first"
            end.sendall(f"GET /{path} HTTP/1.1\r\nHost: {each}\r\n\r\n".encode())
            _time.sleep(0.02)
