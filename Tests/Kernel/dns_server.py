# SPDX-License-Identifier: Apache-2.0
"""A DNS server over UDP and TCP with scripted answers.

The zone says what a name has; the first label of a name may ask for a behaviour:
`truncated` (cut short over UDP, whole over TCP), `split` (TCP: the answer in several segments), `wrongid` (only an
answer with another id), `extra` (before it another answer, to a question nobody asked), `spoofed` (only an answer from
another address), `loop` (an answer whose name points at itself), `turning` (some of its addresses, and the next ones
the next time), `silent` (none).
"""

import select
import socket
import struct
import time

import dns_packets as dns
import servers
from clients import family

UNASKED = "unasked.example.test"
UNASKED_ADDRESS = "10.77.0.99"
TURN = 60  # addresses in an answer of `turning`


class DnsServer(servers.Server):
    """On a port of `address`; spoofed answers come from the same port of `other`."""

    def __init__(self, address, other, zone, namespace, port=53):
        super().__init__(_serve, address, other, zone, port, namespace=namespace)
        self.address = address


def lookup(zone, name, kind):
    """The records from the name through its CNAMEs, and the response code."""
    records, owner = [], name.lower()
    if owner not in zone:
        return [], dns.NXDOMAIN
    while True:
        alias = [(owner, *record) for record in zone[owner] if record[0] == dns.CNAME]
        if not alias:
            return records + [(owner, *record) for record in zone[owner] if record[0] == kind], dns.NOERROR
        records += alias
        owner = alias[0][3]


def _replies(zone, message, over_tcp):
    """What to send back, and the behaviour that was asked for."""
    ident, name, kind, with_edns = dns.read_query(message)
    behaviour = name.lower().partition(".")[0]
    records, code = lookup(zone, name, kind)
    if behaviour == "turning":
        records, own = records[:TURN], zone[name.lower()]
        zone[name.lower()] = own[TURN:] + own[:TURN]
    whole = dns.answer(ident, name, kind, records, code, with_edns=with_edns)
    if behaviour == "silent":
        return [], behaviour
    if behaviour == "wrongid":
        return [dns.answer(ident ^ 1, name, kind, records)], behaviour
    if behaviour == "truncated" and not over_tcp:
        return [dns.answer(ident, name, kind, [], truncated=True)], behaviour
    if behaviour == "extra":
        return [dns.answer(ident, UNASKED, kind, [(UNASKED, dns.A, 60, UNASKED_ADDRESS)]), whole], behaviour
    if behaviour == "loop":
        looped = struct.pack("!6H", ident, dns.RESPONSE, 1, 1, 0, 0) + dns.encode_name(name)
        looped += struct.pack("!2H", kind, 1)
        return [looped + struct.pack("!HHHIH", 0xC000 | len(looped), kind, 1, 60, 4) + b"\x0a\x4d\0\x0b"], behaviour
    return [whole], behaviour


def _serve(parent, address, other, zone, port):
    udp = socket.socket(family(address), socket.SOCK_DGRAM)
    udp.bind((address, port))
    spoofer = socket.socket(family(other), socket.SOCK_DGRAM)
    spoofer.bind((other, port))
    listener = servers.listen(address, port)
    parent.send(port)
    streams = {}
    while True:
        for ready in select.select([udp, listener, *streams], [], [])[0]:
            if ready is udp:
                message, peer = udp.recvfrom(4096)
                replies, behaviour = _replies(zone, message, over_tcp=False)
                for reply in replies:
                    (spoofer if behaviour == "spoofed" else udp).sendto(reply, peer)
            elif ready is listener:
                stream = listener.accept()[0]
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                streams[stream] = b""
            elif not _serve_stream(zone, streams, ready):
                del streams[ready]
                ready.close()


def _serve_stream(zone, streams, stream):
    """Answers all whole queries that are there, with one send."""
    got = stream.recv(65536)
    data = streams[stream] + got
    output, split = b"", False
    while len(data) >= 2 and len(data) >= 2 + (size := struct.unpack_from("!H", data)[0]):
        replies, behaviour = _replies(zone, data[2:2 + size], over_tcp=True)
        split = split or behaviour == "split"
        output += b"".join(struct.pack("!H", len(reply)) + reply for reply in replies)
        data = data[2 + size:]
    streams[stream] = data
    step = max(1, len(output) // 4) if split else max(1, len(output))
    for start in range(0, len(output), step):
        stream.sendall(output[start:start + step])
        if split:
            time.sleep(0.01)
    return bool(got)
