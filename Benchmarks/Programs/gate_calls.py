# SPDX-License-Identifier: Apache-2.0
"""gate_calls.py allowed|any COUNT: connects a UDP socket as often, in turns to 64 addresses that the policy allows, or each time to any;
each is a question to the connect gate, and nothing is sent."""

import random
import socket
import struct
import sys

numbers = random.Random(7)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for index in range(int(sys.argv[2])):
    number = 0x0A620100 + index % 64 if sys.argv[1] == "allowed" else numbers.randrange(0x10000000, 0x7F000000)
    try:
        client.connect((socket.inet_ntoa(struct.pack(">I", number)), 443))
    except OSError:
        pass  # refused, or no way there
