# SPDX-License-Identifier: Apache-2.0
"""The DNS gate: names tie to addresses by answers that were asked for, and by nothing else."""

import json
import socket
import struct
import subprocess

import children
import dns_packets as dns
import dns_site
import expect
import scopes
from dns_server import TURN, UNASKED_ADDRESS, DnsServer
from harness import each_guest
from settings import scaled
from test_enforce import EPERM, everywhere
from test_enforce_life import Run, expect_line, pins_of, status_of, wait_until

GUESTS_SHARE = True

RESOLVER, IMPOSTOR = "10.1.0.53", "10.1.0.54"


def a(address, ttl=60):
    return (dns.A, ttl, address)


LONG = ".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 53]) + ".ok.test"
ZONE = {
    "ok.test": [a("10.2.0.1")],
    "www.ok.test": [a("10.2.0.2"), (dns.AAAA, 60, "fd77::2")],
    "deep.er.ok.test": [a("10.2.0.3")],
    "bad.ok.test": [a("10.2.0.4")],
    "notok.test": [a("10.2.0.5")],
    "one.test": [a("10.2.0.6")],
    "bedrock-eu.glob.test": [a("10.2.0.7")],
    "a.bedrock-eu.glob.test": [a("10.2.0.8")],
    "other.glob.test": [a("10.2.0.9")],
    "a.some-thing.rest.test": [a("10.2.0.10")],
    "some-thing.rest.test": [a("10.2.0.11")],
    "alias.ok.test": [(dns.CNAME, 60, "a.cdn.test")],
    "a.cdn.test": [(dns.CNAME, 60, "edge.cdn.test")],
    "edge.cdn.test": [a("10.2.0.12"), a("10.2.0.13")],
    "wrongid.ok.test": [a("10.2.0.14")],
    "spoofed.ok.test": [a("10.2.0.15")],
    "extra.ok.test": [a("10.2.0.16")],
    "loop.ok.test": [],
    "truncated.ok.test": [a("10.2.0.17")],
    "split.ok.test": [a("10.2.0.18")],
    "home.ok.test": [a("127.0.0.1"), a("169.254.169.254"), a("10.2.0.19"), a("0.0.0.0"), a("224.0.0.1")],
    "six.ok.test": [(dns.AAAA, 0, "fe80::1"), (dns.AAAA, 0, "::1"), (dns.AAAA, 0, "fd77::20"), (dns.AAAA, 0, "::ffff:127.0.0.1")],
    "many.ok.test": [a(f"10.2.1.{last}", ttl=0) for last in range(1, 65)],
    LONG: [a("10.2.0.21")],
    "none.test": [a("10.2.0.22")],
}
RULES = ['allow "*.ok.test"', 'block "bad.ok.test"', "allow one.test, ports: 443", 'allow "bedrock-*.glob.test"', 'allow "*.some-*.rest.test"',
         "allow 10.3.0.0/16", "block 10.2.0.0/29, ports: 444"]


def world(zone=None):
    namespace = everywhere()
    DnsServer(RESOLVER, IMPOSTOR, zone or ZONE, namespace)
    return namespace


def attempts(*steps, rules=RULES, mode="strict", namespace=None):
    policy = scopes.policy(*rules, more=[f"resolvers: [{RESOLVER}]"], dns=mode)
    return scopes.attempts(policy, *steps, namespace=namespace or world())


def check(table, **options):
    answers = attempts(*[list(row[1:]) for row in table], **options)
    for row, answer in zip(table, answers):
        expect.equal(answer, row[0], f"{row[1:]}")


def ask(name, wanted=None, kind=dns.A, how="sendto", **options):
    """A row: the addresses that come back."""
    if wanted is None:
        wanted = [record[2] for record in ZONE.get(name.lower(), []) if record[0] == kind]
    return (wanted, "ask", name, kind, RESOLVER, how, options)


@each_guest
def test_a_name_opens_its_addresses_and_nothing_else():
    table = [(EPERM, "tcp", f"10.2.0.{last}", 443) for last in range(1, 14)]
    table += [ask("www.ok.test"), ("ok", "tcp", "10.2.0.2", 443), ("ok", "tcp", "::ffff:10.2.0.2", 443), (EPERM, "tcp", "fd77::2", 443),
              ask("www.ok.test", kind=dns.AAAA, how="connected"), ("ok", "tcp", "fd77::2", 1),
              (EPERM, "tcp", "10.2.0.1", 443), (EPERM, "sendto", "10.2.0.2", 443), (EPERM, "tcp", "10.2.0.2", 444),
              ask("dEEp.er.OK.test", how="connected", edns=True), ("ok", "tcp", "10.2.0.3", 443),
              ask("one.test"), ("ok", "tcp", "10.2.0.6", 443), (EPERM, "tcp", "10.2.0.6", 80),
              ask("bedrock-eu.glob.test"), ("ok", "tcp", "10.2.0.7", 443),
              ask("a.some-thing.rest.test"), ("ok", "tcp", "10.2.0.10", 443),
              ask("alias.ok.test", ["10.2.0.12", "10.2.0.13"]), ("ok", "tcp", "10.2.0.12", 443), ("ok", "tcp", "10.2.0.13", 443),
              ask(LONG), ("ok", "tcp", "10.2.0.21", 443),
              ("ok", "in_fork", "tcp", "10.2.0.21", 443), ("ok", "tcp", "10.3.1.1", 443)]
    table += [(EPERM, *ask(name)[1:]) for name in ("ok.test", "bad.ok.test", "notok.test", "other.glob.test", "a.bedrock-eu.glob.test",
                                                  "some-thing.rest.test", "none.test", "xok.test", "a.cdn.test")]
    table += [(EPERM, "tcp", f"10.2.0.{last}", 443) for last in (1, 4, 5, 8, 9, 11)]
    check(table)


@each_guest
def test_over_tcp():
    table = [ask("www.ok.test", how="tcp"), ("ok", "tcp", "10.2.0.2", 443),
             ask("split.ok.test", how="tcp"), ("ok", "tcp", "10.2.0.18", 443),
             ([], "ask", "truncated.ok.test", dns.A, RESOLVER, "sendto", {}), (EPERM, "tcp", "10.2.0.17", 443),
             ask("truncated.ok.test", how="tcp"), ("ok", "tcp", "10.2.0.17", 443),
             ([["10.2.0.3"], ["10.2.0.12", "10.2.0.13"], ["10.2.0.19"]], "ask_many", ["deep.er.ok.test", "alias.ok.test", "home.ok.test"], RESOLVER),
             ("ok", "tcp", "10.2.0.3", 443), ("ok", "tcp", "10.2.0.13", 443), ("ok", "tcp", "10.2.0.19", 443), (EPERM, "tcp", "127.0.0.1", 443)]
    answers = attempts(*[list(row[1:]) for row in table])
    answers[8][2] = answers[8][2][2:3]
    expect.equal(answers, [row[0] for row in table], "answers")


def test_only_what_was_asked_for_binds():
    table = [(None, *ask("wrongid.ok.test")[1:]), (EPERM, "tcp", "10.2.0.14", 443),
             ("TimeoutError", *ask("spoofed.ok.test", how="connected")[1:]), (EPERM, "tcp", "10.2.0.15", 443),
             (None, *ask("spoofed.ok.test")[1:]), (EPERM, "tcp", "10.2.0.15", 443),
             (None, *ask("extra.ok.test")[1:]), (EPERM, "tcp", UNASKED_ADDRESS, 443),
             (None, *ask("loop.ok.test")[1:]), (EPERM, "tcp", "10.77.0.11", 443), ask("home.ok.test"), (EPERM, "tcp", "127.0.0.1", 443),
             (EPERM, "tcp", "169.254.169.254", 443), (EPERM, "tcp", "0.0.0.0", 443), (EPERM, "tcp", "224.0.0.1", 443), ("ok", "tcp", "10.2.0.19", 443),
             (None, *ask("six.ok.test", kind=dns.AAAA)[1:]), (EPERM, "tcp", "::1", 443), (EPERM, "tcp", "fe80::1", 443),
             (EPERM, "tcp", "::ffff:127.0.0.1", 443), ("ok", "tcp", "fd77::20", 443), ask("many.ok.test"),
             *[("ok", "tcp", f"10.2.1.{last}", 443) for last in (1, 32, 64)]]
    answers = attempts(*[list(row[1:]) for row in table])
    for row, answer in zip(table, answers):
        if row[0] is not None:
            expect.equal(answer, row[0], f"{row[1:]}")


def message(name="www.ok.test", ident=7, flags=0x100, counts=(1, 0, 0, 0), kind=dns.A, group=1, more=b""):
    return struct.pack("!6H", ident, flags, *counts) + dns.encode_name(name) + struct.pack("!2H", kind, group) + more


def test_strict_dns_is_one_plain_question():
    opt = b"\0" + struct.pack("!HHIH", dns.OPT, 4096, 0x8000, 0)
    cookie = b"\0" + struct.pack("!HHIH", dns.OPT, 4096, 0, 12) + struct.pack("!2H", 10, 8) + b"12345678"
    padding = b"\0" + struct.pack("!HHIH", dns.OPT, 4096, 0, 12) + struct.pack("!2H", 12, 8) + b"12345678"
    plain = [message(), message(flags=0x120), message(more=opt, counts=(1, 0, 0, 1)), message(more=cookie, counts=(1, 0, 0, 1)), message(kind=65)]
    other = [message(more=b"x"), message(counts=(2, 0, 0, 0), more=dns.encode_name("b.ok.test") + b"\0\1\0\1"), message(flags=0x8100), message(flags=0x900),
             message(flags=0x2900), message(flags=0x40), message(kind=16), message(kind=255), message(group=3), message(counts=(1, 1, 0, 0)), message(counts=(1, 0, 0, 1)),
             message(more=padding, counts=(1, 0, 0, 1)), message(more=opt + opt, counts=(1, 0, 0, 2)), message(more=opt + b"x", counts=(1, 0, 0, 1)), message("x"), b"x", b"",
             message()[:12], message("a b.ok.test"), message("www.evil.com\0.ok.test"), struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\x04a.ok\x04test\0\0\1\0\1",
             struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", message()[:-1], b"\x00" * 5000]
    table = [("ok", "send_hex", one.hex(), RESOLVER, "sendto") for one in plain]
    table += [("ok", "send_hex", one.hex(), RESOLVER, "connected") for one in plain]
    table += [(EPERM if one else "ok", "send_hex", one.hex(), RESOLVER, how) for one in other for how in ("sendto", "connected")]
    table += [(EPERM, "send_hex", plain[0].hex(), "10.3.0.53", how) for how in ("sendto", "connected", "tcp")]
    table += [(EPERM, "segmented", [message(), message()[:-1] + b"\2"], RESOLVER)]
    check([tuple([part.hex() for part in value] if isinstance(value, list) else value for value in row) for row in table])


TURNED = """table ip turned {
    chain output { type nat hook output priority -100; ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:40053; }
}"""


def test_a_resolver_behind_a_translation_of_ports():
    """As a container's runtime has one: what leaves is not for port 53 any more."""
    namespace = everywhere()
    turning = children.Program("nft", "-f", "-", namespace=namespace)
    _, errors = turning.communicate(TURNED)
    if turning.returncode:
        raise expect.Skip(f"no translation of ports: {errors}")
    DnsServer("127.0.0.11", "127.0.0.12", ZONE, namespace, port=40053)
    policy = scopes.policy(*RULES, more=["resolvers: [127.0.0.11]"], dns="strict")
    for how in ("sendto", "connected"):
        table = [(EPERM, "tcp", "10.2.0.2", 443), (["10.2.0.2"], "ask", "www.ok.test", dns.A, "127.0.0.11", how, {}), ("ok", "tcp", "10.2.0.2", 443),
                 (EPERM, "ask", "none.test", dns.A, "127.0.0.11", how, {}), (EPERM, "send_hex", b"x".hex(), "127.0.0.11", how),
                 ("ok", "asks_then_sends", "127.0.0.11", "10.3.0.1", 40053, message().hex()), (EPERM, "asks_then_sends", "127.0.0.11", "10.3.0.1", 40053, b"x".hex())]
        answers = scopes.attempts(policy, *[list(row[1:]) for row in table], namespace=namespace)
        expect.equal(answers, [row[0] for row in table], how)


def test_open_dns_asks_for_anything():
    check([ask("none.test"), (EPERM, "tcp", "10.2.0.22", 443), ask("www.ok.test"), ("ok", "tcp", "10.2.0.2", 443),
           ("ok", "send_hex", b"anything".hex(), RESOLVER, "sendto"), ("ok", "send_hex", message().hex(), "10.3.0.53", "sendto")], mode="open")


def test_the_most_permissive_name_stands():
    zone = {"a.test": [a("10.2.0.1")], "b.test": [a("10.2.0.1")], "c.test": [a("10.2.0.1")], "d.test": [a("10.2.0.2")]}
    rules = ["allow a.test, ports: 443", "block b.test", "alert c.test, ports: 80", "allow d.test", "block 10.2.0.2, ports: 81"]
    check([(["10.2.0.1"], "ask", "b.test", 1, RESOLVER, "sendto", {}), (EPERM, "tcp", "10.2.0.1", 443),
           (["10.2.0.1"], "ask", "c.test", 1, RESOLVER, "sendto", {}), (EPERM, "tcp", "10.2.0.1", 443), ("ok", "tcp", "10.2.0.1", 80),
           (["10.2.0.1"], "ask", "a.test", 1, RESOLVER, "sendto", {}), ("ok", "tcp", "10.2.0.1", 443), ("ok", "tcp", "10.2.0.1", 80), (EPERM, "tcp", "10.2.0.1", 81),
           (["10.2.0.2"], "ask", "d.test", 1, RESOLVER, "sendto", {}), ("ok", "tcp", "10.2.0.2", 443), (EPERM, "tcp", "10.2.0.2", 81)],
          rules=rules, mode="open", namespace=world(zone))


def bindings_of(run):
    """How many names are bound in a scope."""
    path = next(pins_of(run).glob("*bindings"))
    return len(json.loads(subprocess.run(["bpftool", "-j", "map", "dump", "pinned", path], capture_output=True, text=True, check=True).stdout))


def test_names_run_out_and_make_room():
    zone = {"brief.test": [a("10.2.0.1", ttl=0)], "long.test": [a("10.2.0.2", ttl=3600)], "too.test": [a("10.2.0.2", ttl=0)]}
    policy = scopes.policy('allow "*.test"', more=[f"resolvers: [{RESOLVER}]", f"binding_grace: {int(scaled(2))}s"], dns="strict")
    run = Run(policy, "--prove-every", "500ms", namespace=world(zone))
    for name in zone:
        expect.equal(run.ask("ask", name, dns.A, RESOLVER, "sendto", {}), [zone[name][0][2]], f"the answer for {name}")
    expect.equal((bindings_of(run), run.ask("tcp", "10.2.0.1", 443)), (3, "ok"), "names bound, and a connection")
    wait_until(lambda: bindings_of(run) == 2, "room", seconds=15)
    expect.equal([run.ask("tcp", f"10.2.0.{last}", 443) for last in (1, 2)], [EPERM, "ok"], "when the time is up")
    expect.equal(run.ask("ask", "brief.test", dns.A, RESOLVER, "sendto", {}), ["10.2.0.1"], "the answer once more")
    expect.equal(run.ask("tcp", "10.2.0.1", 443), "ok", "when it was asked for once more")
    run.end_command()


def test_a_name_takes_no_more_than_its_share():
    room, name = 8192, "turning.test"
    addresses = [f"10.16.{number // 256}.{number % 256}" for number in range(room // TURN * TURN + 2 * TURN)]
    zone = {name: [a(address, ttl=0) for address in addresses], "other.test": [a("10.2.0.1", ttl=0)]}
    policy = scopes.policy('allow "*.test"', more=[f"resolvers: [{RESOLVER}]", f"binding_grace: {int(scaled(3))}s"], dns="strict")
    run = Run(policy, "--prove-every", "500ms", namespace=world(zone))

    def ask(name):
        return run.ask("ask", name, dns.A, RESOLVER, "sendto", {"edns": True, "patience": 5})

    for _ in range(len(addresses) // TURN):
        expect.equal(len(ask(name)), TURN, "addresses of an answer")
    expect.equal(ask("other.test"), ["10.2.0.1"], "the answer for another name")
    expect.equal([run.ask("tcp", where, 443) for where in (addresses[room - 1], addresses[room], addresses[-1], "10.2.0.1")],
                 ["ok", EPERM, EPERM, "ok"], "the last address that there was room for, those behind it, and another name's")
    unbound = {outcome["address"] for outcome in status_of(run.name)["outcomes"] if outcome["gate"] == "answer"}
    expect.equal(unbound, set(addresses[room:]), "addresses of answers without room")
    wait_until(lambda: bindings_of(run) == 0, "room", seconds=15)
    expect.equal(ask(name), addresses[:TURN], "the answer when the time is up")
    expect.equal((bindings_of(run), run.ask("tcp", addresses[0], 443)), (TURN, "ok"), "names bound then, and a connection")
    run.program.stdin.close()
    errors = run.program.stderr.read()
    expect.true("in a DNS answer (its name has as many addresses as one may)" in errors, f"what is told: {errors}")
    expect.equal(run.program.wait(scaled(10)), 0, "status")


def test_a_name_in_use_does_not_run_out():
    zone = {"used.test": [a("10.2.0.1", ttl=0)], "idle.test": [a("10.2.0.2", ttl=0)]}
    policy = scopes.policy('allow "*.test", verify: address', more=[f"resolvers: [{RESOLVER}]", f"binding_grace: {int(scaled(2))}s"], dns="strict")
    namespace = world(zone)
    server = children.Child(_echo, "10.2.0.1", namespace=namespace)
    port = server.receive()
    run = Run(policy, namespace=namespace)
    for name in zone:
        expect.equal(run.ask("ask", name, dns.A, RESOLVER, "sendto", {}), [zone[name][0][2]], f"the answer for {name}")
    expect.equal(run.ask("keep_sending", "10.2.0.1", port, scaled(5), scaled(0.2)), "ok", "a connection that sends")
    expect.equal([run.ask("tcp", f"10.2.0.{last}", port) for last in (1, 2)], ["ok", EPERM], "the name in use, and the one that is not")
    run.end_command()


def _echo(parent, address):
    with socket.create_server((address, 0)) as listener:
        parent.send(listener.getsockname()[1])
        end, _ = listener.accept()
        while data := end.recv(64):
            end.sendall(data)


def test_a_flood_of_names_is_refused_and_takes_no_place_of_others():
    def address(number):
        return f"10.{16 + number // 65536}.{number // 256 % 256}.{number % 256}"

    each, room = 60, 65536
    names = [f"flood{number}.ok.test" for number in range(room // each + 30)]
    zone = {name: [a(address(number * each + place), ttl=3600) for place in range(each)] for number, name in enumerate(names)}
    zone["first.ok.test"], zone["last.ok.test"] = [a("10.2.0.1")], [a("10.2.0.2")]
    policy = scopes.policy('allow "*.ok.test"', more=[f"resolvers: [{RESOLVER}]"], dns="strict")
    run = Run(policy, "--prove-every", "1s", namespace=world(zone))
    run.ask("ask", "first.ok.test", dns.A, RESOLVER, "sendto", {})
    for name in names:
        answer = run.ask("ask", name, dns.A, RESOLVER, "sendto", {"edns": True, "patience": 5})
        expect.equal(len(answer), each, f"addresses of the answer for {name}")
    expect.equal(run.ask("ask", "last.ok.test", dns.A, RESOLVER, "sendto", {}), ["10.2.0.2"], "an answer that there is no room for")
    expect.equal([run.ask("tcp", where, 443) for where in ("10.2.0.1", address(0), "10.2.0.2", address(len(names) * each - 1))],
                 ["ok", "ok", EPERM, EPERM], "what was asked for before the room was taken, and after")
    unbound = [outcome["address"] for outcome in status_of(run.name)["outcomes"] if outcome["gate"] == "answer"]
    expect.equal((len(unbound), "10.2.0.2" in unbound), (len(names) * each - room + 2, True), "addresses of answers without room")
    expect_line(run, "enforcement: degraded: there is no room for more names: ")
    run.program.stdin.close()
    errors = run.program.stderr.read()
    expect.true("in a DNS answer (no room to keep it)" in errors, f"what is told: {errors}")
    expect.equal(run.program.wait(scaled(10)), 0, "status")


test_a_flood_of_names_is_refused_and_takes_no_place_of_others.limit = 120
