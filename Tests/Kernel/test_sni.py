# SPDX-License-Identifier: Apache-2.0
"""The server name that each TLS client sent, whatever its library: from the wire, and from SSL_ctrl for OpenSSL."""

import os
import socket
import ssl

import clients
import expect
import servers
import tls_servers
from children import Child, Program
from settings import workload


def check_name(agent, pid, port, name, sources, **wanted):
    """One connection with one sni event; the close has the name too."""
    connect, sni, close = agent.exactly("connect sni close", pid=pid)
    expect.holds(connect, outcome="established", destination__port=port, destination__name=None,
                 destination__name_source="none")
    expect.equal(sorted(sni["sni"]["sources"]), sorted(sources), "sources", sni)
    expect.holds(sni, sni__name=name, connection=connect["connection"], source=connect["source"],
                 process__pid=pid, destination__name=name, destination__name_source="sni", sni__ech=None, **wanted)
    expect.holds(close, connection=connect["connection"], destination__name=name, destination__name_source="sni")
    return sni


OPENSSL = ("wire", "ssl_ctrl")


def test_openssl(agent):
    server = tls_servers.OpensslServer()
    program = Program("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "a.example.test")
    program.result(text="GET / HTTP/1.0\r\n\r\n")
    check_name(agent, program.pid, server.port, "a.example.test", OPENSSL,
               process__executable=os.path.realpath(expect.which("openssl")))
    agent.only({program.pid, server.pid}, port=server.port)


def test_openssl_with_protocols(agent):
    server = tls_servers.PythonTls()
    program = Program("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "a.example.test",
                      "-alpn", "h2,http/1.1")
    program.result(text="Q\n")
    check_name(agent, program.pid, server.port, "a.example.test", OPENSSL, sni__alpn=["h2", "http/1.1"])


def test_curl(agent):
    server = tls_servers.PythonTls()
    place = f"b.example.test:{server.port}"
    program = Program("curl", "-sk", "--noproxy", "*", "--http1.1", "--resolve", f"{place}:127.0.0.1",
                      f"https://{place}/")
    expect.equal(program.result(), "hello", "curl's output")
    check_name(agent, program.pid, server.port, "b.example.test", OPENSSL)


def test_gnutls(agent):
    server = tls_servers.PythonTls()
    program = Program("gnutls-cli", "--insecure", "--sni-hostname", "c.example.test", "-p", server.port, "127.0.0.1")
    program.result(text="hello\n", status=None)
    check_name(agent, program.pid, server.port, "c.example.test", ["wire"])


def test_go(agent):
    server = tls_servers.PythonTls()
    program = Program(workload("go_tls_client"), f"127.0.0.1:{server.port}", "d.example.test")
    program.result()
    check_name(agent, program.pid, server.port, "d.example.test", ["wire"],
               process__executable=workload("go_tls_client"))


def _python_client(parent, address, port, name):
    with socket.create_connection((address, port)) as plain:
        with tls_servers.client_context().wrap_socket(plain, server_hostname=name) as stream:
            stream.sendall(b"hello")
            while stream.recv(100):
                pass


def test_python(agent):
    server = tls_servers.PythonTls()
    child = Child(_python_client, "127.0.0.1", server.port, "e.example.test")
    child.result()
    check_name(agent, child.pid, server.port, "e.example.test", OPENSSL)


def test_python_ipv6(agent):
    server = tls_servers.PythonTls("::1")
    child = Child(_python_client, "::1", server.port, "f.example.test")
    child.result()
    check_name(agent, child.pid, server.port, "f.example.test", OPENSSL)


def _crossed(parent, port, names):
    """Opens all connections first, then lets the handshakes begin in the other order."""
    plain = [socket.create_connection(("127.0.0.1", port)) for _ in names]
    context = tls_servers.client_context()
    sources = {name: client.getsockname()[1] for name, client in zip(names, plain)}
    streams = [context.wrap_socket(client, server_hostname=name, do_handshake_on_connect=False)
               for name, client in zip(names, plain)]
    for stream in reversed(streams):
        stream.setblocking(False)
        try:
            stream.do_handshake()
        except ssl.SSLWantReadError:
            pass
    for stream in streams:
        stream.close()
    return sources


def test_two_connections_of_one_process_are_not_mixed(agent):
    server = servers.Sink()
    names = ["one.example.test", "two.example.test", "three.example.test"]
    child = Child(_crossed, server.port, names)
    sources = child.result()
    found = agent.exactly("connect connect connect sni sni sni close close close", pid=child.pid)
    ids = {event["source"]["port"]: event["connection"] for event in found[:3]}
    wanted = {(name, source, ids[source]) for name, source in sources.items()}
    expect.equal({(event["sni"]["name"], event["source"]["port"], event["connection"]) for event in found[3:6]}, wanted,
                 "names, ports and ids", *found)
    expect.equal({(event["destination"].get("name"), event["source"]["port"], event["connection"])
                  for event in found[6:]}, wanted, "names, ports and ids at the close", *found)
    for event in found[3:6]:
        expect.equal(sorted(event["sni"]["sources"]), sorted(OPENSSL), "sources", event)


def test_no_server_name(agent):
    server = tls_servers.PythonTls()
    program = Program("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-noservername")
    program.result(text="Q\n")
    connect, close = agent.exactly("connect close", pid=program.pid)
    for event in (connect, close):
        expect.holds(event, destination__name=None, destination__name_source="none")


def test_no_tls(agent):
    server = servers.Http()
    child = Child(clients.exchange, "127.0.0.1", server.port, b"GET / HTTP/1.1\r\nHost: g.example.test\r\n\r\n")
    child.result()
    _, close = agent.exactly("connect close", pid=child.pid)
    expect.holds(close, destination__name=None, destination__name_source="none")


def _asks_only(parent):
    """Sets the server name of a TLS object that never meets the wire."""
    context = tls_servers.client_context()
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="never.example.test")


def test_a_name_that_was_never_sent_has_no_connection(agent):
    child = Child(_asks_only)
    child.result()
    sni = agent.wait_for("sni", pid=child.pid, timeout=20)
    expect.holds(sni, sni__name="never.example.test", sni__sources=["ssl_ctrl"], connection=None, source=None,
                 destination=None)


def _late_hello(parent, port):
    with socket.create_connection(("127.0.0.1", port)) as plain:
        parent.send("connected")
        parent.receive()
        with tls_servers.client_context().wrap_socket(plain, server_hostname="late.example.test") as stream:
            stream.sendall(b"hello")
            while stream.recv(100):
                pass


def test_a_handshake_long_after_the_connect(agent):
    server = tls_servers.PythonTls()
    child = Child(_late_hello, server.port)
    child.receive()
    agent.exactly("connect", pid=child.pid)
    child.send()
    child.result()
    check_name(agent, child.pid, server.port, "late.example.test", OPENSSL)
