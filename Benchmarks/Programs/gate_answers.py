# SPDX-License-Identifier: Apache-2.0
"""gate_answers.py serve | ask COUNT: a resolver at 127.0.0.1 that knows one address for every name; a client that asks it for names below
bench.test, one after the other."""

import socket
import struct
import sys

PLACE = ("127.0.0.1", 53)


def question(index):
    name = b"".join(bytes([len(label)]) + label for label in (b"host%d" % (index % 1000), b"bench", b"test"))
    return struct.pack(">6H", index & 0xFFFF, 0x0100, 1, 0, 0, 0) + name + b"\0" + struct.pack(">2H", 1, 1)


def answer(query):
    record = b"\xc0\x0c" + struct.pack(">2HIH", 1, 1, 60, 4) + b"\x0a\x63\x00" + query[13:14]
    return query[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0) + query[12:] + record


end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "serve":
    end.bind(PLACE)
    print("ready", flush=True)
    while True:
        query, client = end.recvfrom(512)
        end.sendto(answer(query), client)
end.connect(PLACE)
end.settimeout(5)
for index in range(int(sys.argv[2])):
    end.send(question(index))
    end.recv(512)
