# SPDX-License-Identifier: Apache-2.0
"""Outbound TCP connections that get their answer at once: who, from where, to where, what came of it."""

import ctypes
import errno
import os
import select
import socket
import time

import clients
import expect
import netns
import servers
from children import LIBC, Child, Program, check, start_time
from settings import workload

LOOPBACK = ("127.0.0.1", "::1")


def check_connection(agent, pid, server, source, address="127.0.0.1", server_address=None):
    """One connection, seen from both ends, and nobody else's: hands back the client's connect and close."""
    connect, close = agent.exactly("connect close", pid=pid)
    expect.holds(
        connect, direction="outbound", protocol="tcp", outcome="established", source__address=address,
        source__port=source, destination__address=server_address or address, destination__port=server.port,
        destination__name=None, destination__name_source="none", existing=None, quic=None, errno=None)
    expect.between(connect["duration_ns"], 0, 2e9, "duration of the connect", connect)
    expect.holds(
        close, connection=connect["connection"], direction="outbound", protocol="tcp", outcome=None,
        source=connect["source"], destination=connect["destination"],
        network_namespace=connect["network_namespace"], process=connect["process"])
    accept, end = agent.exactly("accept close", pid=server.pid)
    expect.holds(
        accept, direction="inbound", protocol="tcp", source=connect["source"],
        destination__address=connect["destination"]["address"], destination__port=server.port)
    expect.holds(end, connection=accept["connection"], direction="inbound")
    expect.true(accept["connection"] != connect["connection"], "both ends have one id", connect, accept)
    agent.only({pid, server.pid}, port=server.port)
    return connect, close


def test_established_ipv4(agent):
    server = servers.Echo()
    child = Child(clients.exchange, "127.0.0.1", server.port)
    connect, _ = check_connection(agent, child.pid, server, child.result())
    expect.equal(connect["network_namespace"], os.stat("/proc/self/ns/net").st_ino, "namespace", connect)


def test_established_ipv6(agent):
    server = servers.Echo("::1")
    child = Child(clients.exchange, "::1", server.port)
    check_connection(agent, child.pid, server, child.result(), "::1")


def test_ipv4_mapped_is_ipv4(agent):
    server = servers.Echo()
    child = Child(clients.exchange, "::ffff:127.0.0.1", server.port)
    check_connection(agent, child.pid, server, child.result(), "127.0.0.1")


def test_ipv4_to_a_dual_stack_listener_is_ipv4(agent):
    space = netns.Namespace()
    server = servers.Echo("::", dual=True, namespace=space)
    child = Child(clients.exchange, "127.0.0.1", server.port, namespace=space)
    connect, _ = check_connection(agent, child.pid, server, child.result(), "127.0.0.1")
    expect.equal(connect["network_namespace"], space.inode, "namespace", connect)


def test_process_is_right(agent):
    server = servers.Echo()
    child = Child(clients.held, "127.0.0.1", server.port)
    source, ticks = child.receive(), start_time(child.pid)
    connect = agent.wait_for("connect", pid=child.pid)
    expect.holds(
        connect, source__port=source, process__ppid=os.getpid(), process__uid=0, process__gid=0,
        process__executable=os.path.realpath(f"/proc/{child.pid}/exe"), process__existing=None, process__kernel=None)
    with open(f"/proc/{child.pid}/comm") as file:
        expect.equal(connect["process"]["name"], file.read().strip(), "name", connect)
    expect.between(expect.start_ticks(connect), ticks - 1, ticks + 1, "start time in clock ticks", connect)
    child.send()
    child.result()


def _refused(agent, address):
    with servers.listen(address) as listener:
        port = listener.getsockname()[1]
    child = Child(clients.attempt, address, port)
    source, error = child.result()
    expect.equal(error, errno.ECONNREFUSED, "the client's error")
    connect, = agent.exactly("connect", pid=child.pid)
    expect.holds(connect, outcome="refused", source__port=source, source__address=address, errno=None,
                 destination__address=address, destination__port=port)
    agent.only({child.pid}, port=port)


def _refused_from_any_port(parent, port):
    with socket.socket() as client:
        poll = select.poll()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        poll.register(client)
        poll.poll(5000)
        return client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def test_refused_without_bind_has_a_source_port(agent):
    """The kernel chose one before the first packet; whoever tells of the refusal can know it."""
    with servers.listen("127.0.0.1") as listener:
        port = listener.getsockname()[1]
    child = Child(_refused_from_any_port, port)
    expect.equal(child.result(), errno.ECONNREFUSED, "the client's error")
    connect, = agent.exactly("connect", pid=child.pid)
    expect.holds(connect, outcome="refused", destination__port=port)
    expect.between(connect["source"].get("port"), 1024, 65535, "source port", connect)


def test_refused_ipv4(agent):
    _refused(agent, "127.0.0.1")


def test_refused_ipv6(agent):
    _refused(agent, "::1")


def _non_blocking(parent, address, port):
    with socket.socket() as client:
        client.setblocking(False)
        expect.true(client.connect_ex((address, port)) in (0, errno.EINPROGRESS), "connect does not begin")
        poll = select.poll()
        poll.register(client, select.POLLOUT)
        poll.poll(5000)
        expect.equal(client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0, "SO_ERROR")
        source = client.getsockname()[1]
        client.setblocking(True)
        clients.finish(client)
    return source


def test_non_blocking(agent):
    server = servers.Echo()
    child = Child(_non_blocking, "127.0.0.1", server.port)
    check_connection(agent, child.pid, server, child.result())


def _bound(parent, address, port):
    with socket.socket() as client:
        client.bind(("127.0.0.2", 0))
        source = client.getsockname()[1]
        client.connect((address, port))
        clients.finish(client)
    return source


def test_bind_then_connect(agent):
    server = servers.Echo()
    child = Child(_bound, "127.0.0.1", server.port)
    check_connection(agent, child.pid, server, child.result(), "127.0.0.2", "127.0.0.1")


def _reuse(parent, port, other_port):
    """Connects, dissolves the connection by connect(AF_UNSPEC), connects the same socket elsewhere."""
    with socket.socket() as client:
        client.connect(("127.0.0.1", port))
        first = client.getsockname()[1]
        address = (ctypes.c_char * 16)()
        check(LIBC.connect(client.fileno(), address, 16), "connect(AF_UNSPEC)")
        client.connect(("127.0.0.1", other_port))
        second = client.getsockname()[1]
        cookie = clients.cookie(client)
        clients.finish(client)
    return [first, second, cookie]


def test_a_socket_used_twice_is_two_connections(agent):
    server, other = servers.Echo(), servers.Echo()
    child = Child(_reuse, server.port, other.port)
    first, second, cookie = child.result()
    one, two, one_ends, two_ends = agent.exactly("connect connect close close", pid=child.pid)
    expect.holds(one, source__port=first, destination__port=server.port, outcome="established")
    expect.holds(two, source__port=second, destination__port=other.port, outcome="established")
    expect.holds(one_ends, connection=one["connection"], source=one["source"], destination=one["destination"])
    expect.holds(two_ends, connection=two["connection"], source=two["source"], destination=two["destination"])
    numbers = [event["connection"].split(".") for event in (one, two)]
    expect.equal([number[0] for number in numbers], [f"{cookie:x}"] * 2, "socket cookie", one, two)
    expect.true(int(numbers[1][1]) > int(numbers[0][1]), "the second use does not count up", one, two)
    for end in (server, other):
        agent.exactly("accept close", pid=end.pid)


def _refused_then_established(parent, closed_port, port):
    with socket.socket() as client:
        expect.equal(client.connect_ex(("127.0.0.1", closed_port)), errno.ECONNREFUSED, "error")
        client.connect(("127.0.0.1", port))
        clients.finish(client)


def test_a_socket_that_was_refused_tries_again(agent):
    server = servers.Echo()
    with servers.listen("127.0.0.1") as listener:
        closed_port = listener.getsockname()[1]
    child = Child(_refused_then_established, closed_port, server.port)
    child.result()
    refused, established, close = agent.exactly("connect connect close", pid=child.pid)
    expect.holds(refused, outcome="refused", destination__port=closed_port)
    expect.holds(established, outcome="established", destination__port=server.port)
    expect.holds(close, connection=established["connection"], destination__port=server.port)
    expect.true(refused["connection"] != established["connection"], "one id for two uses", refused, established)


def _fast_open(parent, port):
    sources = []
    for _ in range(2):  # the first gets the cookie, the second sends data with its SYN
        with socket.socket() as client:
            client.sendto(b"early data", socket.MSG_FASTOPEN, ("127.0.0.1", port))
            sources.append(client.getsockname()[1])
            expect.equal(client.recv(100), b"early data", "echo")
            clients.finish(client)
    return sources


def test_fast_open(agent):
    space = netns.Namespace()
    space.set("net.ipv4.tcp_fastopen", 3)
    server = servers.Echo(namespace=space, fast_open=True)
    child = Child(_fast_open, server.port, namespace=space)
    sources = child.result()
    connects = agent.exactly("connect connect close close", pid=child.pid)
    expect.equal([event["source"]["port"] for event in connects[:2]], sources, "source ports", *connects)
    for event in connects[:2]:
        expect.holds(event, outcome="established", destination__port=server.port)
    for event in connects[2:]:
        expect.holds(event, bytes={"acknowledged": 10, "unacknowledged": 0, "received": 10})
    agent.exactly("accept accept close close", pid=server.pid)


def _simultaneously(parent, addresses):
    sockets = []
    for address, port in addresses:
        client = socket.socket(clients.family(address), socket.SOCK_STREAM)
        client.connect((address, port))
        sockets.append(client)
    sources = [client.getsockname()[1] for client in sockets]
    for client in reversed(sockets):
        clients.finish(client)
        client.close()
    return sources


def test_many_open_at_a_time_are_kept_apart(agent):
    ends = [servers.Echo(address) for address in LOOPBACK]
    targets = [(address, end.port) for address, end in zip(LOOPBACK, ends)] * 20
    child = Child(_simultaneously, targets)
    sources = child.result()
    found = agent.exactly("connect " * 40 + "close " * 40, pid=child.pid)
    for source, (address, port), connect in zip(sources, targets, found[:40]):
        expect.holds(connect, source__port=source, destination__address=address, destination__port=port)
    opened = [event["connection"] for event in found[:40]]
    expect.equal(len(set(opened)), 40, "different ids")
    expect.equal([event["connection"] for event in found[40:]], opened[::-1], "ids in the order of closing")


def test_times_are_those_of_the_events(agent):
    server = servers.Echo()
    before = time.time_ns()
    child = Child(clients.held, "127.0.0.1", server.port)
    child.receive()
    middle = time.time_ns()
    agent.wait_for("connect", pid=child.pid)
    time.sleep(0.05)
    later = time.time_ns()
    child.send()
    child.result()
    connect, close = agent.exactly("connect close", pid=child.pid)
    expect.between(expect.time_ns(connect), before - 2e6, middle + 2e6, "time of the connect", connect)
    expect.between(expect.time_ns(close), later - 2e6, time.time_ns() + 2e6, "time of the close", close)


def test_curl(agent):
    server = servers.Http()
    curl = Program("curl", "-s", "--noproxy", "*", f"http://127.0.0.1:{server.port}/")
    expect.equal(curl.result(), "hello", "curl's output")
    connect, close = agent.exactly("connect close", pid=curl.pid)
    expect.holds(connect, process__name="curl", process__executable=os.path.realpath(expect.which("curl")),
                 outcome="established", destination__port=server.port)
    expect.equal(close["bytes"]["received"], 43, "received", close)
    agent.exactly("accept close", pid=server.pid)
    agent.only({curl.pid, server.pid}, port=server.port)


def test_python(agent):
    server = servers.Http()
    address = f"http://127.0.0.1:{server.port}/"
    code = f"import urllib.request as r; r.build_opener(r.ProxyHandler({{}})).open('{address}').read()"
    python = Program("/usr/bin/python3", "-c", code)
    python.result()
    connect, _ = agent.exactly("connect close", pid=python.pid)
    expect.holds(connect, process__name="python3", process__executable=os.path.realpath("/usr/bin/python3"),
                 outcome="established", destination__address="127.0.0.1", destination__port=server.port)
    agent.only({python.pid, server.pid}, port=server.port)


def test_a_thread_counts_as_its_process(agent):
    server = servers.Echo()
    program = Program(workload("thread_connect"), "127.0.0.1", server.port)
    pid, thread, source = map(int, program.result().split())
    expect.equal(pid, program.pid, "pid")
    connect, _ = check_connection(agent, pid, server, source)
    expect.holds(connect, process__name="thread_connect", process__executable=workload("thread_connect"))
    expect.equal(agent.find(pid=thread), [], "events of the thread as if it were a process")
