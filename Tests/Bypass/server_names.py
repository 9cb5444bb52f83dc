# SPDX-License-Identifier: Apache-2.0
"""Attempts at the name gate: an address that a name opens, and another name to it."""

import names
import resolver
import scopes
import sessions
from attempts import MEMBER, SECCOMP, Attempt
from settings import workload

NAME = "egress: the name gate"
RULES = ('allow "*.ok.test"', "allow 10.78.0.0/17", 'block "*.evil.test"', 'allow "*.plain.test", verify: address')
USER = ("user",)
WHATS = ("another name", "a name that rules allow, of another address", "another name in capitals, with a dot", "the name, a zero, another name",
         "another name, a zero, the name", "the name below another", "a name of 255 characters", "an address for a name", "no name", "an empty name",
         "two names in a list", "two lists of names", "another name behind 12,000 bytes", "another name behind 60,000 bytes",
         "another name in records of 20 bytes", "another name in an encrypted ClientHello's outer one", "a ClientHello of SSL 2", "an alert first",
         "plain HTTP", "bytes")


def _row(name, way, arguments, **fields):
    return Attempt(f"name: {name}", way, fields.pop("gate", NAME), arguments, **{"who": USER, "counts": "marker", "needs": "resolver", **fields})


def _rows():
    for what in WHATS:
        yield _row(what, "tls", {"what": what}, who=(*USER, "container", MEMBER) if what == "another name" else USER,
                   peers="any gate of addresses: Cilium's FQDN policies, OpenSnitch, CDN addresses" if what == "another name" else "")
    for how in ("pieces", "halves", "more", "fast open", "sendfile", "splice", "vmsplice", "tee", "zero copy"):
        yield _row(f"another name, {how}", "tls", {"what": "another name", "how": how}, is_optional=how == "zero copy",
                   has_control=how in ("pieces", "halves", "more", "fast open"))
    yield _row("the name with a byte out of band", "tls", {"what": "the name", "how": "out of band"}, has_control=False)
    for how in ("sendfile", "splice", "vmsplice"):
        yield _row(f"the name in memory that can change, {how}", "tls", {"what": "the name", "how": how}, has_control=False)
    for operation in ("tcp", "zero"):
        yield _row(f"another name, by io_uring: {operation}", "tls_by_ring",
                   {"what": "another name", "program": workload("io_uring_send"), "how": "plain", "operation": operation}, who=(*USER, MEMBER),
                   is_optional=True, has_control=operation != "zero", contained=SECCOMP)
    yield _row("another name on a socket's second connection", "tls_again", {})
    yield _row("bytes that the kernel encrypts", "tls_by_kernel", {}, is_optional=True, has_control=False)
    for port in (443, 8443):
        yield _row(f"QUIC to port {port}", "quic", {"port": port}, gate="sendmsg4/6", has_control=False)
    for behind, text in (("", ""), ("change", " behind a change of ciphers"), ("early", " behind early data"), ("record", " in the first one's record")):
        yield _row(f"another name in a second ClientHello{text}", "second_hello", {"behind": behind}, has_control=behind != "record")
    for host, what in (("another", "another Host"), ("first the name, then another", "another Host in the second request")):
        yield _row(f"plain HTTP where the address is enough, {what}", "http", {"host": host}, has_control=False, gate="none",
                   open="`verify: address` trusts whoever has the address: no gate reads what is behind it; where it is not set plain HTTP is refused")
    yield _row("another name in what is encrypted", "renegotiation", {}, has_control=False, gate="none",
               open="it is for whoever was named in the clear: domain fronting, a renegotiation; no gate sees into it")


ROWS = list(_rows())


def run(place, bench, pattern):
    chosen = [row for row in ROWS if pattern in row.name]
    if not chosen:
        return []
    names.start(place)
    policy = scopes.policy(*RULES, more=[f"resolvers: [{resolver.ADDRESS}]"], dns="strict")
    session = sessions.Session(place, bench, policy, others=("container", MEMBER))
    results = session.bench.run(chosen)
    session.end()
    return results
