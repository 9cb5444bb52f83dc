# SPDX-License-Identifier: Apache-2.0
"""DNS: data in what is asked, and answers that say what they should not."""

import ctypes as _ctypes
import mmap as _mmap
import os as _os
import socket as _socket
import struct as _struct
import threading as _threading
import time as _time

import dns_packets as _dns

import ways_inet as _inet
import ways_process as _process

_SUFFIX = {False: "evil.test", True: "ok.test"}
_OPT = _struct.pack("!BHHIH", 0, _dns.OPT, 4096, 0, 0)


def _message(name, flags=0x100, counts=(1, 0, 0, 0), kind=1, group=1, more=b""):
    return _struct.pack("!6H", 7, flags, *counts) + _dns.encode_name(name) + _struct.pack("!2H", kind, group) + more


def _query(what, marker, suffix):
    """One query that carries the marker somewhere."""
    plain = "www.ok.test"
    data = marker.encode()
    option = _struct.pack("!2H", 12, len(data)) + data
    return {
        "name": lambda: _message(f"{marker}.{suffix}"),
        "name in capitals": lambda: _message(f"{marker}.EVIL.TEST"),
        "name with a zero": lambda: _message(plain).replace(b"\3www\2ok", bytes([len(data) + 5]) + data + b"\0evil" + b"\2ok"),
        "name with a dot in a label": lambda: _message(plain).replace(b"\3www\2ok", bytes([len(data) + 5]) + data + b".evil" + b"\2ok"),
        "bytes": lambda: data,
        "behind the question": lambda: _message(plain, more=data),
        "a second question": lambda: _message(plain, counts=(2, 0, 0, 0), more=_dns.encode_name(f"{marker}.evil.test") + b"\0\1\0\1"),
        "an answer in the query": lambda: _message(plain, counts=(1, 1, 0, 0), more=b"\xc0\x0c\0\x10\0\1" + _struct.pack("!IH", 0, len(data) + 1)
                                                   + bytes([len(data)]) + data),
        "an EDNS option": lambda: _message(plain, counts=(1, 0, 0, 1), more=_OPT[:-2] + _struct.pack("!H", len(option)) + option),
        "behind OPT": lambda: _message(plain, counts=(1, 0, 0, 1), more=_OPT + data),
        "TXT": lambda: _message(f"{marker}.{suffix}", kind=16),
        "of the root": lambda: _message("", more=data),
        "an update": lambda: _message(f"{marker}.ok.test", flags=0x2800),
        "as an answer": lambda: _message(f"{marker}.ok.test", flags=0x8180),
        "another class": lambda: _message(f"{marker}.ok.test", group=3),
        "a pointer": lambda: _struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\xc0\x12\0\1\0\1" + data,
    }[what]()


def dns_query(to, port, marker, resolver, what, by="sendto", is_control=False, ring=()):
    """Asks the trusted resolver something. `by`: sendto, connected, tcp, cork, segment, open, mmsg; or io_uring, by a program and its words."""
    message = _query(what, marker, _SUFFIX[is_control])
    place = (resolver, 53)
    if ring:
        program, how, operation = ring
        framed = _struct.pack("!H", len(message)) + message if operation == "tcp" else message
        return _process.ring(resolver, 53, f"hex:{framed.hex()}", program, how, operation)
    if by in ("tcp", "open", "pieces"):
        _by_tcp(place, message, by)
        return
    with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
        if by == "sendto":
            end.sendto(message, place)
            return
        end.connect(place)
        if by == "connected":
            end.send(message)
        elif by == "more":
            end.send(message[:9], _socket.MSG_MORE)
            end.send(message[9:])
        elif by == "mmsg":
            _inet._sendmmsg(end, [(_message("www.ok.test"), None), (message, None)])
        elif by == "segment":
            first = _message("www.ok.test", more=b"")
            first += bytes(max(0, len(message) - len(first)))
            end.setsockopt(_socket.IPPROTO_UDP, 103, len(first))
            end.send(first + message)


def _by_tcp(place, message, by):
    framed = _struct.pack("!H", len(message)) + message
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        if by == "open":
            end.setblocking(False)
            try:
                end.sendto(framed, 0x20000000, place)
            except BlockingIOError:
                pass
            _time.sleep(0.05)
            return
        end.settimeout(_inet._PATIENCE)
        end.connect(place)
        end.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if by == "pieces":  # none of which is a question by itself
            end.send(framed[:14])
            end.send(framed[14:])
        else:
            end.sendall(framed)
        _time.sleep(0.05)


def dns_elsewhere(to, port, marker, over):
    """A plain question for a name that may be asked, to a server that is none of the resolvers."""
    message = _message(f"{marker}.ok.test")
    if over == "tcp":
        _by_tcp((to, 53), message, "tcp")
    else:
        with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
            if over == "connected":
                end.connect((to, 53))
                end.send(message)
            else:
                end.sendto(message, (to, 53))


def dns_changed(to, port, marker, resolver, is_tcp=False):
    """A question that is changed after it was judged: its memory is mapped, and spliced into the socket."""
    good = _message("a" * len(marker) + ".ok.test")
    evil = _message(marker + ".ok.test").replace(b"\2ok", b"\2ev")
    file = _os.memfd_create("query")
    _os.ftruncate(file, 4096)
    memory = _mmap.mmap(file, 4096)
    memory[:len(good)] = good
    stop = _time.monotonic() + 2 * _inet._PATIENCE

    def flip():
        while _time.monotonic() < stop:
            for _ in range(50):
                memory[:len(good)] = evil
                memory[:len(good)] = good

    thread = _threading.Thread(target=flip)
    thread.start()
    first = None
    while _time.monotonic() < stop:
        with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM if is_tcp else _socket.SOCK_DGRAM) as end:
            end.settimeout(_inet._PATIENCE / 2)
            try:
                end.connect((resolver, 53))
                for _ in range(50):
                    if is_tcp:
                        end.send(_struct.pack("!H", len(good)), _socket.MSG_MORE)
                    _os.sendfile(end.fileno(), file, 0, len(good))
                    if is_tcp:
                        end.recv(512)
            except OSError as error:
                first = first or error
    memory[:len(good)] = evil
    thread.join()
    if first:
        raise first


def _name(how, address, marker, suffix):
    return f"{how}-{address.replace('.', '-')}-{marker}.{suffix}"


def _read(end, count):
    """Answers, until there are enough or none comes; how many bytes in all."""
    end.settimeout(_inet._PATIENCE / 2)
    size = 0
    try:
        for _ in range(count):
            size += len(end.recv(8192))
    except TimeoutError:
        pass
    return size


def by_answer(to, port, marker, resolver, how, over="udp", special="", is_control=False):
    """Has the resolver say that a name which may be used leads to `to`, in a way that must not count; then goes there."""
    name = _name("plain" if is_control else how, special or to, "x", "ok.test")
    message = _message(name)
    if over == "tcp":
        with _socket.create_connection((resolver, 53), _inet._PATIENCE) as end:
            end.sendall(_struct.pack("!H", len(message)) + message)
            size = _read(end, 1)
    else:
        with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
            if over == "connected":
                end.connect((resolver, 53))
                end.send(message)
            else:
                end.sendto(message, (resolver, 53))
            size = _read(end, 2 if how in ("twice", "unasked") else 1)
    if not size:
        return "no answer came"
    _inet.tcp(special or to, port, marker, nonblocking=True)


def by_another_socket(to, port, marker, resolver, is_control=False):
    """The answer comes to a socket that did not ask: one asks, turns the port over, another takes what comes."""
    message = _message(_name("plain", to, "x", "ok.test"))
    first = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    first.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
    first.bind(("", 0))
    second = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    second.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
    if not is_control:
        second.bind(first.getsockname())
        second.connect((resolver, 53))  # the better match for what comes from there
    first.sendto(message, (resolver, 53))
    _read(first if is_control else second, 1)
    _inet.tcp(to, port, marker, nonblocking=True)


def by_forged(to, port, marker, resolver, source):
    """The scope answers itself, from a port or an address of its own."""
    asker = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    asker.bind(("0.0.0.0", 0))
    name = _name("silent", "0.0.0.0", "x", "ok.test")
    asker.sendto(_message(name), (resolver, 53))
    forger = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        if source == "transparent":
            forger.setsockopt(_socket.SOL_IP, 19, 1)
            forger.bind((resolver, 53))
        elif source == "port 53":
            forger.bind(("127.0.0.1", 53))
        elif source == "port range":
            forger.setsockopt(_socket.SOL_IP, 51, 53 << 16 | 53)  # IP_LOCAL_PORT_RANGE
        forger.sendto(_dns.answer(7, name, 1, [(name, 1, 60, to)]), ("127.0.0.1", asker.getsockname()[1]))
        _time.sleep(0.02)
    except OSError:
        pass  # what counts is whether the way is open now
    _inet.tcp(to, port, marker, nonblocking=True)


def by_own_network(to, port, marker, resolver):
    """A network namespace of its own, where the resolver's address is its own; then a socket that was kept."""
    def run():
        kept = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        _process._unshare(_process._NEWUSER | _process._NEWNET)
        import subprocess
        subprocess.run(["ip", "link", "set", "lo", "up"], capture_output=True)
        subprocess.run(["ip", "address", "add", resolver + "/32", "dev", "lo"], capture_output=True)
        try:
            server = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
            server.bind((resolver, 53))
            asker = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
            name = "plain.ok.test"
            asker.sendto(_message(name), (resolver, 53))
            server.settimeout(0.1)
            peer = server.recvfrom(512)[1]
            server.sendto(_dns.answer(7, name, 1, [(name, 1, 60, to)]), peer)
            _read(asker, 1)
        except OSError:
            pass
        kept.setblocking(False)
        _inet._begin(kept, (to, port))
        _inet._finish(kept, marker)
    _process._in_fork(run)


def resolve_and_connect(to, port, marker, resolver, count, base, is_control=False):
    """Many times: a name, its answer, a connection at once; and one to an address that no answer had."""
    wrongly_refused, wrongly_allowed, failed = 0, 0, 0
    end = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    end.settimeout(_inet._PATIENCE * 25)
    for number in range(count):
        address = f"10.78.{base + (number >> 8)}.{number & 255}"
        end.sendto(_message(_name("plain", address, "x", "ok.test")), (resolver, 53))
        end.recv(512)
        for where, is_allowed in ((address, True), (f"10.78.255.{number & 255}", False)):
            with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as stream:
                stream.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _struct.pack("ii", 1, 0))
                stream.setblocking(False)
                is_refused = stream.connect_ex((where, 9)) == 1
            wrongly_refused += is_refused and is_allowed
            wrongly_allowed += not is_refused and not is_allowed
    return f"{count} names: {wrongly_refused} wrongly refused, {wrongly_allowed} wrongly let through"
