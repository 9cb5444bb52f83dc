# SPDX-License-Identifier: Apache-2.0
"""A resolver on the canary's side that answers as a name asks it to: HOW-A-B-C-D.ANYTHING leads to A.B.C.D by way of HOW."""

import select
import socket
import struct

import dns_packets as dns
import servers

ADDRESS, IMPOSTOR, ELSEWHERE = "10.77.61.53", "10.77.61.54", 5300


def serve(parent):
    udp = _bound(ADDRESS, 53)
    ends = {"spoofed": _bound(IMPOSTOR, 53), "port": _bound(ADDRESS, ELSEWHERE)}
    listener = servers.listen(ADDRESS, 53)
    parent.send("ready")
    streams = []
    while True:
        for ready in select.select([udp, listener, *streams], [], [])[0]:
            if ready is listener:
                streams.append(listener.accept()[0])
                streams[-1].settimeout(1)
                continue
            try:
                if ready is udp:
                    message, peer = udp.recvfrom(8192)
                    how, replies = _replies(message)
                    for reply in replies:
                        ends.get(how, udp).sendto(reply, peer)
                elif not _answer_stream(ready):
                    streams.remove(ready)
                    ready.close()
            except (OSError, ValueError, IndexError, struct.error, UnicodeError):
                continue  # what is sent here is meant to be odd


def _bound(address, port):
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    end.bind((address, port))
    return end


def _answer_stream(stream):
    data = stream.recv(65536)
    output = b""
    while len(data) >= 2:
        size, = struct.unpack_from("!H", data)
        for reply in _replies(data[2:2 + size])[1]:
            output += struct.pack("!H", len(reply)) + reply
        data = data[2 + size:]
    if output:
        stream.sendall(output)
    return bool(output)


def _replies(message):
    ident, name, kind, _ = dns.read_query(message)
    how, _, rest = name.partition(".")[0].partition("-")
    try:
        address = ".".join(rest.split("-")[:4])
        socket.inet_aton(address)
    except OSError:
        how, address = "plain", "10.77.61.99"
    return how, list(_made(how, ident, name, kind, address))


def _made(how, ident, name, kind, address):
    innocent = [(name, dns.A, 60, "10.77.61.98")]
    guilty = [(name, dns.A, 60, address)]
    other = "other.evil.test"
    if how == "silent":
        return
    if how == "wrongid":
        yield dns.answer(ident ^ 1, name, kind, guilty)
    elif how == "othername":
        yield dns.answer(ident, "other.ok.test", kind, [("other.ok.test", dns.A, 60, address)])
    elif how == "othertype":
        yield dns.answer(ident, name, dns.AAAA, guilty)
    elif how == "extra":
        yield dns.answer(ident, name, kind, innocent + [(other, dns.A, 60, address)])
    elif how == "unasked":
        yield dns.answer(ident, name, kind, innocent)
        yield dns.answer(ident + 1, "another.ok.test", kind, [("another.ok.test", dns.A, 60, address)])
    elif how == "twice":
        yield dns.answer(ident, name, kind, innocent)
        yield dns.answer(ident, name, kind, guilty)
    elif how == "aliases":
        yield dns.answer(ident, name, kind, [("alias.ok.test", dns.A, 60, address), (name, dns.CNAME, 60, "alias.ok.test")])
    elif how == "error":
        yield dns.answer(ident, name, kind, guilty, code=dns.NXDOMAIN)
    elif how == "cut":
        yield dns.answer(ident, name, kind, guilty, truncated=True)
    elif how == "question":
        yield dns.answer(ident, name, kind, guilty)[:2] + b"\1\0" + dns.answer(ident, name, kind, guilty)[4:]
    elif how in ("authority", "additional"):
        whole = bytearray(dns.answer(ident, name, kind, guilty))
        whole[6:12] = struct.pack("!3H", 0, how == "authority", how == "additional")
        yield bytes(whole)
    elif how == "chaos":
        whole = bytearray(dns.answer(ident, name, kind, guilty))
        whole[-12:-10] = struct.pack("!H", 3)
        yield bytes(whole)
    elif how == "loop":
        head = dns.query(ident, name, kind)
        head = head[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + head[12:]
        yield head + struct.pack("!HHHIH", 0xC000 | len(head), kind, 1, 60, 4) + socket.inet_aton(address)
    elif how == "forward":
        head = dns.query(ident, name, kind)
        head = head[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + head[12:]
        tail = struct.pack("!HHIH", kind, 1, 60, 4) + socket.inet_aton(address)
        yield head + struct.pack("!H", 0xC000 | len(head) + 2 + len(tail)) + tail + dns.encode_name(name)
    elif how == "huge":
        yield dns.answer(ident, name, kind, [(name, dns.TXT, 60, b"\xc8" + bytes(200))] * 22 + guilty)
    elif how == "late":  # the record is said to be longer than the message
        yield dns.answer(ident, name, kind, guilty)[:-4]
    else:
        yield dns.answer(ident, name, kind, guilty)
