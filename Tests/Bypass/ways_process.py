# SPDX-License-Identifier: Apache-2.0
"""Who makes the call: other threads, other processes, other namespaces, other groups, the kernel's own workers."""

import ctypes as _ctypes
import os as _os
import socket as _socket
import struct as _struct
import subprocess as _subprocess
import sys as _sys
import threading as _threading
import time as _time

import ways_inet as _inet

_LIBC = _ctypes.CDLL(None, use_errno=True)
_NEWUSER, _NEWNET, _NEWCGROUP, _NEWPID = 0x10000000, 0x40000000, 0x02000000, 0x20000000


def _try(to, port, marker):
    """TCP, then UDP with and without an address: the first error that is not None."""
    first = None
    for way in (_inet.tcp, _inet.sendto, _inet.udp):
        try:
            way(to, port, marker)
        except OSError as error:
            first = first or error
    if first:
        raise first


def hammer(to, port, marker):
    """Everything, over and over."""
    stop = _time.monotonic() + 2 * _inet._PATIENCE
    first = None
    while _time.monotonic() < stop:
        try:
            _try(to, port, marker)
        except OSError as error:
            first = first or error
    if first:
        raise first


def threads(to, port, marker):
    errors = []

    def run():
        try:
            _try(to, port, marker)
        except OSError as error:
            errors.append(error)

    all_threads = [_threading.Thread(target=run) for _ in range(3)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    if errors:
        raise errors[0]


def _in_fork(function):
    read, write = _os.pipe()
    child = _os.fork()
    if child == 0:
        number = 0
        try:
            function()
        except OSError as error:
            number = error.errno or 110
        _os.write(write, bytes([number]))
        _os._exit(0)
    _os.close(write)
    number = _os.read(read, 1)
    _os.waitpid(child, 0)
    if number != b"\0":
        raise OSError(number[0] if number else 3, "in a fork")


def fork(to, port, marker):
    _in_fork(lambda: _try(to, port, marker))


def orphan(to, port, marker):
    """A double fork into a session of its own, whose parents are gone."""
    read, write = _os.pipe()
    child = _os.fork()
    if child == 0:
        _os.setsid()
        parent = _os.getpid()
        if _os.fork() == 0:
            _os.close(read)
            while _os.getppid() == parent:
                _time.sleep(0.001)
            try:
                _try(to, port, marker)
                _os.write(write, b"\0")
            except OSError as error:
                _os.write(write, bytes([error.errno or 110]))
        _os._exit(0)
    _os.waitpid(child, 0)
    _os.close(write)
    number = _os.read(read, 1)
    if number != b"\0":
        raise OSError(number[0] if number else 3, "in an orphan")


def execute(to, port, marker):
    """Another program, by its own path and by the dynamic loader."""
    code = f"import socket; end = socket.create_connection(({to!r}, {port}), 1); end.sendall({marker!r}.encode())"
    loader = next((path for path in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if _os.path.exists(path)), None)
    for words in ([_sys.executable], [loader, _os.path.realpath(_sys.executable)] if loader else [_sys.executable]):
        done = _subprocess.run([*words, "-c", code], capture_output=True, text=True)
    return "ok" if done.returncode == 0 else "EPERM" if "Operation not permitted" in done.stderr else done.stderr.strip()[-80:]


def _unshare(flags):
    if _LIBC.unshare(flags):
        raise OSError(_ctypes.get_errno(), "unshare")


def user_namespace(to, port, marker):
    """Root of a user namespace of its own, with a group and process namespace."""
    def run():
        _unshare(_NEWUSER | _NEWCGROUP | _NEWPID)
        _in_fork(lambda: _try(to, port, marker))
    _in_fork(run)


def network_namespace_kept(to, port, marker):
    """Sockets that are made here and used from a network namespace of its own."""
    def run():
        stream = _socket.socket(_inet._family(to), _socket.SOCK_STREAM)
        datagram = _socket.socket(_inet._family(to), _socket.SOCK_DGRAM)
        _unshare(_NEWUSER | _NEWNET)
        datagram.connect((to, port))
        stream.settimeout(_inet._PATIENCE)
        try:
            datagram.send(marker.encode())
        finally:
            stream.connect((to, port))
            stream.send(marker.encode())
    _in_fork(run)


def leave(to, port, marker, path):
    """Moves itself to the root of the hierarchy."""
    def run():
        with open(path, "w") as file:
            file.write("0")
        _try(to, port, marker)
    _in_fork(run)


def clone_into(to, port, marker, folder):
    """clone3() with CLONE_INTO_CGROUP."""
    directory = _os.open(folder, _os.O_RDONLY | _os.O_DIRECTORY)
    arguments = _struct.pack("=11Q", 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, directory)
    child = _LIBC.syscall(435, arguments, len(arguments))
    if child < 0:
        raise OSError(_ctypes.get_errno(), "clone3")
    if child == 0:
        try:
            _try(to, port, marker)
        finally:
            _os._exit(0)
    _os.waitpid(child, 0)


def ring(to, port, marker, program, how, operation):
    """io_uring: the calls are made by the kernel, in `how`: plain, async, sqpoll, fixed."""
    done = _subprocess.run([program, how, operation, to, str(port), marker], capture_output=True, text=True)
    if done.returncode == 77:
        return "ENOSYS"
    return "ok" if done.returncode == 0 else done.stderr.strip()[-80:] or f"status {done.returncode}"
