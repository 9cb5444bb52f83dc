# SPDX-License-Identifier: Apache-2.0
"""Socket options and ancillary data that lead packets elsewhere, or make the kernel send some."""

import socket as _socket
import struct as _struct

from ways_inet import _PATIENCE, _family, _place

_IPPROTO_IPV6 = 41


def source_route(to, via, port, marker, by):
    """IPv4: a loose source route by way of `via` to `to`; the packet goes to `via` first."""
    route = bytes([0x83, 7, 4]) + _socket.inet_aton(to) + b"\0"
    with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
        if by == "option":
            end.setsockopt(_socket.SOL_IP, 4, route)  # IP_OPTIONS
            end.sendto(marker.encode(), (via, port))
        else:
            end.sendmsg([marker.encode()], [(_socket.SOL_IP, 7, route)], 0, (via, port))  # IP_RETOPTS


def source_route_tcp(to, via, port, marker):
    route = bytes([0x83, 7, 4]) + _socket.inet_aton(to) + b"\0"
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_PATIENCE)
        end.setsockopt(_socket.SOL_IP, 4, route)
        end.connect((via, port))
        end.sendall(marker.encode())


def _routing_header(kind, to):
    address = _socket.inet_pton(_socket.AF_INET6, to)
    if kind == 4:  # segment routing, RFC 8754: the last segment first
        return bytes([0, 2, 4, 0, 0, 0, 0, 0]) + address
    return bytes([0, 2, kind, 1, 0, 0, 0, 0]) + address


def routing_header(to, via, port, marker, kind, by):
    """IPv6: the socket sends to `via`, the header leads on to `to`."""
    header = _routing_header(kind, to)
    with _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM) as end:
        if by == "option":
            end.setsockopt(_IPPROTO_IPV6, 57, header)  # IPV6_RTHDR
            end.sendto(marker.encode(), (via, port))
        elif by == "old options":
            size = 16 + len(header)
            control = _struct.pack("=Qii", size, _IPPROTO_IPV6, 5) + header  # a cmsg of IPV6_2292RTHDR
            end.setsockopt(_IPPROTO_IPV6, 6, control)  # IPV6_2292PKTOPTIONS
            end.sendto(marker.encode(), (via, port))
        else:
            end.sendmsg([marker.encode()], [(_IPPROTO_IPV6, 57, header)], 0, (via, port))


def extension_header(to, via, port, marker, option, by):
    """Data in an extension header to where one may: hop-by-hop (54) or destination options (59, 55)."""
    body = marker.encode()[:12]
    header = bytes([0, 1, 0x1e, 12]) + body
    with _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM) as end:
        if by == "option":
            end.setsockopt(_IPPROTO_IPV6, option, header)
            end.sendto(marker.encode(), (to, port))
        else:
            end.sendmsg([marker.encode()], [(_IPPROTO_IPV6, option, header)], 0, (to, port))


def with_cmsg(to, port, marker, what):
    """Ancillary data on a datagram with a destination."""
    extra = {
        "source": [(_socket.SOL_IP, 8, _struct.pack("=i4s4s", 0, bytes(4), bytes(4)))],  # IP_PKTINFO
        "source6": [(_IPPROTO_IPV6, 50, bytes(20))],  # IPV6_PKTINFO
        "lifetime": [(_socket.SOL_IP, 2, _struct.pack("=i", 9))],
        "flow": [(_IPPROTO_IPV6, 11, _struct.pack("!I", 0x12345))],  # IPV6_FLOWINFO
        "time": [(_socket.SOL_SOCKET, 37, _struct.pack("=I", 0))],  # SO_TIMESTAMPING
    }[what]
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        end.sendmsg([marker.encode()], extra, 0, _place(to, port))


def multicast(to, port, marker):
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        if end.family == _socket.AF_INET6:
            end.setsockopt(_IPPROTO_IPV6, _socket.IPV6_MULTICAST_IF, _socket.if_nametoindex("veth0"))
        end.sendto(marker.encode(), (to, port))


def broadcast(to, port, marker):
    with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
        end.setsockopt(_socket.SOL_SOCKET, _socket.SO_BROADCAST, 1)
        end.setsockopt(_socket.SOL_SOCKET, _socket.SO_BINDTODEVICE, b"veth0\0")
        end.sendto(marker.encode(), (to, port))


def join(to, port, marker, how):
    """Joins a group whose number is data: the kernel reports it to the network."""
    index = _socket.if_nametoindex("veth0")
    packed = _socket.inet_pton(_family(to), to)
    if _family(to) == _socket.AF_INET:
        place = _struct.pack("=HH", _socket.AF_INET, 0) + packed + bytes(120)
        level, any_source = _socket.SOL_IP, _socket.inet_aton("10.1.1.1")
    else:
        place = _struct.pack("=HHI", _socket.AF_INET6, 0, 0) + packed + bytes(104)
        level, any_source = _IPPROTO_IPV6, _socket.inet_pton(_socket.AF_INET6, "fd00::1")
    with _socket.socket(_family(to), _socket.SOCK_DGRAM) as end:
        if how == "mreq":
            end.setsockopt(level, 35, packed + bytes(4) + _struct.pack("=i", index))  # IP_ADD_MEMBERSHIP
        elif how == "mreq6":
            end.setsockopt(level, 20, packed + _struct.pack("=i", index))  # IPV6_ADD_MEMBERSHIP
        elif how == "group":
            end.setsockopt(level, 42, _struct.pack("=I4x", index) + place)  # MCAST_JOIN_GROUP
        elif how == "source":
            end.setsockopt(level, 39, packed + bytes(4) + any_source)  # IP_ADD_SOURCE_MEMBERSHIP
        elif how == "group source":
            source = place.replace(packed, any_source)
            end.setsockopt(level, 46, _struct.pack("=I4x", index) + place + source)  # MCAST_JOIN_SOURCE_GROUP
        import time
        time.sleep(0.05)


def join_anycast(to, port, marker):
    with _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM) as end:
        packed = _socket.inet_pton(_socket.AF_INET6, to)
        end.setsockopt(_IPPROTO_IPV6, 27, packed + _struct.pack("=i", _socket.if_nametoindex("veth0")))  # IPV6_JOIN_ANYCAST


def flow_label(to, port, marker):
    """A flow label of one's own, to where one wants."""
    with _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM) as end:
        request = _socket.inet_pton(_socket.AF_INET6, to) + _struct.pack("!I", 0x12345) + _struct.pack("=BBHHH4x", 0, 255, 1, 6, 0)
        end.setsockopt(_IPPROTO_IPV6, 32, request)  # IPV6_FLOWLABEL_MGR
        end.setsockopt(_IPPROTO_IPV6, 33, 1)  # IPV6_FLOWINFO_SEND
        end.sendto(marker.encode(), (to, port, 0x12345, 0))


def repair(to, port, marker):
    """TCP_REPAIR: a connection without a handshake."""
    with _socket.socket(_family(to), _socket.SOCK_STREAM) as end:
        end.setsockopt(_socket.IPPROTO_TCP, 19, 1)
        end.connect(_place(to, port))
        end.setsockopt(_socket.IPPROTO_TCP, 19, 0)
        end.send(marker.encode())


def probe(to, port, marker):
    """Path MTU discovery by datagrams larger than the wire takes, and a flag that may fragment."""
    for mode in (3, 0):  # IP_PMTUDISC_PROBE, IP_PMTUDISC_DONT
        with _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM) as end:
            end.setsockopt(_socket.SOL_IP, 10, mode)
            try:
                end.sendto(marker.encode() * 100, (to, port))
            except OSError as error:
                if error.errno != 90:  # EMSGSIZE
                    raise


def upper_layer(to, via, port, marker, name):
    """TCP_ULP: another transport over a connection to where one may, then turned."""
    with _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM) as end:
        end.settimeout(_PATIENCE)
        if name != "smc":
            end.connect((via, port))
        end.setsockopt(_socket.IPPROTO_TCP, 31, name.encode())
        if name == "smc":
            end.connect((to, port))
            end.send(marker.encode())
