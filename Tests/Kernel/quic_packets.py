# SPDX-License-Identifier: Apache-2.0
"""QUIC Initial packets of a client (RFC 9001 5), with openssl's AES."""

import hashlib
import hmac
import struct
import subprocess

V1, V2 = 1, 0x6B3343CF
SALTS = {V1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", V2: "0dede3def700a6db819381be6e269dcbf9bd2ed9"}
CONNECTION = bytes.fromhex("8394c8f03e515708")


def _expand(secret, label, size):
    label = b"tls13 " + label
    info = struct.pack("!HB", size, len(label)) + label + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:size]


def _keys(version, connection):
    initial = hmac.new(bytes.fromhex(SALTS[version]), connection, hashlib.sha256).digest()
    client = _expand(initial, b"client in", 32)
    prefix = b"quicv2 " if version == V2 else b"quic "
    return _expand(client, prefix + b"key", 16), _expand(client, prefix + b"iv", 12), _expand(client, prefix + b"hp", 16)


def _aes(mode, key, data, *options):
    return subprocess.run(["openssl", "enc", f"-aes-128-{mode}", "-K", key.hex(), *options], input=data, capture_output=True, check=True).stdout


def _ghash(key, *parts):
    """GHASH of NIST SP 800-38D 6.4; the key is a number."""
    total = 0
    for part in parts:
        for start in range(0, len(part), 16):
            total ^= int.from_bytes(part[start:start + 16].ljust(16, b"\0"), "big")
            product, factor = 0, key
            for bit in range(127, -1, -1):
                if total >> bit & 1:
                    product ^= factor
                factor = factor >> 1 ^ (0xE1 << 120 if factor & 1 else 0)
            total = product
    return total


def _seal(key, nonce, header, data):
    """AES-128-GCM."""
    sealed = _aes("ctr", key, data, "-iv", (nonce + b"\0\0\0\2").hex())
    sizes = struct.pack("!QQ", len(header) * 8, len(sealed) * 8)
    hashed = _ghash(int.from_bytes(_aes("ecb", key, bytes(16), "-nopad"), "big"), header, sealed, sizes)
    mask = int.from_bytes(_aes("ecb", key, nonce + b"\0\0\0\1", "-nopad"), "big")
    return sealed + (hashed ^ mask).to_bytes(16, "big")


def crypto(data, offset=0):
    """A CRYPTO frame."""
    return b"\x06" + struct.pack("!HH", 0x4000 | offset, 0x4000 | len(data)) + data


def initial(frames, number=0, version=V1):
    """A datagram with one packet, of 1200 bytes at least."""
    key, iv, hp = _keys(version, CONNECTION)
    frames = frames.ljust(1170, b"\0")
    head = bytes([0xD3 if version == V2 else 0xC3]) + struct.pack("!IB", version, len(CONNECTION)) + CONNECTION + b"\0\0"
    head += struct.pack("!H", 0x4000 | 4 + len(frames) + 16) + struct.pack("!I", number)
    nonce = iv[:8] + (int.from_bytes(iv[8:], "big") ^ number).to_bytes(4, "big")
    packet = bytearray(head + _seal(key, nonce, head, frames))
    place = len(head) - 4
    mask = _aes("ecb", hp, bytes(packet[place + 4:place + 20]), "-nopad")
    packet[0] ^= mask[0] & 0x0F
    for index in range(4):
        packet[place + index] ^= mask[1 + index]
    return bytes(packet)
