# SPDX-License-Identifier: Apache-2.0
"""A process outside of every scope, of the same user, that hands out what it has: a program of its own.

helper.py PATH UNLISTED MANAGER: serves on the unix sockets at PATH and UNLISTED, on the abstract one of the first name, and at MANAGER, where the
user's service manager would.
"""

import ctypes
import json
import os
import select
import socket
import sys
import threading

held = []
buffer = ctypes.create_string_buffer(256)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make(kind, to, port):
    if kind == "stream":
        return socket.socket(family(to), socket.SOCK_STREAM)
    end = socket.socket(family(to), socket.SOCK_DGRAM)
    if kind == "connected":
        end.connect((to, port))
    if kind in ("open", "corked"):
        end.close()
        end = socket.create_connection((to, port), 1)
    if kind == "corked":
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    return end


def read_terminal(end):
    """Sends what is typed there, as a shell would run it: a line is an address, a port and what to send."""
    with os.fdopen(end) as lines:
        for line in lines:
            to, port, marker = line.split()
            with make("datagram", to, int(port)) as sender:
                sender.sendto(marker.encode(), (to, int(port)))


def open_terminal():
    """A terminal that nobody's session has; its path."""
    master, end = os.openpty()
    held.append(master)
    path = os.ttyname(end)
    threading.Thread(target=read_terminal, args=(end,), daemon=True).start()
    return path


def serve(asker):
    text, descriptors, _, _ = socket.recv_fds(asker, 4096, 1)
    request = json.loads(text)
    want, to, port = request["want"], request["to"], request["port"]
    if want == "send":
        with make("datagram", to, port) as end:
            end.sendto(request["marker"].encode(), (to, port))
    elif want == "use":
        with socket.socket(fileno=descriptors[0]) as end:
            try:
                end.sendto(request["marker"].encode(), (to, port))
            except OSError as error:
                return asker.send(json.dumps({"errno": error.errno}).encode())
    elif want == "terminal":
        return asker.send(json.dumps({"path": open_terminal()}).encode())
    elif want == "hold buffer":
        return asker.send(json.dumps({"pid": os.getpid(), "address": ctypes.addressof(buffer)}).encode())
    elif want == "send buffer":
        with make("datagram", to, port) as end:
            end.sendto(buffer.raw[:request["size"]], (to, port))
    elif want.startswith("hold "):
        held.append(make(want[5:], to, port))
        return asker.send(json.dumps({"pid": os.getpid(), "fd": held[-1].fileno()}).encode())
    else:
        with make(want, to, port) as end:
            socket.send_fds(asker, [b"{}"], [end.fileno()])
        return None
    asker.send(b"{}")


def main():
    servers = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(4)]
    for server, name in zip(servers, (sys.argv[1], "\0" + sys.argv[1], *sys.argv[2:])):
        server.bind(name)
        server.listen(16)
    for path in sys.argv[1:3]:
        os.chmod(path, 0o777)
    print("ready", flush=True)
    while True:
        for server in select.select(servers, [], [])[0]:
            asker = server.accept()[0]
            with asker:
                try:
                    serve(asker)
                except OSError as error:
                    asker.send(json.dumps({"errno": error.errno}).encode())


if __name__ == "__main__":
    main()
