# SPDX-License-Identifier: Apache-2.0
"""UDP: one connect for a flow (a socket and a destination), an accept for a peer that began, QUIC told apart."""

import os
import socket
import time

import client_hello
import clients
import expect
import netns
import quic_packets
import servers
from children import Child, Program
from settings import workload


def _by(agent, call, address="127.0.0.1", count=3, size=100):
    server = servers.UdpEcho(address)
    program = Program(workload("udp_send"), call, count, size, count, address, server.port)
    source = int(program.result())
    connect, close = agent.exactly("connect close", pid=program.pid)
    expect.holds(connect, direction="outbound", protocol="udp", source__address=address, source__port=source,
                 destination__address=address, destination__port=server.port, outcome=None, quic=None, existing=None,
                 destination__name_source="none", process__executable=workload("udp_send"),
                 network_namespace=os.stat("/proc/self/ns/net").st_ino)
    expect.holds(close, connection=connect["connection"], direction="outbound", protocol="udp",
                 source=connect["source"], destination=connect["destination"], process=connect["process"],
                 bytes={"sent": count * size, "received": count * size})
    server.stop()
    accept, end = agent.exactly("accept close", pid=server.pid)
    expect.holds(accept, direction="inbound", protocol="udp", source__address=address, source__port=source,
                 destination__address=address, destination__port=server.port)
    expect.holds(end, connection=accept["connection"], direction="inbound",
                 bytes={"sent": count * size, "received": count * size})
    expect.true(accept["connection"] != connect["connection"], "both ends have one id", connect, accept)
    agent.only({program.pid, server.pid}, port=server.port)


def test_sendto(agent):
    _by(agent, "sendto")


def test_sendmsg(agent):
    _by(agent, "sendmsg")


def test_sendmmsg(agent):
    _by(agent, "sendmmsg")


def test_connected(agent):
    _by(agent, "connected")


def test_ipv6_sendto(agent):
    _by(agent, "sendto", "::1")


def test_ipv6_connected(agent):
    _by(agent, "connected", "::1")


def test_large_datagrams(agent):
    _by(agent, "sendto", size=40000)


def test_ipv4_mapped_is_ipv4(agent):
    server = servers.UdpEcho()
    child = Child(clients.datagrams, "::ffff:127.0.0.1", server.port, [b"mapped"], 1)
    source = child.result()
    connect, _ = agent.exactly("connect close", pid=child.pid)
    expect.holds(connect, source__address="127.0.0.1", source__port=source, destination__address="127.0.0.1",
                 destination__port=server.port)


def test_two_destinations_are_two_flows(agent):
    first, second = servers.UdpEcho(), servers.UdpEcho("127.0.0.2")
    program = Program(workload("udp_send"), "sendto", 2, 50, 4, "127.0.0.1", first.port, "127.0.0.2", second.port)
    source = int(program.result())
    one, two, *ends = agent.exactly("connect connect close close", pid=program.pid)
    expect.holds(one, source__port=source, destination__address="127.0.0.1", destination__port=first.port)
    expect.holds(two, source__port=source, destination__address="127.0.0.2", destination__port=second.port)
    expect.true(one["connection"] != two["connection"], "two flows with one id", one, two)
    expect.equal({event["connection"] for event in ends}, {one["connection"], two["connection"]}, "ids")
    for event in ends:
        expect.equal(event["bytes"], {"sent": 100, "received": 100}, "bytes", event)


def _connect_only(parent, address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((address, port))


def test_connect_without_a_datagram_is_nothing(agent):
    """libc does that to sort addresses."""
    server = servers.UdpEcho()
    child = Child(_connect_only, "127.0.0.1", server.port)
    child.result()
    agent.exactly("", pid=child.pid)
    agent.exactly("", port=server.port)


def test_an_unanswered_peer_is_not_accepted(agent):
    """`accept` is the first answer to a peer."""
    server = servers.UdpEcho(repeat=0)
    child = Child(clients.datagrams, "127.0.0.1", server.port, [b"anybody there?"])
    child.result()
    connect, close = agent.exactly("connect close", pid=child.pid)
    expect.equal(close["bytes"], {"sent": 14, "received": 0}, "bytes", close)
    server.stop()
    agent.exactly("", pid=server.pid)


def test_the_flow_ends_when_its_socket_is_closed(agent):
    server = servers.UdpEcho()
    child = Child(_hold, "127.0.0.1", server.port)
    child.receive()
    agent.exactly("connect", pid=child.pid)
    time.sleep(0.2)
    child.send()
    child.result()
    _, close = agent.exactly("connect close", pid=child.pid)
    expect.between(close["duration_ns"], 0.19e9, 10e9, "duration", close)


def _hold(parent, address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"held", (address, port))
        client.recv(100)
        parent.send("sent")
        parent.receive()


def test_to_a_closed_port(agent):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = Child(clients.datagrams, "127.0.0.1", port, [b"x"])
    child.result()
    connect, close = agent.exactly("connect close", pid=child.pid)
    expect.holds(connect, destination__port=port, protocol="udp", outcome=None)
    expect.equal(close["bytes"], {"sent": 1, "received": 0}, "bytes", close)


def test_between_namespaces(agent):
    left, right = netns.Namespace(), netns.Namespace()
    cable = netns.Cable(left, right, 30)
    for here, there in ((cable.left4, cable.right4), (cable.left6, cable.right6)):
        server = servers.UdpEcho(there, namespace=right)
        child = Child(clients.datagrams, there, server.port, [b"over the cable"], 1, namespace=left)
        source = child.result()
        connect, _ = agent.exactly("connect close", pid=child.pid)
        expect.holds(connect, source__address=here, source__port=source, destination__address=there,
                     network_namespace=left.inode)
        server.stop()
        accept, _ = agent.exactly("accept close", pid=server.pid)
        expect.holds(accept, source__address=here, source__port=source, destination__address=there,
                     destination__port=server.port, network_namespace=right.inode)


def quic_initial(version, packet_type):
    """A client's Initial as RFC 9000 17.2.2 lays it out, with the 1200 bytes that it must have."""
    first = 0xC0 | packet_type << 4 | 0x03
    identifiers = b"\x08" + bytes(range(8)) + b"\x08" + bytes(range(8, 16))
    header = bytes([first]) + version.to_bytes(4, "big") + identifiers + b"\x00"
    length = 1200 - len(header) - 2
    return header + (0x4000 | length).to_bytes(2, "big") + bytes(length)


def _quic(agent, payload, marked):
    server = servers.UdpEcho()
    child = Child(clients.datagrams, "127.0.0.1", server.port, [payload], 1)
    child.result()
    connect, close = agent.exactly("connect close", pid=child.pid)
    expect.equal(connect.get("quic"), marked, "quic", connect)
    expect.equal(close["bytes"], {"sent": len(payload), "received": len(payload)}, "bytes", close)


def test_quic_version_1(agent):
    _quic(agent, quic_initial(1, 0b00), True)


def test_quic_version_2(agent):
    _quic(agent, quic_initial(0x6B3343CF, 0b01), True)


def test_no_quic_by_version(agent):
    _quic(agent, quic_initial(0x11223344, 0b00), None)


def test_no_quic_by_packet_type(agent):
    _quic(agent, quic_initial(1, 0b10), None)


def test_no_quic_by_size(agent):
    _quic(agent, quic_initial(1, 0b00)[:600], None)


def test_dtls_is_no_quic(agent):
    _quic(agent, b"\x16\xfe\xfd" + bytes(1300), None)


def _sends(parent, address, port, datagrams):
    """From one socket; the source port."""
    with socket.socket(clients.family(address), socket.SOCK_DGRAM) as end:
        end.connect((address, port))
        for datagram in datagrams:
            end.send(datagram)
        return end.getsockname()[1]


def _told_of(agent, datagrams, names=1):
    """The `sni` events of a client that sends these, and its `close`."""
    server = servers.UdpEcho("127.0.0.1")
    child = Child(_sends, "127.0.0.1", server.port, datagrams)
    child.result()
    connect, *told, close = agent.exactly(" ".join(["connect", *["sni"] * names, "close"]), pid=child.pid)
    expect.holds(connect, type="connect", quic=True)
    expect.holds(close, connection=connect["connection"])
    for event in told:
        expect.holds(event, type="sni", connection=connect["connection"], sni__quic=True, sni__sources=["wire"], destination=close["destination"])
    return told, close


def test_the_server_name_of_quic(agent):
    message = client_hello.handshake("quic.example.test", protocols=("h3",), ech=True)
    for version in (quic_packets.V1, quic_packets.V2):
        packet = quic_packets.initial(quic_packets.crypto(message), version=version)
        told, close = _told_of(agent, [packet, packet])  # lost ones come again
        expect.holds(told[0], sni__name="quic.example.test", sni__ech=True, sni__alpn=["h3"])
        expect.holds(close, destination__name="quic.example.test", destination__name_source="sni")


def test_the_server_name_of_quic_in_pieces_in_any_order(agent):
    message = client_hello.handshake("pieces.example.test", padding=2500)
    pieces = [(start, message[start:start + 900]) for start in range(0, len(message), 900)]
    datagrams = [quic_packets.initial(quic_packets.crypto(data, start), number) for number, (start, data) in enumerate(reversed(pieces))]
    told, _ = _told_of(agent, [*datagrams, datagrams[0]])
    expect.equal([event["sni"]["name"] for event in told], ["pieces.example.test"], "server names")


def test_what_cannot_be_decrypted_has_no_name(agent):
    packet = bytearray(quic_packets.initial(quic_packets.crypto(client_hello.handshake("forged.example.test"))))
    packet[-1] ^= 1
    _told_of(agent, [bytes(packet), quic_initial(1, 0)], names=0)
