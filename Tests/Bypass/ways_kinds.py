# SPDX-License-Identifier: Apache-2.0
"""Other kinds of sockets than TCP's and UDP's."""

import os as _os
import select as _select
import socket as _socket
import struct as _struct

from ways_inet import _PATIENCE, _begin, _family, _place


def transport(to, port, marker, kind, protocol, connects=True):
    """Some transport over IP: connects and sends, or sends only."""
    with _socket.socket(_family(to), kind, protocol) as end:
        end.setblocking(False)
        if connects:
            _begin(end, _place(to, port))
            _select.select([], [end], [], 0.2)
            try:
                end.send(marker.encode())
            except OSError:
                pass
        else:
            end.sendto(marker.encode(), _place(to, port))


def ping(to, port, marker):
    is_ipv4 = _family(to) == _socket.AF_INET
    with _socket.socket(_family(to), _socket.SOCK_DGRAM, 1 if is_ipv4 else 58) as end:
        end.sendto(_struct.pack("!BBHHH", 8 if is_ipv4 else 128, 0, 0, 1, 1) + marker.encode(), _place(to, 0))


def raw(to, port, marker, protocol):
    """A raw socket; 255 means that the header is ours."""
    data = marker.encode()
    if protocol == 255 and _family(to) == _socket.AF_INET:
        size = 28 + len(data)
        header = _struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 1, 0, 64, 17, 0, bytes(4), _socket.inet_aton(to))
        data = header + _struct.pack("!HHHH", 9, port, 8 + len(data), 0) + data
    elif protocol == 255:
        return raw(to, port, marker, 253)
    with _socket.socket(_family(to), _socket.SOCK_RAW, protocol) as end:
        end.sendto(data, _place(to, 0))


def packet(to, port, marker, kind):
    """A frame of our own, without and with a link-layer header."""
    protocol = 0x88b5  # for local experiments
    with _socket.socket(_socket.AF_PACKET, kind, 0) as end:
        payload = _socket.inet_aton(to) + marker.encode()
        if kind == _socket.SOCK_RAW:
            payload = b"\xff" * 6 + bytes(6) + _struct.pack("!H", protocol) + payload
        end.sendto(payload, ("veth0", protocol, 0, 0, b"\xff" * 6))


def vsock(to, port, marker):
    """To this machine's own end of it, as it would go to the hypervisor's."""
    if not _os.path.exists("/sys/module/vsock_loopback"):
        raise OSError(19, "no vsock loopback on this machine")
    with _socket.socket(_socket.AF_VSOCK, _socket.SOCK_STREAM) as end:
        end.settimeout(_PATIENCE)
        end.connect((1, port))
        end.sendall(marker.encode())


def smc(to, port, marker):
    """Falls back to TCP."""
    with _socket.socket(43, _socket.SOCK_STREAM, 0 if _family(to) == _socket.AF_INET else 1) as end:
        end.setblocking(False)
        import ctypes
        from ways_inet import _LIBC, _raw_place
        place = _raw_place(to, port)
        if _LIBC.connect(end.fileno(), place, len(place)) and ctypes.get_errno() != 115:
            raise OSError(ctypes.get_errno(), "connect")
        _select.select([], [end], [], _PATIENCE)
        if _LIBC.send(end.fileno(), marker.encode(), len(marker), 0) < 0:
            raise OSError(ctypes.get_errno(), "send")


def made(to, port, marker, family, kind, protocol=0):
    """Whether such a socket can be made at all; sends nothing."""
    _socket.socket(family, kind, protocol).close()
    return "made"


def pppoe(to, port, marker):
    """PPP over Ethernet to a station of our choice: frames without IP."""
    import ctypes
    from ways_inet import _LIBC
    end = _LIBC.socket(24, 1, 0)
    if end < 0:
        raise OSError(ctypes.get_errno(), "socket")
    place = _struct.pack("=HI", 24, 0) + _struct.pack("!H", 7) + b"\xff" * 5 + b"\xfe" + b"veth0".ljust(16, b"\0")
    if _LIBC.connect(end, place, len(place)):
        raise OSError(ctypes.get_errno(), "connect")
    if _LIBC.send(end, marker.encode(), len(marker), 0) < 0:
        raise OSError(ctypes.get_errno(), "send")


def tunnel(to, port, marker):
    """A tun device, through which one could speak to the host's own stack."""
    import fcntl
    device = _os.open("/dev/net/tun", _os.O_RDWR)
    fcntl.ioctl(device, 0x400454ca, _struct.pack("16sH22x", b"bypass0", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
    return "made"


def queue(to, port, marker):
    """AF_XDP."""
    _socket.socket(44, _socket.SOCK_RAW, 0).close()
    return "made"


def kernel_messages(to, port, marker):
    """A neighbour entry by netlink, so that the kernel asks the network for it."""
    packed = _socket.inet_aton(to)
    with _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, 0) as end:
        body = _struct.pack("=BxxxiHBB", _socket.AF_INET, _socket.if_nametoindex("veth0"), 0x10, 0x01, 0)  # NUD_PROBE, NTF_USE
        body += _struct.pack("=HH", 8, 1) + packed
        end.send(_struct.pack("=IHHII", 16 + len(body), 28, 0x505, 1, 0) + body)
        answer = end.recv(4096)
        number = -_struct.unpack_from("=i", answer, 16)[0]
        if number:
            raise OSError(number, "netlink")


def multiplexed(to, port, marker, address):
    """KCM over a connection of our own."""
    _socket.socket(41, 5, 0).close()
    return "made"
