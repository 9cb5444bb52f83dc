# SPDX-License-Identifier: Apache-2.0
"""The end of TCP connections: bytes that count, lives, owners. And who is named when a connection comes in."""

import array
import fcntl
import os
import signal
import socket
import struct
import termios
import time

import clients
import expect
import netns
import servers
from children import Child, Program
from settings import workload

LINGER_ZERO = struct.pack("ii", 1, 0)  # close() resets


def counts(acknowledged, unacknowledged, received):
    return {"acknowledged": acknowledged, "unacknowledged": unacknowledged, "received": received}


def _exact(agent, payload, reply):
    server = servers.Sink(reply=b"y" * reply)
    child = Child(_send, server.port, payload)
    child.result()
    _, close = agent.exactly("connect close", pid=child.pid)
    expect.equal(close["bytes"], counts(payload, 0, reply), "the client's bytes", close)
    _, close = agent.exactly("accept close", pid=server.pid)
    expect.equal(close["bytes"], counts(reply, 0, payload), "the server's bytes", close)


def _send(parent, port, size):
    with socket.create_connection(("127.0.0.1", port)) as client:
        clients.finish(client, b"x" * size)


def test_no_bytes(agent):
    _exact(agent, 0, 0)


def test_one_byte_each_way(agent):
    _exact(agent, 1, 1)


def test_megabytes(agent):
    _exact(agent, 3_000_001, 1_000_003)


def test_duration_is_the_connections_life(agent):
    server = servers.Echo()
    child = Child(clients.held, "127.0.0.1", server.port)
    child.receive()
    start = time.monotonic_ns()
    time.sleep(0.3)
    held = time.monotonic_ns() - start
    child.send()
    child.result()
    whole = time.monotonic_ns() - start
    for pid, kinds in ((child.pid, "connect close"), (server.pid, "accept close")):
        _, close = agent.exactly(kinds, pid=pid)
        expect.between(close["duration_ns"], held - 5e6, whole + 1e9, "duration", close)


def _accept_and_count(parent, address):
    """A server for one connection that never reads; says, when asked, how much has arrived."""
    listener = servers.listen(address)
    parent.send(listener.getsockname()[1])
    connection = listener.accept()[0]
    parent.send("accepted")
    parent.receive()
    waiting = array.array("i", [0])
    fcntl.ioctl(connection, termios.FIONREAD, waiting)
    parent.send(waiting[0])
    parent.receive()


def _write_and_reset(parent, address, port, size):
    """Sends 10 bytes; when told writes as much as fits of `size` bytes; when told closes with a reset."""
    client = socket.create_connection((address, port))
    client.sendall(b"0123456789")
    parent.send(client.getsockname()[1])
    parent.receive()
    client.setblocking(False)
    written = 0
    while written < size:
        try:
            written += client.send(b"z" * min(size - written, 65536))
        except BlockingIOError:
            break
    parent.send(written)
    parent.receive()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    client.close()


def test_payload_that_was_never_delivered_is_unacknowledged(agent):
    left, right = netns.Namespace(), netns.Namespace()
    cable = netns.Cable(left, right, 20)
    server = Child(_accept_and_count, cable.right4, namespace=right)
    client = Child(_write_and_reset, cable.right4, server.receive(), 5000, namespace=left)
    client.receive()
    server.receive()
    server.send()
    expect.equal(server.receive(), 10, "bytes that arrived")
    cable.swallow(cable.right4)
    client.send()
    expect.equal(client.receive(), 5000, "bytes written")
    time.sleep(0.25)
    client.send()
    client.result()
    _, close = agent.exactly("connect close", pid=client.pid)
    expect.equal(close["bytes"], counts(10, 5000, 0), "bytes", close)


def test_payload_behind_a_full_window_is_unacknowledged(agent):
    server = Child(_accept_and_count, "127.0.0.1")
    port = server.receive()
    client = Child(_write_and_reset, "127.0.0.1", port, 64_000_000)
    client.receive()
    server.receive()
    client.send()
    written = 10 + client.receive()
    time.sleep(0.3)
    server.send()
    arrived = server.receive()
    time.sleep(0.1)
    client.send()
    client.result()
    _, close = agent.exactly("connect close", pid=client.pid)
    expect.true(arrived < written, "the window never filled")
    expect.equal(close["bytes"], counts(arrived, written - arrived, 0), "bytes", close)


def _leave_unread(parent, port):
    """A server that closes with data unread: the kernel resets."""
    listener = servers.listen("127.0.0.1", port)
    parent.send(listener.getsockname()[1])
    connection = listener.accept()[0]
    while connection.recv(100, socket.MSG_PEEK) != b"x" * 100:
        time.sleep(0.001)
    connection.close()


def _send_until_reset(parent, port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"x" * 100)
        try:
            client.recv(1)
        except ConnectionResetError:
            return "reset"
    return "end"


def test_reset_with_unread_data(agent):
    server = Child(_leave_unread, 0)
    port = server.receive()
    client = Child(_send_until_reset, port)
    expect.equal(client.result(), "reset", "what the client saw")
    connect, close = agent.exactly("connect close", pid=client.pid)
    expect.holds(connect, outcome="established")
    expect.equal(close["bytes"], counts(100, 0, 0), "bytes that the peer's kernel confirmed", close)
    _, close = agent.exactly("accept close", pid=server.pid)
    expect.equal(close["bytes"], counts(0, 0, 100), "bytes", close)


def test_a_killed_process_closes_its_connection(agent):
    server = servers.Echo()
    child = Child(clients.held, "127.0.0.1", server.port)
    child.receive()
    agent.wait_for("connect", pid=child.pid)
    child.kill(signal.SIGKILL)
    connect, close = agent.exactly("connect close", pid=child.pid)
    expect.holds(close, connection=connect["connection"], process=connect["process"])


def _share(parent, port):
    """Connects, forks, closes; the child of the child closes later."""
    client = socket.create_connection(("127.0.0.1", port))
    child = os.fork()
    if child == 0:
        time.sleep(0.2)
        clients.finish(client, b"inherited")
        os._exit(0)
    client.close()
    os.waitpid(child, 0)
    return child


def test_a_shared_socket_closes_once(agent):
    server = servers.Echo()
    parent = Child(_share, server.port)
    heir = parent.result()
    connect = agent.wait_for("connect", pid=parent.pid)
    agent.exactly("accept close", pid=server.pid)
    found = agent.find("close", connection=connect["connection"])
    expect.equal(len(found), 1, "number of closes", *found)
    expect.between(found[0]["duration_ns"], 0.19e9, 10e9, "duration", *found)
    expect.equal(found[0]["bytes"], counts(9, 0, 9), "bytes", *found)
    expect.true(found[0]["process"]["pid"] in (parent.pid, heir), "a stranger closed it", *found)


def _half_close(parent, port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        while client.recv(100):
            pass


def test_half_close_is_no_close(agent):
    server = servers.Sink(reply=b"still here")
    child = Child(_half_close, server.port)
    child.result()
    _, close = agent.exactly("connect close", pid=child.pid)
    expect.equal(close["bytes"], counts(0, 0, 10), "bytes", close)


def _prefork(parent):
    """A listener made here; a child of this process accepts."""
    listener = servers.listen("127.0.0.1")
    worker = Child(_accept_one, listener.fileno())
    parent.send([listener.getsockname()[1], worker.pid])
    worker.result()


def _accept_one(parent, fileno):
    with socket.socket(fileno=fileno) as listener:
        connection = listener.accept()[0]
        while connection.recv(100):
            pass
        connection.close()


def test_the_accepting_side_is_named_with_a_shared_listener(agent):
    """Both the process that made the listener and the one that took the connection are true; others are not."""
    server = Child(_prefork)
    port, worker = server.receive()
    child = Child(clients.exchange, "127.0.0.1", port)
    source = child.result()
    accept = agent.wait_for("accept", port=port)
    expect.true(accept["process"]["pid"] in (server.pid, worker), "a stranger accepted", accept)
    expect.holds(accept, source__port=source, source__address="127.0.0.1", destination__port=port)
    agent.only({child.pid, server.pid, worker}, port=port)


def test_a_listener_on_a_port_that_others_had_before_is_attributed(agent):
    for _ in range(2):
        with servers.listen("127.0.0.1") as first:
            port = first.getsockname()[1]
        server = servers.Echo(port=port)
        child = Child(clients.exchange, "127.0.0.1", port)
        child.result()
        agent.exactly("accept close", pid=server.pid)
        agent.only({child.pid, server.pid}, port=port)


def test_the_listener_of_the_address_is_meant(agent):
    """Two servers on one port: one on each of two addresses."""
    first = servers.Echo("127.0.0.1")
    second = servers.Echo("127.0.0.2", port=first.port)
    for server, address in ((second, "127.0.0.2"), (first, "127.0.0.1")):
        child = Child(clients.exchange, address, server.port)
        child.result()
        accept, _ = agent.exactly("accept close", pid=server.pid)
        expect.holds(accept, destination__address=address)


def test_peer_of_an_accepted_connection(agent):
    left, right = netns.Namespace(), netns.Namespace()
    cable = netns.Cable(left, right, 21)
    for address, peer in ((cable.right4, cable.left4), (cable.right6, cable.left6)):
        server = servers.Echo(address, namespace=right)
        child = Child(clients.exchange, address, server.port, namespace=left)
        source = child.result()
        accept, _ = agent.exactly("accept close", pid=server.pid)
        expect.holds(accept, source__address=peer, source__port=source, destination__address=address,
                     destination__port=server.port, network_namespace=right.inode)
        connect, _ = agent.exactly("connect close", pid=child.pid)
        expect.holds(connect, network_namespace=left.inode, source__address=peer, destination__address=address)


def test_a_connection_answered_twice_at_once_is_one(agent):
    """The kernel makes a socket for each answer to its SYN-ACK and closes the later one's, which nobody ever had."""
    program = Program(workload("answered_twice"), "300")
    program.result()
    events = agent.exactly("accept close " * 300, pid=program.pid)
    expect.equal(len({event["connection"] for event in events}), 300, "connections")
