# SPDX-License-Identifier: Apache-2.0
"""ClientHello messages as no library writes them: in pieces, huge, in several records, broken."""

import socket
import struct
import time

import client_hello
import expect
import servers
from children import Child
from client_hello import handshake, hello, records


def _send(agent, data, size=65536, pause=0.0, timeout=30):
    server = servers.Sink()
    child = Child(client_hello.send_in_pieces, "127.0.0.1", server.port, data, size, pause)
    child.result(timeout)
    return child.pid


def check_name(agent, pid, name="h.example.test", **wanted):
    connect, sni, close = agent.exactly("connect sni close", pid=pid)
    expect.holds(sni, sni__name=name, sni__sources=["wire"], connection=connect["connection"], source=connect["source"],
                 destination__name=name, destination__name_source="sni", **wanted)
    expect.holds(close, destination__name=name, destination__name_source="sni")


def check_nothing(agent, pid):
    connect, close = agent.exactly("connect close", pid=pid)
    expect.holds(close, destination__name=None, destination__name_source="none", connection=connect["connection"])


def test_whole(agent):
    check_name(agent, _send(agent, hello("h.example.test", protocols=("h2", "http/1.1"))),
               sni__alpn=["h2", "http/1.1"], sni__ech=None)


def test_byte_by_byte(agent):
    check_name(agent, _send(agent, hello("h.example.test"), size=1))


def test_in_pieces_of_seven(agent):
    check_name(agent, _send(agent, hello("h.example.test"), size=7))


def test_in_pieces_with_pauses(agent):
    check_name(agent, _send(agent, hello("h.example.test"), size=60, pause=0.05))


def test_larger_than_a_segment(agent):
    check_name(agent, _send(agent, hello("h.example.test", padding=1800), size=1400))


def test_larger_than_4_kilobytes(agent):
    check_name(agent, _send(agent, hello("h.example.test", padding=5000)))


def test_larger_than_4_kilobytes_in_pieces(agent):
    check_name(agent, _send(agent, hello("h.example.test", padding=5000), size=500))


def test_almost_16_kilobytes(agent):
    check_name(agent, _send(agent, hello("h.example.test", padding=15900), size=1448))


def test_in_two_tls_records(agent):
    check_name(agent, _send(agent, records(handshake("h.example.test"), size=100)))


def test_in_many_tls_records_and_pieces(agent):
    check_name(agent, _send(agent, records(handshake("h.example.test"), size=20), size=9))


def test_followed_by_more_in_one_segment(agent):
    check_name(agent, _send(agent, hello("h.example.test") + records(b"early data" * 20)))


def test_encrypted_client_hello_is_marked(agent):
    check_name(agent, _send(agent, hello("outer.example.test", ech=True)), "outer.example.test", sni__ech=True)


def test_letters_in_either_case_are_one_name(agent):
    check_name(agent, _send(agent, hello("H.ExAmPlE.TeSt")))


def test_without_a_name(agent):
    check_nothing(agent, _send(agent, hello()))


def test_never_finished(agent):
    check_nothing(agent, _send(agent, hello("h.example.test")[:-30]))


def test_lengths_that_lie(agent):
    good = hello("h.example.test")
    place = good.index(b"h.example.test")
    for offset, value in ((place - 2, 0xFFFF), (place - 5, 0xFFFF), (place - 7, 0xFFFF), (place - 2, 0)):
        check_nothing(agent, _send(agent, good[:offset] + struct.pack("!H", value) + good[offset + 2:]))


def test_names_that_are_none(agent):
    for name in ("", "10.0.0.1", "sp ace.example.test", "nul\0.example.test", ".", "a" * 64 + ".example.test"):
        check_nothing(agent, _send(agent, hello(name)))


def test_looks_like_tls(agent):
    start = b"\x16\x03\x01"
    for rest in (b"\x00\x05\x01\x00\x00", bytes(300), b"\xff\xff\x02" + bytes(99)):
        check_nothing(agent, _send(agent, start + rest))


def test_a_second_hello_on_one_connection_is_not_read(agent):
    """What follows the first message may be anything; a proxy's client sends CONNECT first."""
    check_nothing(agent, _send(agent, b"CONNECT h.example.test:443 HTTP/1.1\r\n\r\n" + hello("inner.example.test")))


def _twice(parent, port):
    return [client_hello.send_in_pieces(parent, "127.0.0.1", port, hello(name), 11, 0.002)
            for name in ("first.example.test", "second.example.test")]


def test_one_connection_after_another(agent):
    server = servers.Sink()
    child = Child(_twice, server.port)
    sources = child.result()
    found = agent.exactly("connect connect sni sni close close", pid=child.pid)
    for index, name in enumerate(("first.example.test", "second.example.test")):
        for event in (found[2 + index], found[4 + index]):
            expect.holds(event, source__port=sources[index], destination__name=name,
                         connection=found[index]["connection"])


def _side_by_side(parent, port, names, size):
    """Writes all the messages a piece at a time, in turns."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in names]
    messages = [hello(name, padding=50 * index) for index, name in enumerate(names)]
    sources = [client.getsockname()[1] for client in sockets]
    for start in range(0, max(map(len, messages)), size):
        for client, message in zip(sockets, messages):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(message[start:start + size])
    time.sleep(0.01)
    for client in sockets:
        client.close()
    return dict(zip(names, sources))


def test_pieces_of_several_connections_in_turns(agent):
    server = servers.Sink()
    names = [f"n{index}.example.test" for index in range(8)]
    child = Child(_side_by_side, server.port, names, 16)
    sources = child.result()
    found = agent.exactly("connect " * 8 + "sni " * 8 + "close " * 8, pid=child.pid)
    for kind in ("sni", "close"):
        seen = {event["destination"].get("name"): event["source"]["port"] for event in found if event["type"] == kind}
        expect.equal(seen, sources, f"names and ports of {kind}", *found)
