# SPDX-License-Identifier: Apache-2.0
"""Attempts at the DNS gate, each against a resolver of the test's own: what leaves in queries, and what answers tie to a name."""

import resolver
import scopes
import sessions
import world
from attempts import MEMBER, SECCOMP, Attempt
from settings import SCALE, workload

QUERY, ANSWER = "egress: dns: strict", "ingress: answers"
RULES = ('allow "*.ok.test", verify: address', "allow 10.78.0.0/17")
TIMES = 10000
USER = ("user",)


def _tunnels():
    def row(what, by, **fields):
        fields = {"has_control": what == "name" and by in ("sendto", "connected", "tcp"), **fields}
        return Attempt(f"DNS, data in {what}, by {by}", "dns_query", QUERY, {"what": what, "by": by}, who=USER, counts="marker", needs="resolver", **fields)

    for by in ("sendto", "connected", "tcp", "open", "pieces", "more", "mmsg"):
        yield row("name", by, peers="OpenShell 1169; CVE-2025-55284" if by == "sendto" else "")
    yield row("name", "segment", is_optional=True)
    for how in ("plain", "sqpoll"):
        for operation in ("udp", "connected", "zero", "tcp"):
            yield Attempt(f"DNS, data in name, by io_uring {how}: {operation}", "dns_query", QUERY,
                          {"what": "name", "ring": (workload("io_uring_send"), how, operation)}, who=(*USER, MEMBER), counts="marker",
                          needs="resolver", is_optional=True, has_control=operation != "zero", contained=SECCOMP)
    for what in ("name in capitals", "name with a zero", "name with a dot in a label", "bytes", "behind the question", "a second question",
                 "an answer in the query", "an EDNS option", "behind OPT", "TXT", "of the root", "an update", "as an answer", "another class", "a pointer"):
        yield row(what, "sendto", peers="claude-code's SOCKS5 (second hand)" if "zero" in what else "")
    for what in ("bytes", "behind the question", "an EDNS option"):
        yield row(what, "tcp", peers="BullFrog before 0.8.4; CVE-2026-32946" if what == "bytes" else "")
    for over in ("sendto", "connected", "tcp"):
        yield Attempt(f"DNS to another server, {over}", "dns_elsewhere", "connect4/6, sendmsg4/6", {"over": over}, who=USER, has_control=False,
                      counts="address" if over == "tcp" else "both",
                      peers="mvm 3355, klangk 2264")
    yield Attempt("DNS, a question changed after it was judged", "dns_changed", QUERY, who=USER, counts="marker", needs="resolver", has_control=False)
    yield Attempt("DNS, a question over TCP changed after it was judged", "dns_changed", QUERY, {"is_tcp": True}, who=USER, counts="marker",
                  needs="resolver", has_control=False)


def _answers():
    words = {"wrongid": "with another id", "othername": "to another question", "othertype": "of another type", "extra": "with a record of another name",
             "unasked": "that nobody asked for", "twice": "for the second time", "aliases": "with aliases in the wrong order", "error": "that says NXDOMAIN",
             "cut": "cut short", "question": "that is a question", "authority": "in the authority section", "additional": "in the additional section",
             "chaos": "of another class", "loop": "whose name points at itself", "forward": "whose name points forward", "late": "with a record cut short",
             "spoofed": "from another address", "port": "from another port", "huge": "longer than 4096 bytes"}
    for how, text in words.items():
        yield Attempt(f"an answer {text}", "by_answer", ANSWER, {"how": how}, who=USER, needs="resolver")
    for how in ("wrongid", "othername", "extra", "unasked", "twice"):
        yield Attempt(f"an answer {words[how]}, over TCP", "by_answer", ANSWER, {"how": how, "over": "tcp"}, who=USER, needs="resolver",
                      peers="BullFrog: several messages in a segment" if how == "unasked" else "")
    for special in ("127.0.0.1", "0.0.0.0"):
        yield Attempt(f"a name that leads to {special}", "by_answer", ANSWER, {"how": "plain", "special": special}, who=USER, needs="resolver",
                      counts="marker", has_control=False, peers="klangk 2248, benchflow 1114: rebinding")
    yield Attempt("an answer to another socket", "by_another_socket", ANSWER, who=USER, needs="resolver")
    for source in ("a port of its own", "port 53", "transparent", "port range"):
        yield Attempt(f"an answer of its own, from {source}", "by_forged", f"{ANSWER}, post_bind", {"source": source}, who=("user", "container"),
                      needs="resolver", has_control=False)
    yield Attempt("the resolver's address in a network of its own", "by_own_network", ANSWER, who=USER, needs="resolver", has_control=False)


ROWS = [*_answers(), *_tunnels()]  # the floods among the questions last: the resolver is busy with them for a while
RACE = Attempt(f"{TIMES} times: a name, its answer, a connection", "resolve_and_connect", ANSWER, {"count": TIMES, "base": 128}, who=USER,
               counts="answer", needs="resolver")


def start(place):
    """The resolver, once."""
    if place.has_resolver:
        return
    place.has_resolver = True
    place.right.add_address(f"{resolver.ADDRESS}/24", "veth0")
    place.right.add_address(f"{resolver.IMPOSTOR}/24", "veth0")
    place.child(resolver.serve, namespace=place.right)


def run(place, bench, result, pattern):
    chosen = [row for row in ROWS if pattern in row.name]
    is_raced = pattern in RACE.name
    if not chosen and not is_raced:
        return []
    start(place)
    policy = scopes.policy(*RULES, more=[f"resolvers: [{resolver.ADDRESS}]"], dns="strict")
    session = sessions.Session(place, bench, policy, others=("container", MEMBER))
    results = session.bench.run(chosen)
    if is_raced:
        answer = session.inside.step(RACE.way, 60 * SCALE, to="", port=9, marker="", resolver=resolver.ADDRESS, **RACE.arguments)
        wanted = f"{TIMES} names: 0 wrongly refused, 0 wrongly let through"
        results.append(result(RACE, "user", "refused" if answer == wanted else "GOT THROUGH" if "wrongly" in answer else "CONTROL", answer))
    session.end()
    return results
