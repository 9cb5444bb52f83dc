# SPDX-License-Identifier: Apache-2.0
"""The connect gate: what is let through and what is refused, by each way to send."""

import json
import os
import socket
import tempfile
import time

import children
import cleanup
import expect
import netns
import scopes
from settings import scaled, workload

EPERM = "EPERM"


def everywhere():
    """A namespace where every address leads to loopback, so that nothing but the gate refuses."""
    namespace = netns.Namespace()
    namespace.ip("route add local default dev lo")
    namespace.ip("-6 route add local default dev lo")
    return namespace


def expect_answers(policy, table, namespace=None):
    """Rows of (answer, way, arguments...); an answer None: anything but EPERM."""
    answers = scopes.attempts(policy, *[list(row[1:]) for row in table], namespace=namespace or everywhere())
    for row, answer in zip(table, answers):
        wanted = row[0]
        if wanted is None:
            expect.true(EPERM not in (answer if isinstance(answer, list) else [answer]), f"{row[1:]}: {answer!r}, and the policy lets it through")
        else:
            expect.equal(answer, wanted, f"{row[1:]}")


def test_tcp_and_udp_by_address():
    policy = scopes.policy("allow 10.1.0.0/16", 'allow "fd00:1::/32"', "block 10.1.2.0/24", "allow 10.1.2.3", 'block "fd00:1:2::/48"')
    ways = ("tcp", "sendto", "sendmsg", "fastopen")
    table = []
    for way in ways:
        for address in ("10.1.1.1", "10.1.2.3", "fd00:1::1", "::ffff:10.1.1.1", "64:ff9b::a01:101", "64:ff9b::10.1.2.3"):
            table.append((None, way, address, 443))
        for address in ("10.2.0.1", "10.1.2.4", "fd00:1:2::1", "fd00:2::1", "::ffff:10.2.0.1", "64:ff9b::a02:1", "::ffff:10.1.2.4",
                        "127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:0.0.0.0", "::ffff:127.0.0.1"):
            table.append((EPERM, way, address, 443))
    for way in ("in_thread", "in_fork", "in_orphan"):
        table += [(None, way, "tcp", "10.1.1.1", 443), (EPERM, way, "tcp", "10.2.0.1", 443), (EPERM, way, "sendto", "10.2.0.1", 443)]
    table += [
        (EPERM, "sendto_unspecified", "10.2.0.1", 443), (None, "sendto_unspecified", "10.1.1.1", 443),
        (EPERM, "tcp_waiting", "10.2.0.1", 443), (None, "tcp_waiting", "10.1.1.1", 443),
    ]
    expect_answers(policy, table)


def test_ports_and_protocol():
    policy = scopes.policy('allow 10.1.0.0/16, ports: [443, "8000-8999"], protocol: tcp', "allow 10.1.0.0/24, protocol: udp, ports: 1-100",
                           "alert 10.9.0.0/16", "allow any, ports: 7")
    table = [(None, "tcp", "10.1.0.1", port) for port in (443, 8000, 8999, 7)]
    table += [(EPERM, "tcp", "10.1.0.1", port) for port in (442, 444, 7999, 9000, 1, 65535)]
    table += [(None, "sendto", "10.1.0.1", port) for port in (1, 100)]
    table += [(EPERM, "sendto", "10.1.0.1", port) for port in (101, 443, 8000)]
    table += [(None, way, "10.9.1.1", 1) for way in ("tcp", "sendto")]
    table += [(None, way, "fd00::1", 7) for way in ("tcp", "sendto")]
    table += [(EPERM, way, "fd00::1", 8) for way in ("tcp", "sendto")]
    expect_answers(policy, table)


def test_zero_is_the_address_it_leads_to():
    policy = scopes.policy("allow 127.0.0.0/8", 'allow "::1"')
    table = [(None, way, address, 443) for way in ("tcp", "sendto") for address in ("0.0.0.0", "::", "127.0.0.1", "::1", "::ffff:0.0.0.0")]
    # Bound to another address of this machine, zero leads to that one.
    table += [(EPERM, "tcp_from", "10.1.1.1", "0.0.0.0", 443), (None, "tcp_from", "127.0.0.1", "0.0.0.0", 443)]
    expect_answers(policy, table)
    # ::1 alone: from a mapped source, :: leads to 127.0.0.1.
    table = [(EPERM, "tcp_from", "::ffff:127.0.0.1", "::", 443), (None, "tcp_from", "::1", "::", 443), (EPERM, "tcp", "0.0.0.0", 443)]
    expect_answers(scopes.policy('allow "::1"'), table)


def test_connected_udp_is_judged_at_its_first_datagram():
    policy = scopes.policy("allow 10.1.0.0/16", 'allow "fd00:1::/32"')
    table = [(["ok", "ok"], "connected", address, 443) for address in ("10.1.1.1", "fd00:1::1", "::ffff:10.1.1.1")]
    table += [(["ok", EPERM], "connected", address, 443) for address in ("10.2.1.1", "fd00:2::1", "::ffff:10.2.1.1")]
    there, elsewhere = ["10.1.1.1", 443], ["10.2.1.1", 443]
    table += [
        (["ok", EPERM, "ok"], "reconnect", "udp", there, elsewhere, there),
        ([EPERM, "ok", EPERM], "reconnect", "udp", elsewhere, there, elsewhere),
        ("ok", "connected_then_sendto", there, there), (EPERM, "connected_then_sendto", there, elsewhere),
        (EPERM, "connected_then_sendto", elsewhere, elsewhere),
    ]
    expect_answers(policy, table)


def test_reconnecting_tcp_starts_anew():
    there, elsewhere = ["10.1.1.1", 443], ["10.2.1.1", 443]
    answers = scopes.attempts(
        scopes.policy("allow 10.1.0.0/16"), ["reconnect", "tcp", there, elsewhere, there], ["reconnect", "tcp", elsewhere, there, elsewhere],
        namespace=everywhere())
    for seen, wanted in zip(answers, ([False, True, False], [True, False, True])):
        expect.equal([answer == EPERM for answer in seen], wanted, f"refused, of {seen}")


def _count_datagrams(parent, addresses):
    """How many arrive at port 4444 of each address, until the test asks."""
    ends = {}
    for address in addresses:
        ends[address] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ends[address].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        ends[address].bind((address, 4444))
    parent.send("ready")
    parent.receive()
    seen = {}
    for address, end in ends.items():
        end.setblocking(False)
        seen[address] = 0
        try:
            while end.recv(64):
                seen[address] += 1
        except BlockingIOError:
            pass
    return seen


@cleanup.once("module")
def cable():
    return netns.Cable(netns.Namespace(), netns.Namespace(), 61)


def test_turning_a_socket_while_it_sends_lets_nothing_out():
    ends = cable()
    allowed, refused = ends.right4, "10.77.61.99"
    ends.right.add_address(refused + "/24", "veth0")
    cleanup.later(ends.right.ip, f"address del {refused}/24 dev veth0")
    canary = children.Child(_count_datagrams, [allowed, refused], namespace=ends.right)
    expect.equal(canary.receive(), "ready", "the canary")
    program = scopes.start(scopes.policy(f"allow {allowed}"), workload("udp_turn"), allowed, refused, "4444", "3", namespace=ends.left)
    counts = [int(word) for word in program.result().split()]
    expect.true(counts[0] > 0 and counts[1] > 0, f"datagrams sent, refused, failed otherwise: {counts}")
    canary.send()
    seen = canary.result()
    expect.true(seen[allowed] > 0, f"nothing arrived where it may: {seen}")
    expect.equal(seen[refused], 0, "datagrams that arrived where they may not")


def test_bytes_flow_where_they_may():
    ends = cable()
    server = children.Child(_serve_lines, 3, namespace=ends.right)
    port = server.receive()
    answers = scopes.attempts(
        scopes.policy(f"allow {ends.right4}, ports: {port}", f'allow "{ends.right6}", ports: {port}'),
        ["exchange", ends.right4, port], ["exchange", ends.right6, port], ["exchange", f"::ffff:{ends.right4}", port],
        ["tcp", ends.right4, port + 1], namespace=ends.left)
    expect.equal(answers, ["hello\n"] * 3 + [EPERM], "answers")


def _serve_lines(parent, count):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        parent.send(listener.getsockname()[1])
        for _ in range(count):
            end, _ = listener.accept()
            end.sendall(end.recv(64))
            end.close()


def test_who_connects_in_is_judged_at_the_syn():
    ends = cable()
    friend, stranger = ends.right4, "10.77.61.98"
    ends.right.add_address(stranger + "/24", "veth0")
    cleanup.later(ends.right.ip, f"address del {stranger}/24 dev veth0")

    def served(policy):
        folder = tempfile.TemporaryDirectory(prefix="trustrun-test-")
        cleanup.later(folder.cleanup)
        os.chmod(folder.name, 0o777)
        marker = os.path.join(folder.name, "ready")
        program = scopes.start(policy, scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=ends.left)
        program.stdin.write(json.dumps([["serve", 4500, marker]]))
        program.stdin.close()
        program.stdin = None
        deadline = time.monotonic() + scaled(10)
        while not os.path.exists(marker):
            expect.true(program.poll() is None and time.monotonic() < deadline, "the server in the scope does not begin")
            time.sleep(0.02)
        heard = {peer: children.Child(_call, peer, ends.left4, scaled(0.7), namespace=ends.right).result(scaled(10)) for peer in (friend, stranger)}
        os.unlink(marker)
        return heard, json.loads(program.result(text=None))[0]

    # Ports are of no account for who connects in.
    policy = scopes.policy(f"allow {friend}", f"allow {stranger}, ports: 4500")
    expect.equal(served(policy), ({friend: "served", stranger: ""}, [friend]), "who was let in")
    policy = scopes.policy(f"allow {friend}", more=["resolvers: [192.0.2.53]", "inbound: allow"])
    expect.equal(served(policy), ({friend: "served", stranger: "served"}, [friend, stranger]), "who was let in with `inbound: allow`")


def _call(parent, source, address, patience):
    with socket.socket() as end:
        end.bind((source, 0))
        end.settimeout(patience)
        try:
            end.connect((address, 4500))
            return end.recv(64).decode()
        except TimeoutError:
            return ""


def test_resolvers_are_reached_on_their_port_only():
    policy = scopes.policy("block 10.5.5.5", more=["resolvers: [10.5.5.5, \"fd00:5::5\"]"])
    table = [(None, way, address, 53) for way in ("tcp", "sendto") for address in ("10.5.5.5", "fd00:5::5", "::ffff:10.5.5.5")]
    table += [(["ok", "ok"], "connected", "10.5.5.5", 53)]
    table += [(EPERM, way, address, port) for way in ("tcp", "sendto")
              for address, port in (("10.5.5.5", 54), ("10.5.5.5", 853), ("10.5.5.6", 53), ("fd00:5::5", 443))]
    expect_answers(policy, table)


def test_a_permitting_default_blocks_what_rules_say():
    policy = scopes.policy("block 169.254.169.254", 'block "fd00:ec2::254"', "block any, ports: 25", default="allow")
    table = [(EPERM, way, address, 80) for way in ("tcp", "sendto") for address in ("169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254")]
    table += [(EPERM, "tcp", "10.1.1.1", 25), (None, "tcp", "10.1.1.1", 26), (None, "sendto", "fd00:ec2::253", 80)]
    expect_answers(policy, table)


def test_kill():
    """Whoever is killed does nothing any more: not even the next call."""
    namespace = everywhere()
    ways, rounds = ("tcp", "sendto", "connected", "thread"), 5
    script = "".join(f"{workload('attempt')} {way} {address} 443; echo $?\n" for way in ways for address in ("10.6.6.6", "10.1.1.1", "10.2.2.2"))
    program = scopes.start(scopes.policy("kill 10.6.6.6", "allow 10.1.1.1"), "sh", "-c", script * rounds, namespace=namespace)
    output, errors = program.communicate()
    told = [line for line in output.splitlines() if line.strip() not in ("Killed",)]
    expect.equal((program.returncode, told), (0, ["137", "after", "0", "after", "1"] * len(ways) * rounds), f"what it wrote, and statuses; {errors}")
    for row in (f"{2 * rounds} refused: tcp 10.6.6.6:443 (policy.yaml#1)", f"{2 * rounds} refused: udp 10.6.6.6:443 (policy.yaml#1)"):
        expect.true(row in errors, f"`{row}` is not in stderr: {errors}")
    program = scopes.start(scopes.policy("allow 10.1.1.1", default="kill"), scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=namespace)
    output, errors = program.communicate(json.dumps([["tcp", "10.1.1.1", 443], ["in_thread", "tcp", "10.3.3.3", 443]]))
    expect.equal((program.returncode, output), (128 + 9, ""), f"status and output of a command that is killed; {errors}")
