# SPDX-License-Identifier: Apache-2.0
"""DNS messages (RFC 1035), both ways: just enough for a test server and a test client."""

import ipaddress
import struct

A, CNAME, SOA, TXT, AAAA, OPT = 1, 5, 6, 16, 28, 41
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
RESPONSE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0200, 0x0100, 0x0080


def encode_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(struct.pack("!B", len(label)) + label for label in labels) + b"\0"


class Writer:
    """Writes a message, and points back to each name that it has written before (RFC 1035 4.1.4)."""

    def __init__(self, ident, flags, questions, answers, additional):
        self.data = bytearray(struct.pack("!6H", ident, flags, questions, answers, 0, additional))
        self.places = {}

    def name(self, name):
        labels = name.rstrip(".").split(".")
        for index in range(len(labels)):
            rest = ".".join(labels[index:])
            if rest in self.places:
                self.data += struct.pack("!H", 0xC000 | self.places[rest])
                return
            if len(self.data) < 0x4000:
                self.places[rest] = len(self.data)
            label = labels[index].encode()
            self.data += struct.pack("!B", len(label)) + label
        self.data += b"\0"

    def record(self, owner, kind, ttl, value):
        self.name(owner)
        self.data += struct.pack("!HHIH", kind, 1, ttl, 0)
        start = len(self.data)
        if kind == CNAME:
            self.name(value)
        elif kind in (A, AAAA):
            self.data += ipaddress.ip_address(value).packed
        else:
            self.data += value
        self.data[start - 2:start] = struct.pack("!H", len(self.data) - start)


def edns(size=4096):
    return b"\0" + struct.pack("!HHIH", OPT, size, 0, 0)


def query(ident, name, kind=A, with_edns=False):
    message = struct.pack("!6H", ident, RECURSION_DESIRED, 1, 0, 0, int(with_edns))
    message += encode_name(name) + struct.pack("!2H", kind, 1)
    return message + (edns() if with_edns else b"")


def read_query(message):
    """The id, the name as it was written, the type, and whether there is an OPT record."""
    ident, _, _, _, _, additional = struct.unpack_from("!6H", message)
    labels, offset = [], 12
    while message[offset]:
        size = message[offset]
        labels.append(message[offset + 1:offset + 1 + size].decode())
        offset += 1 + size
    kind, = struct.unpack_from("!H", message, offset + 1)
    return ident, ".".join(labels), kind, additional > 0


def answer(ident, name, kind, records, code=NOERROR, truncated=False, with_edns=False):
    """`records`: (owner, type, ttl, value) each."""
    flags = RESPONSE | RECURSION_DESIRED | RECURSION_AVAILABLE | code | (TRUNCATED if truncated else 0)
    writer = Writer(ident, flags, 1, len(records), int(with_edns))
    writer.name(name)
    writer.data += struct.pack("!2H", kind, 1)
    for record in records:
        writer.record(*record)
    return bytes(writer.data) + (edns() if with_edns else b"")


def read_addresses(message):
    """The addresses in an answer, whatever their owner."""
    _, _, questions, answers, _, _ = struct.unpack_from("!6H", message)
    offset = 12
    for _ in range(questions):
        offset = _skip_name(message, offset) + 4
    addresses = []
    for _ in range(answers):
        offset = _skip_name(message, offset)
        kind, _, _, size = struct.unpack_from("!HHIH", message, offset)
        offset += 10
        if kind in (A, AAAA):
            addresses.append(str(ipaddress.ip_address(message[offset:offset + size])))
        offset += size
    return addresses


def _skip_name(message, offset):
    while message[offset]:
        if message[offset] & 0xC0:
            return offset + 2
        offset += 1 + message[offset]
    return offset + 1
