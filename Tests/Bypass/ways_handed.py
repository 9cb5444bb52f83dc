# SPDX-License-Identifier: Apache-2.0
"""What comes from outside: sockets that another process made, and another process's help."""

import array as _array
import ctypes as _ctypes
import errno as _errno
import fcntl as _fcntl
import json as _json
import os as _os
import socket as _socket
import struct as _struct
import termios as _termios
import time as _time

import ways_inet as _inet

_LIBC = _ctypes.CDLL(None, use_errno=True)


def _ask(helper, **request):
    """Asks the helper outside; hands back its words and the descriptors it passed."""
    end = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    end.connect(helper)
    end.send(_json.dumps(request).encode())
    words, extra, _, _ = end.recvmsg(4096, _socket.CMSG_SPACE(16))
    descriptors = _array.array("i")
    for _, _, data in extra:
        descriptors.frombytes(data[:len(data) - len(data) % 4])
    return _json.loads(words), list(descriptors)


def passed(to, port, marker, helper, kind):
    """SCM_RIGHTS. `kind`: stream, datagram, connected (UDP), open (TCP), corked (TCP that sends later)."""
    _, descriptors = _ask(helper, want=kind, to=to, port=port)
    if not descriptors:
        raise OSError(_errno.EPERM, "no descriptor came with the message")
    end = _socket.socket(fileno=descriptors[0])
    _use(end, kind, to, port, marker)


def _use(end, kind, to, port, marker):
    with end:
        end.settimeout(_inet._PATIENCE)
        if kind == "stream":
            end.connect((to, port))
            end.sendall(marker.encode())
        elif kind == "datagram":
            end.sendto(marker.encode(), (to, port))
        else:
            end.send(marker.encode())
        if kind == "corked":  # the kernel sends it by itself, after 200 ms
            _time.sleep(2 * _inet._PATIENCE)


def taken(to, port, marker, helper, kind):
    """pidfd_getfd() of another process of the same user."""
    words, _ = _ask(helper, want="hold " + kind, to=to, port=port)
    process = _LIBC.syscall(434, words["pid"], 0)
    if process < 0:
        raise OSError(_ctypes.get_errno(), "pidfd_open")
    descriptor = _LIBC.syscall(438, process, words["fd"], 0)
    if descriptor < 0:
        raise OSError(_ctypes.get_errno(), "pidfd_getfd")
    _use(_socket.socket(fileno=descriptor), kind, to, port, marker)


def written_into(to, port, marker, helper):
    """Memory of another process of the same user, which that one then sends."""
    words, _ = _ask(helper, want="hold buffer", to=to, port=port)
    with open(f"/proc/{words['pid']}/mem", "r+b", buffering=0) as memory:
        memory.seek(words["address"])
        memory.write(marker.encode())
    _ask(helper, want="send buffer", to=to, port=port, size=len(marker))


def delegated(to, port, marker, helper):
    """Another process sends for it."""
    _ask(helper, want="send", to=to, port=port, marker=marker)


def given_away(to, port, marker, helper):
    """A socket of the scope, used by a process outside: the socket keeps its scope."""
    end = _socket.socket(_inet._family(to), _socket.SOCK_DGRAM)
    asker = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    asker.connect(helper)
    _socket.send_fds(asker, [_json.dumps({"want": "use", "to": to, "port": port, "marker": marker}).encode()], [end.fileno()])
    words = _json.loads(asker.recv(4096))
    if words.get("errno"):
        raise OSError(words["errno"], "sendto by another")


def typed(to, port, marker, helper):
    """Bytes put into the input of a terminal that another process reads."""
    words, _ = _ask(helper, want="terminal", to=to, port=port)
    terminal = _os.open(words["path"], _os.O_RDWR)  # of no session until now, so of this one
    for byte in f"{to} {port} {marker}\n".encode():
        _fcntl.ioctl(terminal, _termios.TIOCSTI, bytes([byte]))


def pins(to, port, marker, folder):
    """Adds to the folder of the gates' pins, and opens what is pinned there: `made` if one of it can be done."""
    failure = None
    try:
        _os.mkdir(f"{folder}/attempt")
        _os.rmdir(f"{folder}/attempt")
        return "made"
    except OSError as error:
        failure = error
    number = {"x86_64": 321, "aarch64": 280}[_os.uname().machine]
    for name in ("instance", "selected", "policies", "bindings"):
        path = _ctypes.create_string_buffer(f"{folder}/{name}".encode())
        attribute = _ctypes.create_string_buffer(_struct.pack("QII", _ctypes.addressof(path), 0, 0))
        if _LIBC.syscall(number, 7, attribute, 16) >= 0:  # BPF_OBJ_GET
            return "made"
    raise failure
