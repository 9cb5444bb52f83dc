# SPDX-License-Identifier: Apache-2.0
"""A small world for the DNS tests: a namespace with a resolver, addresses, and servers that the names lead to."""

import socket
import struct

import children
import cleanup
import dns_packets as dns
import netns
import servers
from clients import finish
from dns_server import UNASKED_ADDRESS, DnsServer

RESOLVER, IMPOSTOR, LOCAL_RESOLVER = "10.77.0.53", "10.77.0.54", "127.0.0.53"


def a(address, ttl=60):
    return (dns.A, ttl, address)


ZONE = {
    "plain.example.test": [a("10.77.0.11"), (dns.AAAA, 60, "fd77::11")],
    "second.example.test": [a("10.77.0.12")],
    "www.example.test": [(dns.CNAME, 60, "a.cdn.test")],
    "a.cdn.test": [(dns.CNAME, 60, "edge.cdn.test")],
    "edge.cdn.test": [a("10.77.0.13")],
    "several.example.test": [a("10.77.0.14"), a("10.77.0.15"), a("10.77.0.16")],
    "many.example.test": [a(f"10.77.1.{last}") for last in range(1, 65)],
    "one.example.test": [a("10.77.0.17")],
    "two.example.test": [a("10.77.0.17")],
    "brief.example.test": [a("10.77.0.18", ttl=1)],
    "split.example.test": [a("10.77.0.19")],
    "truncated.example.test": [a("10.77.0.20")],
    "wrongid.example.test": [a("10.77.0.21")],
    "spoofed.example.test": [a("10.77.0.22")],
    "extra.example.test": [a("10.77.0.23")],
    "loop.example.test": [],
    "empty.example.test": [(dns.TXT, 60, b"\x02hi")],
    "six.example.test": [(dns.AAAA, 60, "fd77::24")],
    "x" * 60 + "." + "y" * 60 + "." + "z" * 60 + ".example.test": [a("10.77.0.25")],
}


class Site:
    def __init__(self):
        self.namespace = netns.Namespace()
        for last in (*range(11, 30), 53, 54):
            self.namespace.add_address(f"10.77.0.{last}/32")
        self.namespace.add_address(UNASKED_ADDRESS + "/32")
        self.namespace.ip("route add local 10.77.1.0/24 dev lo")
        for last in ("11", "24"):
            self.namespace.add_address(f"fd77::{last}/128")
        self.resolver = DnsServer(RESOLVER, IMPOSTOR, ZONE, self.namespace)
        self.local_resolver = DnsServer(LOCAL_RESOLVER, "127.0.0.54", ZONE, self.namespace)
        self.server = servers.Sink("::", dual=True, namespace=self.namespace)
        self.port = self.server.port

    def client(self, *steps, **options):
        """A process that takes the steps (see `take_steps`) one after another."""
        return children.Child(take_steps, self.port, steps, namespace=self.namespace, **options)


site = cleanup.once("run")(Site)


def resolve(name, kind=dns.A, resolver=RESOLVER, with_edns=False, ident=None):
    """One query over UDP; hands back the addresses in the first message that comes, None if none does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.sendto(dns.query(ident or _ident(name), name, kind, with_edns), (resolver, 53))
        try:
            first = client.recv(8192)
            if name.startswith("extra."):
                client.recv(8192)  # a datagram counts only if the socket is still there when it comes
            return dns.read_addresses(first)
        except TimeoutError:
            return None


def resolve_over_tcp(*names, resolver=RESOLVER):
    """All queries in one segment over one connection; hands back the addresses in the answers."""
    messages = [dns.query(_ident(name), name) for name in names]
    with socket.create_connection((resolver, 53)) as client:
        client.sendall(b"".join(struct.pack("!H", len(message)) + message for message in messages))
        return [dns.read_addresses(_read_message(client)) for _ in names]


def _read_message(client):
    def exactly(size):
        data = b""
        while len(data) < size:
            got = client.recv(size - len(data))
            if not got:
                raise EOFError("the resolver closed early")
            data += got
        return data

    return exactly(struct.unpack("!H", exactly(2))[0])


def _ident(name):
    return sum(name.encode()) * 257 & 0xFFFF or 1


def take_steps(parent, port, steps):
    """Hands back each step's result.

    `resolve` NAME [options], `tcp` NAME..., `connect` ADDRESS [payload in hex], `wait` for the test, `fork` STEP...
    """
    results = []
    for verb, *arguments in steps:
        if verb == "resolve":
            options = arguments[1] if len(arguments) > 1 else {}
            results.append(resolve(arguments[0], **options))
        elif verb == "tcp":
            results.append(resolve_over_tcp(*arguments))
        elif verb == "connect":
            results.append(_connect(port, *arguments))
        elif verb == "fork":
            child = children.Child(take_steps, port, arguments)
            results.append([child.pid, child.result()])
        elif verb == "wait":
            parent.send("waiting")
            parent.receive()
            results.append(None)
        else:
            raise ValueError(verb)
    return results


def _connect(port, address, payload=""):
    """`payload` in hex, as it may come from JSON."""
    with socket.create_connection((address, port)) as client:
        source = client.getsockname()[1]
        finish(client, bytes.fromhex(payload))
    return source
