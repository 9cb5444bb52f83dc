# SPDX-License-Identifier: Apache-2.0
"""`run --enforce --events`: what the gates did, in the stream, and where the stream may go."""

import collections
import json
import os
import pathlib
import signal
import socket
import stat
import tempfile
import time

import children
import cleanup
import dns_packets as dns
import expect
import schema
import scopes
from dns_server import DnsServer
from harness import each_guest
from settings import agent_path, scaled
from test_enforce import EPERM, everywhere
from test_enforce_run import CANNOT, finish

GUESTS_SHARE = True


def folder():
    made = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(made.cleanup)
    os.chmod(made.name, 0o777)
    return pathlib.Path(made.name)


def read(path):
    """The events of a file, each as the schema says."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    for event in events:
        for error in schema.errors(event):
            expect.fail(error, [event])
    expect.holds(events[0], type="session", phase="start")
    expect.holds(events[-1], type="session", phase="end", summary__lost=0, summary__enforcement__divergent=0)
    return events


def of(events, kind, **where):
    return [event for event in events if event["type"] == kind
            and all(expect.get(event, path.replace("__", ".")) == value for path, value in where.items())]


def only(events, kind, **where):
    found = of(events, kind, **where)
    expect.equal(len(found), 1, f"{kind} {where}", *(found or of(events, kind)))
    return found[0]


def watched(policy, *steps, namespace):
    """The answers of a client in the scope, its events, and what the agent said."""
    path, errors = folder() / "events.jsonl", []
    program = scopes.start(policy, scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=namespace,
                           options=["--events", path])
    output, text = program.communicate(json.dumps(steps), timeout=scaled(20))
    expect.true(program.returncode == 0 and output, f"status {program.returncode}: {text}")
    expect.equal(stat.S_IMODE(path.stat().st_mode), 0o600, "mode of the file")
    expect.equal(path.stat().st_uid, scopes.USER, "owner of the file")
    return json.loads(output), read(path), text


@each_guest
def test_each_decision_is_told_with_the_kernels_verdict():
    policy = scopes.policy("allow 10.1.1.1", "alert 10.9.9.9, reason: watched", "block 10.2.2.2, reason: not ours")
    steps = [["tcp_waiting", "10.1.1.1", 443]] * 3 + [["tcp", "10.9.9.9", 1], ["tcp", "10.2.2.2", 443], ["tcp", "fd00::9", 443]]
    steps += [["sendto", "10.1.1.1", 99], ["sendto", "10.9.9.9", 99], ["sendto", "10.2.2.2", 99], ["connected", "10.2.2.2", 98]]
    steps += [["connected", "10.1.1.1", 97], ["reconnect", "tcp", ["10.2.2.2", 5], ["10.1.1.1", 5]], ["sendto", "192.0.2.53", 53]]
    steps += [["make_socket", 2, 2, 1], ["set_option", 2, 1, 0, 4, "01010101"], ["bind", 2, "127.0.0.1", 53]]
    namespace = everywhere()
    namespace.set("net.ipv4.ping_group_range", "0 2147483647")
    answers, events, text = watched(policy, *steps, namespace=namespace)
    expect.equal(answers[4:6] + [answers[8], answers[9][1]], [EPERM] * 4, "control: what the client got for what is refused")

    start = events[0]
    expect.holds(start, policy__enforced=True, enforcement__dns_exfiltration="possible", resolvers=["192.0.2.53"])
    expect.holds(only(events, "enforcement"), state="proven", scope=start["enforcement"]["scopes"][0], generation=start["enforcement"]["generation"])
    scope = start["enforcement"]["scopes"][0]
    for event in events[2:-1]:
        if event["type"] != "loss":  # one datagram to the resolver is no DNS message
            expect.equal(expect.get(event, "cgroup.path"), scope, "whose events are told", event)

    for event in of(events, "connect"):
        expect.holds(event, verdict__enforced=True, verdict__generation=start["enforcement"]["generation"], verdict__policy="test")
    allowed = of(events, "connect", destination__address="10.1.1.1", destination__port=443)
    expect.equal(len(allowed), 3, "connections that were let through", *of(events, "connect"))
    for event in allowed:
        expect.holds(event, verdict__action="allow", verdict__rule="policy.yaml#1", verdict__gate="connect", outcome="refused")
    expect.equal(of(events, "violation", destination__address="10.1.1.1"), [], "violations of what is allowed")

    watched_one = only(events, "violation", destination__address="10.9.9.9", destination__port=1)
    expect.holds(watched_one, verdict__action="alert", verdict__rule="policy.yaml#2", verdict__reason="watched", protocol="tcp")
    expect.equal(only(events, "connect", destination__address="10.9.9.9", destination__port=1)["connection"], watched_one["connection"], "ids")
    only(events, "violation", destination__address="10.9.9.9", destination__port=99, protocol="udp")

    for port, protocol, gate in ((443, "tcp", "connect"), (99, "udp", "datagram"), (98, "udp", "datagram")):
        where = {"destination__address": "10.2.2.2", "destination__port": port}
        expect.holds(only(events, "connect", **where), outcome="failed", errno="EPERM", protocol=protocol, verdict__action="block")
        expect.holds(only(events, "violation", **where), verdict__rule="policy.yaml#3", verdict__reason="not ours", verdict__gate=gate)
    expect.holds(only(events, "violation", destination__address="fd00::9"), verdict__rule=None, verdict__basis="defaults", verdict__reason="no rule matches")

    # One socket: refused, then let through as its next use.
    first = only(events, "connect", destination__port=5, destination__address="10.2.2.2")["connection"]
    second = only(events, "connect", destination__port=5, destination__address="10.1.1.1")["connection"]
    expect.equal((first.split(".")[0], first.split(".")[1], second.split(".")[1]), (second.split(".")[0], "1", "2"), "ids of one socket")
    expect.holds(only(events, "connect", destination__port=53), verdict__basis="resolver", verdict__action="allow")

    expect.holds(only(events, "violation", attempt__kind="socket"), attempt__protocol=1, attempt__type=2, verdict__gate="socket", verdict__basis="scope")
    expect.holds(only(events, "violation", attempt__kind="option"), attempt__level=0, attempt__option=4, process__uid=scopes.USER)
    expect.equal(of(events, "violation", attempt__kind="bind"), [], "an ordinary user's bind() to port 53 fails before the gate")

    summary = events[-1]["summary"]
    counted = collections.Counter(event["verdict"]["action"] for event in of(events, "violation"))
    expect.equal(summary["violations"], {"alert": 2, "block": 7, "kill": 0}, "violations by the kernel's count")
    expect.equal(dict(counted), {"alert": 2, "block": 7}, "violations that were told")
    kernel = summary["enforcement"]
    # 3 + 1 + 1 connections; 10.1.1.1 at 443, 99, 97, 5; 10.9.9.9 at 1, 99; the resolver.
    expect.equal((kernel["connections"], kernel["destinations"], kernel["let_through"], kernel["refused"]), (5, 7, 9, 7), "what the kernel counted")
    for line in (f"events in ", "lost: 0", "TCP connections: 5, destinations: 7, violations: 9", "9 let through (2 of them against the policy), 7 refused"):
        expect.true(line in text, f"`{line}` is not in stderr: {text}")


def test_who_connects_in_is_told():
    namespace, place = everywhere(), folder()
    marker = place / "ready"
    program = scopes.start(scopes.policy("allow 10.3.3.3"), scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=namespace,
                           options=["--events", place / "events.jsonl"])
    program.stdin.write(json.dumps([["serve", 4500, str(marker)]]))
    program.stdin.close()
    program.stdin = None
    deadline = time.monotonic() + scaled(20)
    while not marker.exists():
        expect.true(program.poll() is None and time.monotonic() < deadline, "the server in the scope does not begin")
        time.sleep(0.02)
    heard = [children.Child(_call, source, scaled(0.5), namespace=namespace).result(scaled(10)) for source in ("10.3.3.3", "10.4.4.4")]
    expect.equal(heard, ["served", ""], "what the two clients got")
    marker.unlink()
    program.result(text=None)
    events = read(place / "events.jsonl")
    expect.holds(only(events, "accept"), source__address="10.3.3.3", destination__port=4500, verdict__action="allow", verdict__enforced=True,
                 verdict__gate="inbound", verdict__rule="policy.yaml#1")
    refused = of(events, "violation")
    expect.true(refused, "a violation for whoever was refused", *events)
    for event in refused:  # a SYN that is refused comes again
        expect.holds(event, connection=None, direction="inbound", source__address="10.4.4.4", destination__address="10.5.5.5", destination__port=4500,
                     verdict__gate="inbound", verdict__action="block", process__name="python3")


def _call(parent, source, patience):
    with socket.socket() as end:
        end.bind((source, 0))
        end.settimeout(patience)
        try:
            end.connect(("10.5.5.5", 4500))
            return end.recv(64).decode()
        except TimeoutError:
            return ""


def explain(path, connection, status=0):
    program = children.Program(agent_path(), "explain", "--connection", connection, "--events", path)
    return program.result(status=status)


def test_a_refusal_by_name_is_explained_and_its_remedy_works():
    namespace, path = everywhere(), folder() / "events.jsonl"
    DnsServer("10.1.0.53", "10.1.0.54", {"a.ok.test": [(dns.A, 60, "10.2.0.1")], "b.test": [(dns.A, 60, "10.2.0.2")]}, namespace)
    steps = [["ask", name, dns.A, "10.1.0.53", "sendto", {}] for name in ("a.ok.test", "b.test", "c.test")]
    steps += [["tcp", "10.2.0.1", 443], ["tcp", "10.2.0.2", 443]]

    def run(*rules, path):
        policy = scopes.policy(*rules, more=["resolvers: [10.1.0.53]"], dns="strict")
        program = scopes.start(policy, scopes.PYTHON, scopes.HERE / "scope_client.py", namespace=namespace, options=["--events", path])
        output, text = program.communicate(json.dumps(steps), timeout=scaled(20))
        expect.true(output, f"status {program.returncode}: {text}")
        return json.loads(output), read(path)

    answers, events = run('allow "*.ok.test"', "allow b.test, ports: 80", path=path)
    expect.equal(answers[2:], [EPERM, "ok", EPERM], "what the client got")
    expect.holds(events[0], enforcement__dns_exfiltration=None)
    expect.holds(only(events, "connect", destination__address="10.2.0.1"), verdict__action="allow", verdict__basis="name", verdict__name="a.ok.test",
                 verdict__rule="policy.yaml#1", verdict__enforced=True)
    expect.holds(only(events, "violation", attempt__kind="query"), attempt__address="10.1.0.53", verdict__gate="query", verdict__basis="scope", verdict__name="c.test")
    refused = only(events, "violation", destination__address="10.2.0.2")
    text = explain(path, refused["connection"])
    for words in ("tcp to 10.2.0.2:443", "name: b.test", "asked for A of 10.1.0.53 port 53", "answer 10.2.0.2, TTL 60 s", "connect failed (EPERM), block",
                  "verdict: block by no rule (defaults): no rule matches", "at the gate `connect`, generation 1"):
        expect.true(words in text, f"`{words}` is not in:\n{text}")
    remedy = text.splitlines()[-1]
    expect.true(remedy.startswith("  - { match: \"b.test\""), f"the remedy: {remedy}")
    expect.true("has no connection" in "".join(children.Program(agent_path(), "explain", "--connection", "0.1", "--events", path).communicate()), "unknown id")

    rule = json.loads(json.dumps(remedy.strip()[len("- { "):-len(" }")]))
    match = dict(part.split(": ", 1) for part in rule.split(", "))
    again = [f"{match.pop('action')} {match.pop('match')}, " + ", ".join(f"{key}: {value}" for key, value in match.items())]
    answers, events = run(*again, 'allow "*.ok.test"', path=folder() / "again.jsonl")
    expect.equal(answers[3:], ["ok", "ok"], f"what the client got with the remedy {remedy}")
    expect.holds(only(events, "connect", destination__address="10.2.0.2"), verdict__rule="policy.yaml#1", verdict__name="b.test")


def test_where_events_may_go():
    policy, place = scopes.policy("allow 127.0.0.1"), folder()
    mine = place / "mine"
    mine.write_text("kept")
    (place / "link").symlink_to(mine)
    for target, words in ((mine, "never overwritten"), (place / "link", "never overwritten"), (place / "none" / "x", "cannot be made"),
                          ("fd:77", "is not open for writing"), ("fd:0", "is not open for writing")):
        program = scopes.start(policy, "echo", "ran", options=["--events", target], stdin=open("/dev/null", "rb"))
        status, output, errors = finish(program, None)
        expect.equal((status, output), (CANNOT, ""), f"--events {target}: {errors}")
        expect.true(words in errors, f"stderr for {target}: {errors}")
    expect.equal(mine.read_text(), "kept", "the file that was there")
    expect.equal(finish(children.Program(agent_path(), "run", "--policy", policy, "--enforce", "--events", "fd:x", "--", "true"))[0], 64, "fd:x")

    read_end, write_end = os.pipe()
    program = scopes.start(policy, "sh", "-c", f"echo ran; ls /proc/self/fd | grep -x {write_end} || exit 3", options=["--events", f"fd:{write_end}"],
                           pass_fds=[write_end])
    os.close(write_end)
    status, output, errors = finish(program)
    expect.equal((status, output), (3, "ran\n"), f"the command has no such descriptor; {errors}")
    lines = open(read_end, "rb").read().decode().splitlines()
    expect.equal([json.loads(lines[0])["type"], json.loads(lines[-1])["summary"]["reason"]], ["session", "command"], "first and last line")

    # Nobody reads: the command goes on, held as before.
    read_end, write_end = os.pipe()
    os.close(read_end)
    code = "import socket; print(socket.socket().connect_ex(('127.0.0.9', 9)))"
    program = scopes.start(policy, scopes.PYTHON, "-c", code, options=["--events", f"fd:{write_end}"], pass_fds=[write_end])
    os.close(write_end)
    status, output, errors = finish(program)
    expect.equal((status, output), (0, "1\n"), "a command whose events nobody reads")
    expect.true("the events are not whole" in errors, f"stderr: {errors}")
    expect.equal([path for path in scopes.left_behind() if f"run-{program.pid}-" in path], [], "groups left behind")


FLOOD = 250_000  # more than the ring has room for

FLOODER = ("import socket, sys\n"
           "print('ready', flush=True); sys.stdin.readline()\n"
           "end, refused, sent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0, 0\n"
           f"for place in range({FLOOD}):\n"
           "    try: end.sendto(b'x', ('10.2.2.2', 9))\n"
           "    except PermissionError: refused += 1\n"
           "    if place % 100 == 0: sent += end.sendto(b'x', ('10.1.1.1', 9))\n"
           "print(refused, sent, flush=True); sys.stdin.readline()")


def test_counts_are_exact_and_the_gates_hold_with_the_ring_full():
    path = folder() / "events.jsonl"
    program = scopes.start(scopes.policy("allow 10.1.1.1"), scopes.PYTHON, "-c", FLOODER, namespace=everywhere(), options=["--events", path])
    expect.equal(program.stdout.readline(), "ready\n", "the command's first line")
    program.send_signal(signal.SIGSTOP)
    program.stdin.write("\n")
    program.stdin.flush()
    answer = program.stdout.readline().split()
    program.send_signal(signal.SIGCONT)
    _, text = program.communicate("\n", timeout=scaled(60))
    expect.equal((program.returncode, answer), (0, [str(FLOOD), str(FLOOD // 100)]), f"what was refused and sent: {text}")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    summary = events[-1]["summary"]
    lost = sum(entry["count"] for event in of(events, "loss") for entry in event["lost"] if entry["stage"] == "kernel")
    expect.true(lost > 0 and summary["lost"] >= lost, f"{lost} lost in the ring: it was not full")
    expect.equal((summary["violations"]["block"], summary["enforcement"]["refused"], summary["enforcement"]["let_through"], summary["enforcement"]["unlisted"]),
                 (FLOOD, FLOOD, FLOOD // 100, 0), "what the kernel counted")
    told = len(of(events, "violation", destination__address="10.2.2.2"))
    expect.equal(told + lost >= FLOOD, True, f"{told} told and {lost} lost of {FLOOD}")
    expect.true(f"{FLOOD} refused: udp 10.2.2.2:9" in text, f"stderr: {text}")


test_counts_are_exact_and_the_gates_hold_with_the_ring_full.limit = 120
