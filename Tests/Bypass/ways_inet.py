# SPDX-License-Identifier: Apache-2.0
"""TCP and UDP: every call that connects or sends. `to` is where it wants to, `via` an address that is allowed."""

import ctypes as _ctypes
import errno as _errno
import os as _os
import select as _select
import socket as _socket
import struct as _struct
import subprocess as _subprocess
import threading as _threading
import time as _time

_LIBC = _ctypes.CDLL(None, use_errno=True)
_MSG_FASTOPEN = 0x20000000
_MSG_ZEROCOPY = 0x4000000
_TCP_FASTOPEN_CONNECT = 30
_UDP_SEGMENT = 103
_UDP_CORK = 1
_PATIENCE = 0.4 * float(_os.environ.get("TRUSTRUN_TIME_SCALE", "1"))


def _family(address):
    return _socket.AF_INET6 if ":" in address else _socket.AF_INET


def _place(address, port):
    """The socket address of text, scope included."""
    return _socket.getaddrinfo(address, port, type=_socket.SOCK_DGRAM, flags=_socket.AI_NUMERICHOST)[0][4]


def _mapped(address):
    return "::ffff:" + address


def _disconnect(end):
    if _LIBC.connect(end.fileno(), _struct.pack("=H14x", _socket.AF_UNSPEC), 16):
        raise OSError(_ctypes.get_errno(), "connect(AF_UNSPEC)")


def _finish(end, marker):
    """Sends over a connection that is on its way."""
    if not _select.select([], [end], [], _PATIENCE)[1]:
        raise TimeoutError
    number = end.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    if number:
        raise OSError(number, "connect")
    end.send(marker.encode())


def _begin(end, place):
    number = end.connect_ex(place)
    if number not in (0, _errno.EINPROGRESS):
        raise OSError(number, "connect")


def tcp(to, port, marker, form="{}", nonblocking=False, bound=False, device=False, option=None, kind=0):
    """connect() and send(). `form`: another spelling of the address; `option`: (level, option, number)."""
    to = form.format(to)
    with _socket.socket(_family(to), _socket.SOCK_STREAM, kind) as end:
        if option:
            end.setsockopt(*option)
        if device:
            end.setsockopt(_socket.SOL_SOCKET, _socket.SO_BINDTODEVICE, b"veth0\0")
        if bound:
            end.bind(("", 0))
        if nonblocking:
            end.setblocking(False)
            _begin(end, _place(to, port))
            return _finish(end, marker)
        end.settimeout(_PATIENCE)
        end.connect(_place(to, port))
        end.sendall(marker.encode())


def tcp_embedded(to, port, marker, prefix, tail=""):
    """To an IPv6 address that has the IPv4 one inside."""
    high, low = _struct.unpack("!HH", _socket.inet_aton(to))
    tcp(f"{prefix}{high:x}:{low:x}{tail}", port, marker, nonblocking=True)


def udp_embedded(to, port, marker, prefix, tail=""):
    high, low = _struct.unpack("!HH", _socket.inet_aton(to))
    sendto(f"{prefix}{high:x}:{low:x}{tail}", port, marker)


def tcp_fastopen(to, port, marker, form="{}"):
    """sendto() with MSG_FASTOPEN: no connect() at all."""
    to = form.format(to)
    with _socket.socket(_family(to), _socket.SOCK_STREAM) as end:
        end.setblocking(False)
        end.sendto(marker.encode(), _MSG_FASTOPEN, _place(to, port))
        _select.select([], [end], [], _PATIENCE)


def tcp_fastopen_connect(to, port, marker):
    """TCP_FASTOPEN_CONNECT: connect() sends nothing, the first send() does."""
    with _socket.socket(_family(to), _socket.SOCK_STREAM) as end:
        end.settimeout(_PATIENCE)
        end.setsockopt(_socket.IPPROTO_TCP, _TCP_FASTOPEN_CONNECT, 1)
        end.connect(_place(to, port))
        end.send(marker.encode())


def tcp_fastopen_again(to, via, port, marker):
    """connect() put off by TCP_FASTOPEN_CONNECT to where it may, MSG_FASTOPEN to where it may not."""
    with _socket.socket(_family(to), _socket.SOCK_STREAM) as end:
        end.setblocking(False)
        end.setsockopt(_socket.IPPROTO_TCP, _TCP_FASTOPEN_CONNECT, 1)
        for _ in range(2):  # with no cookie the first goes out at once; the second is put off
            _begin(end, _place(via, port))
            _select.select([], [end], [], 0.2)
            _disconnect(end)
        _begin(end, _place(via, port))
        try:
            end.sendto(marker.encode(), _MSG_FASTOPEN, _place(to, port))
        except OSError as error:
            if error.errno == _errno.EPERM:
                raise
        _disconnect(end)
        end.sendto(marker.encode(), _MSG_FASTOPEN, _place(to, port))


def tcp_again(to, via, port, marker):
    """One socket: connect() to where it may, connect(AF_UNSPEC), connect() to where it may not."""
    with _socket.socket(_family(to), _socket.SOCK_STREAM) as end:
        end.setblocking(False)
        _begin(end, _place(via, port))
        _select.select([], [end], [], _PATIENCE)
        _disconnect(end)
        _begin(end, _place(to, port))
        _finish(end, marker)


def tcp_raced(to, via, port, marker):
    """Threads that connect one socket both ways at once. Sends nothing."""
    stop = _time.monotonic() + 0.1

    def turn(end, place):
        for _ in range(20):
            end.connect_ex(place)
            try:
                _disconnect(end)
            except OSError:
                pass

    while _time.monotonic() < stop:
        with _socket.socket(_family(to), _socket.SOCK_STREAM) as end:
            end.setblocking(False)
            threads = [_threading.Thread(target=turn, args=(end, _place(address, port))) for address in (to, via)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


def tcp_simultaneous(to, port, marker):
    """Simultaneous open: both ends connect, and none listens."""
    with _socket.socket(_family(to), _socket.SOCK_STREAM) as end:
        end.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        end.bind(("", port + 1))
        end.setblocking(False)
        _begin(end, _place(to, port + 1))


def sendto(to, port, marker, form="{}", options=(), flags=0):
    to = form.format(to)
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        for option in options:
            end.setsockopt(*option)
        end.sendto(marker.encode(), flags, _place(to, port))


def sendmsg(to, port, marker, level=None, kind=None, value=""):
    """With ancillary data if there is a level; `{via}`-less, `value` in hexadecimal."""
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        extra = [] if level is None else [(level, kind, bytes.fromhex(value))]
        end.sendmsg([marker.encode()], extra, 0, _place(to, port))


class _Vector(_ctypes.Structure):
    _fields_ = [("base", _ctypes.c_char_p), ("length", _ctypes.c_size_t)]


class _Message(_ctypes.Structure):
    _fields_ = [("name", _ctypes.c_char_p), ("name_length", _ctypes.c_uint32), ("vectors", _ctypes.POINTER(_Vector)),
                ("vector_count", _ctypes.c_size_t), ("control", _ctypes.c_void_p), ("control_length", _ctypes.c_size_t),
                ("flags", _ctypes.c_size_t), ("length", _ctypes.c_size_t)]


def _raw_place(address, port, family=None):
    packed = _socket.inet_pton(_family(address), address)
    if _family(address) == _socket.AF_INET:
        return _struct.pack("=H", _socket.AF_INET if family is None else family) + _struct.pack("!H", port) + packed + bytes(8)
    return _struct.pack("=H", _socket.AF_INET6 if family is None else family) + _struct.pack("!HI", port, 0) + packed + bytes(4)


def _sendmmsg(end, messages):
    """Each (payload, socket address or None)."""
    vector = (_Message * len(messages))()
    kept = []
    for entry, (payload, place) in zip(vector, messages):
        part = _Vector(payload, len(payload))
        kept.append(part)
        entry.vectors, entry.vector_count = _ctypes.pointer(part), 1
        if place is not None:
            entry.name, entry.name_length = place, len(place)
    sent = _LIBC.sendmmsg(end.fileno(), vector, len(messages), 0)
    if sent != len(messages):
        raise OSError(_ctypes.get_errno() or _errno.EPERM, "sendmmsg")


def sendmmsg(to, via, port, marker):
    """Two in one call, the first to where it may; then once more by itself, for its error."""
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        try:
            _sendmmsg(end, [(b"via", _raw_place(via, port)), (marker.encode(), _raw_place(to, port))])
        except OSError:
            _sendmmsg(end, [(marker.encode(), _raw_place(to, port))])


def sendto_unspecified(to, port, marker):
    """The family of the address is AF_UNSPEC, which the kernel takes for AF_INET."""
    with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
        place = _raw_place(to, port, _socket.AF_UNSPEC)
        if _LIBC.sendto(end.fileno(), marker.encode(), len(marker), 0, place, len(place)) < 0:
            raise OSError(_ctypes.get_errno(), "sendto")


def sendto_ipv4_of_ipv6(to, port, marker, connects=False):
    """An IPv4 socket address on an IPv6 socket."""
    with _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM) as end:
        place = _raw_place(to, port)
        if connects and _LIBC.connect(end.fileno(), place, len(place)):
            raise OSError(_ctypes.get_errno(), "connect")
        rest = (None, 0) if connects else (place, len(place))
        if _LIBC.sendto(end.fileno(), marker.encode(), len(marker), 0, *rest) < 0:
            raise OSError(_ctypes.get_errno(), "sendto")


def _send(end, marker, how):
    data = marker.encode()
    if how == "send":
        end.send(data)
    elif how == "write":
        _os.write(end.fileno(), data)
    elif how == "writev":
        _os.writev(end.fileno(), [data[:4], data[4:]])
    elif how == "sendmmsg":
        _sendmmsg(end, [(data, None)])
    elif how == "more":
        end.send(data[:4], _socket.MSG_MORE)
        end.send(data[4:])
    elif how == "cork":
        end.setsockopt(_socket.IPPROTO_UDP, _UDP_CORK, 1)
        end.send(data)
        end.setsockopt(_socket.IPPROTO_UDP, _UDP_CORK, 0)
    elif how == "segment":
        end.setsockopt(_socket.IPPROTO_UDP, _UDP_SEGMENT, len(data))
        end.send(data * 3)
    elif how == "segment by cmsg":
        end.sendmsg([data * 3], [(_socket.IPPROTO_UDP, _UDP_SEGMENT, _struct.pack("=H", len(data)))])
    elif how == "class by cmsg":
        is_ipv4 = end.family == _socket.AF_INET
        end.sendmsg([data], [(0, 1, _struct.pack("=i", 2)) if is_ipv4 else (41, 67, _struct.pack("=i", 2))])
    elif how == "zerocopy":
        end.setsockopt(_socket.SOL_SOCKET, 60, 1)
        end.send(data, _MSG_ZEROCOPY)
    else:
        _through_pipe(end, data, how)


def _through_pipe(end, data, how):
    """sendfile(), splice(), vmsplice() and tee()."""
    if how == "sendfile":
        file = _os.memfd_create("payload")
        _os.write(file, data)
        _os.sendfile(end.fileno(), file, 0, len(data))
        return
    read, write = _os.pipe()
    if how == "vmsplice":
        part = _Vector(data, len(data))
        if _LIBC.vmsplice(write, _ctypes.byref(part), 1, 0) < 0:
            raise OSError(_ctypes.get_errno(), "vmsplice")
    else:
        _os.write(write, data)
    if how == "tee":
        other, write = _os.pipe()
        if _LIBC.tee(read, write, len(data), 0) < 0:
            raise OSError(_ctypes.get_errno(), "tee")
        read = other
    if _LIBC.splice(read, None, end.fileno(), None, len(data), 0) < 0:
        raise OSError(_ctypes.get_errno(), "splice")
    _time.sleep(_PATIENCE / 10)  # the packet still refers to this memory


def udp(to, port, marker, how="send", form="{}"):
    """connect(), and then the payload without an address."""
    to = form.format(to)
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        end.connect(_place(to, port))
        _send(end, marker, how)


def udp_turned(to, via, port, marker, how):
    """A socket that was used where it may is turned elsewhere."""
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        end.connect(_place(via, port))
        end.send(b"via")
        if how == "sendto":
            end.sendto(marker.encode(), _place(to, port))
        elif how == "connect":
            end.connect(_place(to, port))
            end.send(marker.encode())
        elif how == "disconnect":
            _disconnect(end)
            end.connect(_place(to, port))
            end.send(marker.encode())
        elif how == "queued there":  # queued for where it may not, sent while connected to where it may
            end.connect(_place(to, port))
            _uncork(end, marker, _place(via, port))
        elif how == "queued here":  # and the other way round
            _uncork(end, marker, _place(to, port))


def _uncork(end, marker, place):
    end.setsockopt(_socket.IPPROTO_UDP, _UDP_CORK, 1)
    end.send(marker.encode())
    end.connect(place)
    end.setsockopt(_socket.IPPROTO_UDP, _UDP_CORK, 0)


def udp_form(to, via, port, marker):
    """A mapped connection that becomes an IPv4 socket (IPV6_ADDRFORM) is turned."""
    with _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM) as end:
        end.connect((_mapped(via), port))
        end.send(b"via")
        end.setsockopt(41, 1, _struct.pack("=i", _socket.AF_INET))
        place = _raw_place(to, port)
        if _LIBC.connect(end.fileno(), place, len(place)):
            raise OSError(_ctypes.get_errno(), "connect")
        end.send(marker.encode())


def udp_raced(to, via, port, marker, program):
    """Threads turn one socket while others send."""
    done = _subprocess.run([program, via, to, str(port), "2"], capture_output=True, text=True)
    return "ok" if done.returncode == 0 else done.stderr.strip()[-80:]


def udp_group(to, port, marker):
    """SO_REUSEPORT: several sockets of one port."""
    ends = [_socket.socket(_family(to), _socket.SOCK_DGRAM) for _ in range(2)]
    for end in ends:
        end.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
        end.bind(("", 0 if end is ends[0] else ends[0].getsockname()[1]))
    for end in ends:
        end.sendto(marker.encode(), _place(to, port))
    for end in ends:
        end.connect(_place(to, port))
        end.send(marker.encode())


def inbound(to, port, marker, here, caller):
    """Listens, and answers whoever connects in: the canary, from `to`."""
    family = _family(to)
    with _socket.create_server((here, 0), family=family) as listener, _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET) as asker:
        listener.settimeout(2 * _PATIENCE)  # longer than the canary's: whatever it sends, a listener is there
        asker.connect(caller)
        asker.send(f"{to} {here} {listener.getsockname()[1]}".encode())
        end, _ = listener.accept()
        end.sendall(marker.encode())
        end.close()
