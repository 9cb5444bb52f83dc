# SPDX-License-Identifier: Apache-2.0
"""Connections that fail or take their time: what is said after one second, and what at the end.

The slow cases run side by side, once; each test looks at its own.
"""

import errno
import socket
import struct
import time

import cleanup
import clients
import expect
import netns
import servers
from children import Child
from harness import limit

SECOND = 10**9
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD


class SlowCases:
    """A client's namespace and a peer's. What is sent to .3 to .6 of the cable vanishes."""

    def __init__(self):
        self.left, self.right = netns.Namespace(), netns.Namespace()
        self.left.set("net.ipv4.tcp_syn_retries", 1)  # gives up after 3 s
        self.cable = netns.Cable(self.left, self.right, 9)
        self.lost = [f"{self.cable.subnet}.{last}" for last in range(3, 7)]
        self.late = self.lost[3]
        self.right.add_address(self.late + "/24", "veth0")
        for address in self.lost:
            self.cable.swallow(address)
        self.server = servers.Echo("0.0.0.0", namespace=self.right)
        self.port = self.server.port
        self.start = time.time_ns()
        make = self.child
        self.timed_out = make(clients.attempt, self.lost[0], self.port)
        self.aborted = make(_begin_and_close, self.lost[1], self.port, 0.2)
        self.aborted_late = make(_begin_and_close, self.lost[2], self.port, 1.6)
        self.established_late = make(_persist, self.late, self.port)
        time.sleep(1.5)  # between the first retransmission and the second
        self.cable.deliver(self.late)

    def child(self, function, *arguments):
        return Child(function, *arguments, namespace=self.left)


def _begin_and_close(parent, address, port, seconds):
    with socket.socket() as client:
        client.setblocking(False)
        expect.equal(client.connect_ex((address, port)), errno.EINPROGRESS, "connect")
        time.sleep(seconds)
        return client.getsockname()[1]


def _persist(parent, address, port):
    with socket.socket() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 4)
        client.connect((address, port))
        clients.finish(client, b"late", 4)


slow_cases = cleanup.once("module")(SlowCases)


def check_pending(agent, child, address):
    """The announcement after one second, and the close that the kernel's answer or the process brought."""
    connect = agent.wait_for("connect", pid=child.pid)
    expect.holds(connect, outcome="pending", destination__address=address, errno=None)
    waited = connect.get("duration_ns", SECOND)
    expect.between(waited, 0.9 * SECOND, 1.6 * SECOND, "duration of a pending connect", connect)
    close = agent.wait_for("close", pid=child.pid, timeout=15)
    found = agent.find(("connect", "accept", "close"), pid=child.pid)
    expect.equal(len(found), 2, "number of events", *found)
    expect.holds(close, connection=connect["connection"], destination=connect["destination"])
    expect.equal(close["source"]["address"], connect["source"]["address"], "source", connect, close)
    expect.true(connect["source"].get("port") in (None, close["source"]["port"]), "source port", connect, close)
    return close


def cases_seen_by(agent):
    cases = slow_cases()
    agent.look_back(cases.start)
    return cases


@limit(60)
def test_timed_out(agent):
    cases = cases_seen_by(agent)
    close = check_pending(agent, cases.timed_out, cases.lost[0])
    source, error = cases.timed_out.result()
    expect.equal(error, errno.ETIMEDOUT, "the client's error")
    expect.holds(close, outcome="timed_out", source__port=source,
                 bytes={"acknowledged": 0, "unacknowledged": 0, "received": 0})
    expect.between(close["duration_ns"], 1.9 * SECOND, 20 * SECOND, "duration", close)


@limit(60)
def test_aborted_before_an_answer_has_only_its_connect(agent):
    cases = cases_seen_by(agent)
    source = cases.aborted.result()
    connect, = agent.exactly("connect", pid=cases.aborted.pid)
    expect.holds(connect, outcome="aborted", source__port=source, destination__address=cases.lost[1], errno=None)
    expect.between(connect["duration_ns"], 0.19 * SECOND, 0.9 * SECOND, "duration", connect)


@limit(60)
def test_aborted_after_a_second(agent):
    cases = cases_seen_by(agent)
    cases.aborted_late.result()
    expect.holds(check_pending(agent, cases.aborted_late, cases.lost[2]), outcome="aborted")


@limit(60)
def test_established_after_a_second(agent):
    cases = cases_seen_by(agent)
    close = check_pending(agent, cases.established_late, cases.late)
    cases.established_late.result()
    expect.holds(close, outcome="established", bytes={"acknowledged": 4, "unacknowledged": 0, "received": 4})
    agent.exactly("accept close", pid=cases.server.pid)


def _unreachable(agent, left, address, error=errno.EHOSTUNREACH):
    child = Child(clients.attempt, address, 80, namespace=left)
    source, seen = child.result()
    expect.equal(seen, error, "the client's error")
    connect, = agent.exactly("connect", pid=child.pid)
    expect.holds(connect, outcome="unreachable", errno=errno.errorcode[error], source__port=source,
                 destination__address=address, destination__port=80, network_namespace=left.inode)


def _answer_unreachable(parent, ipv6):
    """A router that answers each TCP packet with "host unreachable", a little later, as one far away does.

    (The kernel's own router answers within the very call that sends, while the socket is locked: then the error only
    counts when the packet is sent again, a second later.)
    """
    kind = socket.AF_INET6 if ipv6 else socket.AF_INET
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IPV6 if ipv6 else ETH_P_IP))
    answerer = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if ipv6 else socket.IPPROTO_ICMP)
    parent.send("ready")
    while True:
        packet = sniffer.recv(2000)
        if packet[6 if ipv6 else 9] != socket.IPPROTO_TCP:
            continue
        time.sleep(0.05)
        sender = packet[8:24] if ipv6 else packet[12:16]
        code = b"\x01\x03" if ipv6 else b"\x03\x01"
        message = code + bytes(6) + packet[:60 if ipv6 else 28]
        if not ipv6:  # the kernel sums up ICMPv6 itself
            message = code + _checksum(message) + message[4:]
        answerer.sendto(message, (socket.inet_ntop(kind, sender), 0))


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def test_unreachable_by_icmp(agent):
    left, router = netns.Namespace(), netns.Namespace()
    cable = netns.Cable(left, router, 10)
    left.ip(f"route add 10.99.0.0/24 via {cable.right4}")
    Child(_answer_unreachable, False, namespace=router).receive()
    _unreachable(agent, left, "10.99.0.7")


def test_unreachable_by_icmpv6(agent):
    left, router = netns.Namespace(), netns.Namespace()
    cable = netns.Cable(left, router, 11)
    left.ip(f"route add fd99::/64 via {cable.right6}")
    Child(_answer_unreachable, True, namespace=router).receive()
    _unreachable(agent, left, "fd99::7")


def test_unreachable_for_want_of_a_neighbour(agent):
    left, right = netns.Namespace(), netns.Namespace()
    cable = netns.Cable(left, right, 12)
    left.set("net.ipv4.neigh.veth0.retrans_time_ms", 50)
    _unreachable(agent, left, f"{cable.subnet}.77")


def test_a_connect_refused_by_the_routing_table_sends_nothing(agent):
    """connect() fails before the first packet. The contract counts from the first packet: nothing is reported.

    An agent may one day tell of it as `unreachable`; it must never look like a connection.
    """
    space = netns.Namespace()
    space.ip("route add unreachable 10.99.0.0/24")
    child = Child(clients.attempt, "10.99.0.7", 80, namespace=space)
    expect.equal(child.result()[1], errno.EHOSTUNREACH, "the client's error")
    agent.settle()
    found = agent.find(("connect", "close"), pid=child.pid)
    expect.equal([event.get("outcome") for event in found], ["unreachable"] * len(found), "outcome", *found)
    expect.true(len(found) <= 1 and not agent.find("close", pid=child.pid), "more than one event", *found)
