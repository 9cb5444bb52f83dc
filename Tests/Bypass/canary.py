# SPDX-License-Identifier: Apache-2.0
"""What sees whether anything got out: every frame on the canary's wire, and every payload at a sink."""

import os
import re
import select
import socket
import struct
import time

from settings import scaled

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SOL_PACKET, PACKET_STATISTICS = 263, 6
PORT = 7000
PATIENCE = scaled(0.4)
# Overlapping: a payload's marker, and the prefixes of world.Places.
MARKER = re.compile(rb"(?=([0-9a-f]{24}))")
ADDRESS = re.compile(rb"(?=(\x0a\x4e..|\x0a\x4d\x3d.|\xef[\x4d\x4e]..|\xfd\x78\0\0\0[\x0a\x0b].{10}|\xff\x15\0[\x77\x78].{12}))", re.DOTALL)


def _tokens(frame):
    """Addresses wherever they may be but in TCP's header, whose numbers are random."""
    packet = frame[14:]
    if frame[12:14] == b"\x08\0" and packet[9:10] == b"\x06":
        packet = packet[:4 * (packet[0] & 15)]
    elif frame[12:14] == b"\x86\xdd" and packet[6:7] == b"\x06":
        packet = packet[:40]
    return MARKER.findall(frame) + ADDRESS.findall(packet)


def watch(parent, device):
    """Looks through every frame that comes in on the device for payloads' markers and addresses that serve attempts. Answers each message with
    the first frame of each that came since the one before."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
    wire.bind((device, ETH_P_ALL))
    wire.setblocking(False)
    parent.send("ready")
    found, seen = {}, set()
    while True:
        ready = select.select([wire, parent.end], [], [])[0]
        while wire in ready:
            try:
                frame, source = wire.recvfrom(65536)
            except BlockingIOError:
                break
            rest = frame[26:]  # behind IPv4's number and checksum: a flood is looked at once
            if source[2] != PACKET_OUTGOING and rest not in seen:
                seen.add(rest)
                for token in _tokens(frame):
                    found.setdefault(token.hex(), f"{len(frame)} bytes: {frame[:100].hex()}")
        if parent.end in ready and wire not in ready:
            parent.receive()
            lost = struct.unpack("II", wire.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
            parent.send({"found": found, "lost": lost})
            found, seen = {}, set()


def sink(parent, kinds):
    """Takes in whatever comes to the port. Answers each message with what came since the one before."""
    listeners, datagrams = [], []
    for kind in kinds:
        try:
            end = _open(kind)
        except OSError:
            continue
        (datagrams if kind == "udp" else listeners).append(end)
    parent.send("ready")
    streams, seen = [], []
    while True:
        for ready in select.select([parent.end, *listeners, *datagrams, *streams], [], [])[0]:
            if ready is parent.end:
                parent.receive()
                parent.send(seen)
                seen = []
            elif ready in listeners:
                streams.append(ready.accept()[0])
            else:
                _take(ready, streams, seen)


def _open(kind):
    if kind == "udp":
        end = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        end.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end.bind(("::", PORT))
        return end
    if kind == "vsock":
        end = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        end.bind((socket.VMADDR_CID_ANY, PORT))
        end.listen(16)
        return end
    return socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)


def _take(end, streams, seen):
    try:
        data = end.recv(65536)
    except OSError:
        data = b""
    if data:
        seen.append(data.decode("latin-1"))
    elif end in streams:
        streams.remove(end)
        end.close()


def call(parent, path):
    """Connects to the scope when somebody asks at the unix socket: {source, address, port}; keeps what it is told."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    os.chmod(path, 0o777)
    server.listen(16)
    parent.send("ready")
    while True:
        asker = server.accept()[0]
        if os.fork() == 0:
            source, address, port = asker.recv(1024).decode().split()
            _call(source, address, int(port))
            os._exit(0)
        asker.close()
        try:
            while os.waitpid(-1, os.WNOHANG) > (0, 0):
                pass
        except ChildProcessError:
            pass


def _call(source, address, port):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as end:
        end.bind((source, 0))
        end.settimeout(PATIENCE)
        try:
            end.connect((address, port))
            end.recv(1024)
        except OSError:
            time.sleep(0.01)
