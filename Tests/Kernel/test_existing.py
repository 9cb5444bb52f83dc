# SPDX-License-Identifier: Apache-2.0
"""What was there before the agent: connections, listeners, processes."""

import os
import socket
import threading

import clients
import expect
import netns
import servers
import tls_servers
from children import Child, Program, start_time
from harness import Agent
from settings import NOBODY


def _listed_then_closed(address, child, server, source):
    """Starts an agent, ends the child's connection, and checks both ends' stories."""
    agent = Agent()
    connect, = agent.exactly("connect", pid=child.pid)
    accept, = agent.exactly("accept", pid=server.pid)
    expect.holds(connect, existing=True, direction="outbound", protocol="tcp", source__address=address,
                 source__port=source, destination__address=address, destination__port=server.port,
                 process__existing=True, destination__name=None)
    expect.between(expect.start_ticks(connect), start_time(child.pid) - 1, start_time(child.pid) + 1, "start", connect)
    expect.holds(accept, existing=True, direction="inbound", source=connect["source"], process__existing=True,
                 destination__address=address, destination__port=server.port)
    child.send()
    child.result()
    for pid, first, kinds in ((child.pid, connect, "connect close"), (server.pid, accept, "accept close")):
        _, close = agent.exactly(kinds, pid=pid)
        expect.holds(close, connection=first["connection"], source=first["source"], process=first["process"],
                     direction=first["direction"], bytes={"acknowledged": 5, "unacknowledged": 0, "received": 5})
    agent.only({child.pid, server.pid}, port=server.port)
    agent.stop()


def test_ipv4_connection():
    server = servers.Echo()
    child = Child(clients.held, "127.0.0.1", server.port, b"hello", 5)
    _listed_then_closed("127.0.0.1", child, server, child.receive())


def test_ipv6_connection():
    server = servers.Echo("::1")
    child = Child(clients.held, "::1", server.port, b"hello", 5)
    _listed_then_closed("::1", child, server, child.receive())


def test_connection_in_another_namespace():
    space = netns.Namespace()
    server = servers.Echo(namespace=space)
    child = Child(clients.held, "127.0.0.1", server.port, namespace=space)
    source = child.receive()
    agent = Agent()
    connect, = agent.exactly("connect", pid=child.pid)
    expect.holds(connect, existing=True, source__port=source, destination__port=server.port,
                 network_namespace=space.inode)
    child.send()
    child.result()
    _, close = agent.exactly("connect close", pid=child.pid)
    expect.holds(close, connection=connect["connection"], network_namespace=space.inode)
    agent.stop()


def _thread_holds(parent, address, port):
    """The connection is made and held by a thread; the process's first thread only waits."""
    thread = threading.Thread(target=clients.held, args=(parent, address, port))
    thread.start()
    thread.join()


def test_connection_of_a_thread():
    server = servers.Echo()
    child = Child(_thread_holds, "127.0.0.1", server.port)
    child.receive()
    agent = Agent()
    agent.exactly("connect", pid=child.pid)
    child.send()
    child.result()
    agent.exactly("connect close", pid=child.pid)
    agent.stop()


def _share_and_hold(parent, address, port):
    with socket.create_connection((address, port)) as client:
        heir = Child(_hold, client.fileno())
        parent.send(heir.pid)
        parent.receive()
        heir.send()
        heir.result()
        clients.finish(client)


def _hold(parent, fileno):
    parent.receive()


def test_a_connection_that_two_processes_hold_is_listed_once():
    server = servers.Echo()
    child = Child(_share_and_hold, "127.0.0.1", server.port)
    heir = child.receive()
    agent = Agent()
    accept, = agent.exactly("accept", pid=server.pid)
    listed = agent.find("connect", source__port=accept["source"]["port"])
    expect.equal(len(listed), 1, "number of listings", *listed)
    expect.true(listed[0]["process"]["pid"] in (child.pid, heir), "a stranger has it", *listed)
    child.send()
    child.result()
    agent.exactly("accept close", pid=server.pid)
    closed = agent.find("close", connection=listed[0]["connection"])
    expect.equal(len(closed), 1, "number of closes", *closed)
    agent.stop()


def test_a_listener_that_was_there_is_attributed():
    server = servers.Echo()
    agent = Agent()
    agent.exactly("", pid=server.pid)
    child = Child(clients.exchange, "127.0.0.1", server.port)
    child.result()
    accept, _ = agent.exactly("accept close", pid=server.pid)
    expect.holds(accept, existing=None, process__existing=True, process__ppid=os.getpid(),
                 process__executable=os.path.realpath("/proc/self/exe"))
    connect, _ = agent.exactly("connect close", pid=child.pid)
    expect.holds(connect, existing=None, process__existing=None)
    agent.stop()


def _connect_when_told(parent, address, port):
    parent.send("ready")
    parent.receive()
    return clients.exchange(parent, address, port)


def test_a_process_that_was_there_is_known():
    server = servers.Echo()
    child = Child(_connect_when_told, "127.0.0.1", server.port, user=NOBODY)
    child.receive()
    agent = Agent()
    agent.settle()  # it has looked at what there is
    expect.equal(agent.find(("exec", "exit"), pid=child.pid), [], "events of a process that only waits")
    child.send()
    source = child.result()
    connect, _ = agent.exactly("connect close", pid=child.pid)
    with open("/proc/self/comm") as file:
        name = file.read().strip()
    expect.holds(connect, source__port=source, existing=None, process__existing=True, process__uid=NOBODY,
                 process__gid=NOBODY, process__ppid=os.getpid(), process__name=name,
                 process__executable=os.path.realpath("/proc/self/exe"))
    expect.equal(connect["process"]["ancestors"][0], name, "parent's name", connect)
    ended = agent.wait_for("exit", pid=child.pid)
    expect.holds(ended, exit={"code": 0}, process__existing=True)
    agent.stop()


def _udp(parent, address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"before", (address, port))
        client.recv(100)
        parent.send(client.getsockname()[1])
        parent.receive()
        client.sendto(b"after", (address, port))
        client.recv(100)


def test_a_udp_socket_that_was_there_goes_on():
    """Its flow begins, for the agent, with the first datagram that it sees."""
    server = servers.UdpEcho()
    child = Child(_udp, "127.0.0.1", server.port)
    source = child.receive()
    agent = Agent()
    child.send()
    child.result()
    connect, close = agent.exactly("connect close", pid=child.pid)
    expect.holds(connect, protocol="udp", source__port=source, destination__port=server.port, process__existing=True)
    expect.holds(close, connection=connect["connection"], bytes={"sent": 5, "received": 5})
    agent.stop()


def _handshake_when_told(parent, port):
    with socket.create_connection(("127.0.0.1", port)) as plain:
        parent.send("connected")
        parent.receive()
        with tls_servers.client_context().wrap_socket(plain, server_hostname="old.example.test") as stream:
            stream.sendall(b"hello")
            while stream.recv(100):
                pass


def test_a_handshake_on_a_connection_that_was_there():
    server = tls_servers.PythonTls()
    child = Child(_handshake_when_told, server.port)
    child.receive()
    agent = Agent()
    connect, = agent.exactly("connect", pid=child.pid)
    child.send()
    child.result()
    _, sni, close = agent.exactly("connect sni close", pid=child.pid)
    expect.holds(sni, connection=connect["connection"], sni__name="old.example.test",
                 destination__name="old.example.test", destination__name_source="sni")
    expect.holds(close, connection=connect["connection"], destination__name="old.example.test")
    agent.stop()


def test_a_library_that_was_mapped_is_seen():
    """This process and its children have had libssl mapped all along."""
    server = tls_servers.PythonTls()
    agent = Agent()
    program = Program("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "m.example.test")
    program.result(text="Q\n")
    sni = agent.wait_for("sni", pid=program.pid)
    expect.equal(sorted(sni["sni"]["sources"]), ["ssl_ctrl", "wire"], "sources", sni)
    agent.stop()
