# SPDX-License-Identifier: Apache-2.0
"""The name gate: on an address that only a name opens, only that name gets through."""

import json
import select
import shutil
import time

import client_hello
import dns_packets as dns
import expect
import netns
import scopes
import servers
from dns_server import DnsServer
from harness import each_guest
from settings import SCALE, scaled, workload
from test_enforce_events import of, only, watched
from tls_servers import PythonTls

GUESTS_SHARE = True


RESOLVER, SHARED, OTHER = "10.1.0.53", "10.2.0.1", "10.2.0.2"
PORT = 8443
ABORTED = "ECONNABORTED"
LONG = ".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 49]) + ".good.test"
ZONE = {
    **{name: [(dns.A, 60, SHARED), (dns.AAAA, 60, "fd77::1")] for name in ("good.test", "www.good.test", "alert.test", "lax.test", LONG)},
    "elsewhere.test": [(dns.A, 60, OTHER)],
    "lax2.test": [(dns.A, 60, "10.2.0.3")],
    "one.test": [(dns.A, 60, "10.2.0.4")],
    "kill.test": [(dns.A, 60, SHARED)],
}
RULES = ["allow good.test", 'allow "*.good.test"', "alert alert.test", "allow elsewhere.test", "allow 10.3.0.0/16", "block bad.test", 'block "*.bad.test"',
         "allow lax2.test, verify: address", "allow one.test, ports: 8443", "kill kill.test"]


class Taker(servers.Server):
    """Takes what comes, and answers `got N` once the client has said all; `taken()` is what each connection brought."""

    def __init__(self, namespace):
        super().__init__(_take, namespace=namespace)

    def taken(self):
        self.child.send()
        return [bytes.fromhex(text) for text in self.child.receive()]


def _take(parent):
    listener = servers.listen("::", PORT, dual=True, fast_open=True)
    parent.send(PORT)
    open_ends, brought = {}, []
    while True:
        for ready in select.select([listener, parent.end, *open_ends], [], [])[0]:
            if ready is listener:
                end = listener.accept()[0]
                open_ends[end] = len(brought)
                brought.append(b"")
            elif ready is parent.end:
                parent.receive()
                parent.send([data.hex() for data in brought])
                brought, open_ends = [], {}
            else:
                try:
                    data = ready.recv(65536)
                    brought[open_ends[ready]] += data
                    if data:
                        continue
                    ready.sendall(f"got {len(brought[open_ends[ready]])}".encode())
                except OSError:
                    pass
                del open_ends[ready]
                ready.close()


class World:
    def __init__(self):
        self.namespace = netns.Namespace()
        self.namespace.ip("route add local default dev lo")
        self.namespace.ip("-6 route add local default dev lo")
        self.namespace.set("net.ipv4.tcp_fastopen", 3)
        self.resolver = DnsServer(RESOLVER, "10.1.0.54", ZONE, self.namespace)
        self.taker = Taker(self.namespace)

    def check(self, table, rules=RULES, asked=("good.test",), default="block", more=()):
        """Rows of (answer, way, arguments...) after the names were asked for."""
        policy = scopes.policy(*rules, more=[f"resolvers: [{RESOLVER}]", *more], dns="strict", default=default)
        steps = [["ask", name, kind, RESOLVER, "sendto", {}] for name in asked for kind in (dns.A, dns.AAAA)]
        answers = scopes.attempts(policy, *steps, *[list(row[1:]) for row in table], namespace=self.namespace)
        for row, answer in zip(table, answers[len(steps):]):
            expect.equal(answer, row[0], f"{row[1:]}"[:300])


def hello(name=None, **options):
    return client_hello.hello(name, **options).hex()


def got(text):
    return f"got {len(text) // 2}"


def says(answer, text, address=SHARED):
    """A row; the answer True: all of it arrives."""
    return (got(text) if answer is True else answer, "says", address, PORT, text)


GOOD = ["good.test", "GOOD.test", "good.test."]
BAD = ["evil.test", "bad.test", "elsewhere.test", "www.good.test", "xgood.test", "good.tes", "good.test.evil.test", "good.test\0", "good.test..", ".good.test", "good..test",
       "10.2.0.1", "g\u00f6\u00f6d.test", "x" * 64 + ".good.test", LONG + ".x", "", None]
NOT_TLS = [b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n".hex(), "00", "15030100020228", "1602", "160301000002", "1603010004020000ff"]


@each_guest
def test_on_a_shared_address_the_allowed_name_alone_gets_through():
    world = World()
    texts = [hello(name) for name in GOOD] + [hello("good.test", ech=True, protocols=("h2",)), hello("good.test", padding=3000)]
    world.check([says(True, text) for text in texts] + [says(True, texts[0], address) for address in ("fd77::1", "::ffff:" + SHARED)])
    expect.equal(sorted(map(len, world.taker.taken())), sorted(len(text) // 2 for text in [*texts, texts[0], texts[0]]), "what arrived")
    world.check([says(ABORTED, hello(name)) for name in BAD] + [says(ABORTED, text) for text in [*NOT_TLS, hello("evil.test", padding=16000)]])
    expect.equal([data for data in world.taker.taken() if data], [], "what arrived of what was refused")


@each_guest
def test_in_pieces():
    world = World()
    good, bad = hello("good.test"), hello("evil.test")
    whole = bytes.fromhex(good)
    name = good.index(b"good.test".hex())
    fragments = [client_hello.records(client_hello.handshake("good.test"), size).hex() for size in (1, 7, 100)]
    large = hello("good.test", padding=16000)
    table = [
        (got(good), "says", SHARED, PORT, *[f"{byte:02x}" for byte in whole]),
        (got(good), "says", SHARED, PORT, good[:name + 6], good[name + 6:]),
        says(ABORTED, fragments[0]), says(True, fragments[1]), says(True, fragments[2]),
        (got(large), "says", SHARED, PORT, *[large[start:start + 2000] for start in range(0, len(large), 2000)]),
        (got(large), "says", SHARED, PORT, large),
        (got(good + good), "says", SHARED, PORT, good, good), (ABORTED, "says", SHARED, PORT, good, bad),
        (ABORTED, "says", SHARED, PORT, *[f"{byte:02x}" for byte in bytes.fromhex(bad)]),
        (ABORTED, "says", SHARED, PORT, bad[:name + 6], bad[name + 6:]),
        (ABORTED, "says", SHARED, PORT, client_hello.records(client_hello.handshake("evil.test"), 100).hex()),
        (ABORTED, "says", SHARED, PORT, hello("x" * 20000)),
    ]
    world.check(table)
    for data in world.taker.taken():
        expect.true(b"evil.test" not in data, f"a refused name arrived: {data!r}")


def test_what_a_server_could_read_otherwise():
    """Two names, lengths that do not fit, bytes that a peer drops, memory that can change, a connection that changes its peer."""
    world = World()
    good, bad = hello("good.test"), hello("evil.test")
    message = client_hello.handshake("good.test")
    second = client_hello.server_name("evil.test")
    body = message[4:]
    extensions = 2 + 32 + 33 + 12 + 2
    longer = body[:extensions] + (len(body) - extensions - 2 + len(second)).to_bytes(2, "big") + body[extensions + 2:] + second
    two_lists = client_hello.records(b"\x01" + len(longer).to_bytes(3, "big") + longer).hex()
    entry = b"\0\0\x09good.test"
    pair = entry + b"\0\0\x09evil.test"
    two_names = client_hello.server_name("good.test").replace(b"\0\x0e\0\x0c" + entry, (len(pair) + 2).to_bytes(2, "big") + len(pair).to_bytes(2, "big") + pair)
    bodied = body[:extensions] + (len(body) - extensions - 2 - 18 + len(two_names)).to_bytes(2, "big") + body[extensions + 2:-18] + two_names
    two_entries = client_hello.records(b"\x01" + len(bodied).to_bytes(3, "big") + bodied).hex()
    expect.true(two_lists.count(b"evil.test".hex()) == 1 and two_entries.count(b"evil.test".hex()) == 1, "the second name is there")
    half = len(good) // 4 * 2
    world.check([
        says(ABORTED, two_lists), says(ABORTED, two_entries), says(True, good[:-2]),
        (ABORTED, "says_from_a_file", SHARED, PORT, good), (ABORTED, "says_from_a_file", SHARED, PORT, bad),
        (ABORTED, "says_urgently", SHARED, PORT, good[:half], good[half:half + 2], good[half + 2:]),
        (got(good), "says_by_fast_open", SHARED, PORT, good), (got(good), "says_by_fast_open", SHARED, PORT, good),
        (ABORTED, "says_by_fast_open", SHARED, PORT, bad), (ABORTED, "says_by_fast_open", SHARED, PORT, bad),
        ([got(good), ABORTED], "says_twice", [SHARED, PORT], [SHARED, PORT], [good, bad]),
        ([ABORTED, got(good)], "says_twice", [SHARED, PORT], [SHARED, PORT], [bad, good]),
        ([got(bad), ABORTED], "says_twice", ["10.3.0.1", PORT], [SHARED, PORT], [hello("evil.test"), bad]),
    ])


def test_each_row_of_the_table():
    world = World()
    any_name, plain = hello("evil.test"), b"hello".hex()
    by_address = [says(True, text, "10.3.0.1") for text in (any_name, plain, hello(), hello("good.test"), hello("10.3.0.1"))]
    by_address += [says(ABORTED, hello(name), "10.3.0.1") for name in ("bad.test", "a.bad.test", "kill.test.bad.test")]
    lax = [says(True, text, "10.2.0.3") for text in (any_name, plain, hello(), hello("lax2.test"))]
    lax += [says(ABORTED, hello("bad.test"), "10.2.0.3")]
    world.check(by_address + lax, asked=("lax2.test",))
    narrow = [says(True, hello("one.test"), "10.2.0.4"), says(ABORTED, hello("good.test"), "10.2.0.4"), says(True, hello("alert.test")), says(ABORTED, hello("good.test"))]
    world.check(narrow, asked=("one.test", "alert.test"))
    # Both names at one address: each may be meant.
    world.check([says(True, hello("alert.test")), says(True, hello("good.test")), says(ABORTED, hello("www.good.test"))], asked=("good.test", "alert.test"))
    # Among equals one whose server name is not looked at comes first, whichever was asked for first.
    for asked in (("good.test", "lax.test"), ("lax.test", "good.test")):
        world.check([says(True, plain), says(True, any_name)], rules=[*RULES, "allow lax.test, verify: address"], asked=asked)


def test_under_a_default_that_lets_through_refused_names_alone_are_refused():
    world = World()
    table = [says(True, hello(name)) for name in ("good.test", "evil.test", None)] + [says(True, b"hello".hex())]
    table += [says(ABORTED, hello(name)) for name in ("bad.test", "BAD.test.", "x.bad.test")]
    world.check(table, default="alert")
    world.check([says(True, text) for text in (hello("evil.test"), hello("bad.test"), b"hello".hex())], rules=["allow good.test"], default="allow")


def test_a_second_name_that_is_encrypted():
    """ECH, which a policy may refuse where a name alone opens the address: whole, in pieces, and in a second ClientHello."""
    world = World()
    hidden, plain = hello("good.test", ech=True), hello("good.test")
    pieces = [hidden[start:start + 40] for start in range(0, len(hidden), 40)]
    rows = [says(ABORTED, hidden), (ABORTED, "says", SHARED, PORT, *pieces), (ABORTED, "says", SHARED, PORT, plain, hidden), says(ABORTED, hello("evil.test", ech=True))]
    rows += [says(True, plain), says(True, hidden, "10.3.0.1"), says(True, hello("lax2.test", ech=True), "10.2.0.3")]
    world.check(rows, asked=("good.test", "lax2.test"), more=["ech: refuse"])
    expect.equal(sorted(len(data) for data in world.taker.taken() if data and bytes.fromhex(hidden) in data), [len(hidden) // 2], "who got all of it")
    world.check([says(True, hidden), says(ABORTED, hello("evil.test", ech=True))], more=["ech: mark"])


@each_guest
def test_kill_by_a_server_name():
    world = World()
    policy = scopes.policy(*RULES, more=[f"resolvers: [{RESOLVER}]"], dns="strict")
    program = scopes.start(policy, scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=world.namespace)
    output, text = program.communicate(json.dumps([["says", "10.3.0.1", PORT, hello("kill.test")]]))
    expect.equal((program.returncode, output), (137, ""), f"exit status and output; {text}")
    expect.equal([data for data in world.taker.taken() if data], [], "what arrived")


def test_what_was_refused_does_not_leave_when_the_command_is_over():
    """Sockets that nobody has any more go on sending what they hold, longer than their scope is there."""
    world = World()
    policy = scopes.policy(*RULES, more=[f"resolvers: [{RESOLVER}]"], dns="strict")
    for count in (1, 900):
        program = scopes.start(policy, scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=world.namespace)
        steps = [["ask", "good.test", dns.A, RESOLVER, "sendto", {}], ["says_and_leaves", SHARED, PORT, hello("evil.test"), count]]
        _, text = program.communicate(json.dumps(steps), timeout=scaled(30))
        expect.equal(program.returncode, 0, f"status; {text}")
        expect.true(f"{count} refused" in text, f"what was refused: {text}")
        time.sleep(3)  # three retransmissions
        expect.equal([data for data in world.taker.taken() if data], [], f"what arrived of {count}")


def test_what_is_told():
    world = World()
    policy = scopes.policy(*RULES, more=[f"resolvers: [{RESOLVER}]"], dns="strict")
    ways = [("good.test", SHARED, hello("good.test")), ("evil.test", SHARED, hello("evil.test")), (None, SHARED, hello()), (None, SHARED, b"hello".hex()),
            (None, SHARED, hello("good..test")), ("alert.test", SHARED, hello("alert.test")), ("bad.test", "10.3.0.1", hello("bad.test")),
            ("evil.test", "10.3.0.2", hello("evil.test")), ("elsewhere.test", SHARED, hello("elsewhere.test"))]
    asked = [["ask", name, dns.A, RESOLVER, "sendto", {}] for name in ("good.test", "alert.test")]
    answers, events, text = watched(policy, *asked, *[["says", address, PORT, data] for _, address, data in ways],
                                    ["says_from_a_file", SHARED, PORT, ways[0][2]], namespace=world.namespace)
    refused = [1, 2, 3, 4, 6, 8, 9]
    expect.equal([place for place, answer in enumerate(answers[2:]) if answer == ABORTED], refused, f"refused: {answers[2:]}")
    closes = [event for event in of(events, "close") if event["destination"]["port"] == PORT]
    expect.equal(len(closes), len(ways) + 1, "connections")
    only_by_name = "the address is allowed by name only, and "
    violations = {event["connection"]: event for event in of(events, "violation")}
    expect.equal(len(of(events, "violation")), len(violations), "one for each connection")
    reasons = ["matches good.test", only_by_name + "no DNS answer gave this address for the server name that was sent", only_by_name + "the ClientHello has no server name",
               only_by_name + "what was sent is no TLS", "the server name cannot be read in what was sent", "matches alert.test", "matches bad.test",
               "matches 10.3.0.0/16", only_by_name + "no DNS answer gave this address for the server name that was sent",
               "what was sent lies in memory that the program could still change"]
    for place, (close, reason) in enumerate(zip(closes, reasons)):
        action = "block" if place in refused else "alert" if place == 5 else "allow"
        expect.holds(close, verdict__action=action, verdict__reason=reason, verdict__enforced=True, verdict__gate="name")
        expect.equal(close["connection"] in violations, action != "allow", f"violation of {close}")
        if action != "allow":
            expect.equal(violations[close["connection"]]["verdict"], close["verdict"], "the verdict of the violation")
            expect.equal(violations[close["connection"]]["process"]["pid"], close["process"]["pid"], "whose it is")
    for (name, _, _), close in zip(ways, closes):
        if name:
            told = only(events, "sni", connection=close["connection"])
            expect.holds(told, sni__name=name, sni__sources=["wire"])
            expect.equal(told["verdict"], close["verdict"], "the verdict of the server name")
            expect.equal(close["destination"]["name"], name, "what the destination is called")
    summary = events[-1]["summary"]
    expect.equal(summary["violations"], {"alert": 1, "block": 7, "kill": 0}, f"violations by the kernel's count; {text}")


NODE = """const tls = require('tls'), [host, port, servername, count] = process.argv.slice(1);
function next(left) {
  if (!left) return;
  const end = tls.connect({host, port, servername, rejectUnauthorized: false}, () => end.write('x'));
  let said = '';
  end.on('data', (data) => said += data).on('close', () => { if (!said.startsWith('HTTP')) process.exit(1); next(left - 1); });
  end.on('error', (error) => { console.error(error); process.exit(1); });
}
next(+count);"""


def test_ten_thousand_connections_by_name_and_none_refused():
    """Python, curl, node, Go, GnuTLS and openssl; half of them to a server that asks each for a second ClientHello."""
    share = 0.4 if SCALE > 1 else 10
    world = World()
    servers_at = [PythonTls(SHARED, 0, world.namespace), PythonTls(SHARED, 0, world.namespace, curve="prime256v1")]
    wanted, steps = [], []
    for port in (server.port for server in servers_at):
        place = f"{SHARED}:{port}"
        for program, answer, *step in (
            (None, int(250 * share), "handshakes", SHARED, port, "good.test", int(250 * share)),
            ("curl", None, "runs", "curl", "-sSk", "--http1.0", "--resolve", f"good.test:{port}:{SHARED}", "-o", "/dev/null",
             f"https://good.test:{port}/[1-{int(100 * share)}]"),
            ("node", None, "runs", "node", "-e", NODE, SHARED, str(port), "good.test", str(int(40 * share))),
            (workload("go_tls_client"), None, "runs", str(workload("go_tls_client")), place, "good.test", str(int(100 * share))),
            ("gnutls-cli", None, "runs", "sh", "-c", f"for i in $(seq {int(5 * share)}); do echo x | gnutls-cli --insecure --no-ca-verification --sni-hostname good.test "
             f"--priority 'NORMAL:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1' -p {port} {SHARED} > /dev/null || exit 1; done"),
            ("openssl", None, "runs", "sh", "-c", f"for i in $(seq {int(5 * share)}); do echo x | openssl s_client -quiet -servername good.test -groups X25519:P-256 "
             f"-connect {place} > /dev/null 2>&1 || exit 1; done"),
        ):
            if program is None or shutil.which(str(program)):
                steps.append(step)
                wanted.append(answer)
    expect.true(len(steps) >= 10, f"programs that are here: {len(steps)} steps of 12")
    policy = scopes.policy(*RULES, more=[f"resolvers: [{RESOLVER}]"], dns="strict")
    program = scopes.start(policy, scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=world.namespace)
    output, text = program.communicate(json.dumps([["ask", "good.test", dns.A, RESOLVER, "sendto", {}], *steps]), timeout=scaled(120))
    for step, answer, expected in zip(steps, json.loads(output)[1:], wanted):
        expect.equal(answer if expected is not None else answer[0], 0 if expected is None else expected, f"{step[:3]}: {answer}")
    print(f"      {int(sum((250, 100, 40, 100, 5, 5)) * share * 2)} connections by {len(steps) // 2} programs")
    expect.true(", 0 refused" in text, f"what the kernel refused: {text}")


test_ten_thousand_connections_by_name_and_none_refused.limit = 120
