# SPDX-License-Identifier: Apache-2.0
"""Verdicts on real connections: what a policy says at the start, after the server name, and of the same traffic once recorded."""

import json
import pathlib
import signal
import sys
import tempfile

import cleanup
import client_hello
import expect
import servers
from children import Child, Program
from clients import exchange
from dns_site import RESOLVER, site
from harness import Agent
from settings import agent_path, scaled

GUESTS_SHARE = True

EX_USAGE, EX_DATAERR, EX_NOINPUT = 64, 65, 66

POLICY = f"""\
name: test
resolvers: [{RESOLVER}]
rules:
  - match: plain.example.test
    action: allow
    reason: ours
  - match: one.example.test
    ports: ["1-65535"]
    action: allow
  - match: second.example.test
    verify: address
    action: allow
  - match: several.example.test
    process: /no/such/program
    action: allow
  - match: 10.77.0.13
    action: alert
  - match: www.example.test
    action: kill
  - match: fd77::/16
    action: allow
defaults: {{action: block}}
"""


def policy_file(text=POLICY, name="test.yaml"):
    folder = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(folder.cleanup)
    path = pathlib.Path(folder.name, name)
    path.write_text(text)
    return str(path)


def judged(*options, text=POLICY):
    return Agent("--policy", policy_file(text), *options)


@cleanup.once("module")
def shared():
    """An agent with that policy, for the tests that only look; starting one takes seconds in an emulated machine."""
    return judged()


def watching():
    agent = shared()
    agent.mark()
    return agent


def traffic(agent, *steps):
    """What the agent tells of a client that takes these steps and of its last connection: connect, violations, close."""
    child = site().client(*steps)
    child.result()
    close = agent.wait_for("close", pid=child.pid, destination__port=site().port)
    agent.settle()
    where = {"pid": child.pid, "destination__port": site().port}
    connect, = agent.find("connect", **where)
    return connect, agent.find("violation", **where), close


def check(agent, steps, action, **verdict):
    """The verdict at the start is also the last one, and it is a violation if it is not allow."""
    connect, violations, close = traffic(agent, *steps)
    for event in (connect, *violations, close):
        expect.holds(event, verdict__action=action, verdict__enforced=False, verdict__policy="test",
                     verdict__would_block=True if action in ("block", "kill") else None,
                     **{f"verdict__{key}": value for key, value in verdict.items()})
    expect.equal(len(violations), 0 if action == "allow" else 1, "violations", connect, close)
    if violations:
        expect.holds(violations[0], connection=connect["connection"], outcome=None)


def test_by_name():
    agent = watching()
    check(agent, [["resolve", "plain.example.test"], ["connect", "10.77.0.11"]], "allow",
          rule="test.yaml#1", basis="name", reason="ours")


def test_by_default():
    check(watching(), [["connect", "10.77.0.11"]], "block", rule=None, basis="defaults", reason="no rule matches")


def test_by_address():
    agent = watching()
    check(agent, [["connect", "fd77::24"]], "allow", rule="test.yaml#7", basis="address", reason="matches fd77::/16")
    # An address that only alerts does not go before a name that kills.
    check(agent, [["resolve", "www.example.test"], ["connect", "10.77.0.13"]], "kill", rule="test.yaml#6", basis="name")
    check(agent, [["connect", "10.77.0.13"]], "alert", rule="test.yaml#5", basis="address")


def test_the_most_permissive_of_several_names():
    check(watching(), [["resolve", "two.example.test"], ["resolve", "one.example.test"], ["connect", "10.77.0.17"]],
          "allow", rule="test.yaml#2", basis="name", name="one.example.test")


def test_by_process():
    steps = [["resolve", "several.example.test"], ["connect", "10.77.0.14"]]
    check(watching(), steps, "block", basis="defaults")
    check(judged(text=POLICY.replace("/no/such/program", "/*/python3*")), steps, "allow", rule="test.yaml#4", basis="name")


def test_a_server_name_that_is_not_the_allowed_one():
    agent = watching()
    hello = client_hello.hello("other.example.test").hex()
    connect, violations, close = traffic(agent, ["resolve", "plain.example.test"], ["connect", "10.77.0.11", hello])
    expect.holds(connect, verdict__action="allow")
    sni, = agent.find("sni", connection=connect["connection"])
    violation, = violations
    for event in (sni, violation, close):
        expect.holds(event, verdict__action="block", verdict__basis="server_name", verdict__rule="test.yaml#1",
                     verdict__name="other.example.test", connection=connect["connection"])
    expect.true("DNS" in violation["verdict"]["reason"], "no word of what is missing", violation)


def test_a_server_name_that_is_the_allowed_one():
    hello = client_hello.hello("plain.example.test").hex()
    check(watching(), [["resolve", "plain.example.test"], ["connect", "10.77.0.11", hello]], "allow",
          rule="test.yaml#1", basis="name")


def test_a_server_name_where_the_address_is_enough():
    hello = client_hello.hello("other.example.test").hex()
    check(watching(), [["resolve", "second.example.test"], ["connect", "10.77.0.12", hello]], "allow", rule="test.yaml#3")


def test_the_resolver_needs_no_rule():
    agent = watching()
    child = site().client(["resolve", "plain.example.test"], ["tcp", "plain.example.test"])
    child.result()
    connects = agent.wait_for("connect", 2, pid=child.pid, destination__port=53)
    agent.settle()
    for event in connects:
        expect.holds(event, verdict__action="allow", verdict__basis="resolver")
    expect.equal(agent.find("violation", pid=child.pid), [], "violations", *connects)
    agent = judged(text=POLICY.replace(RESOLVER, "10.77.0.99"))
    child = site().client(["resolve", "plain.example.test"])
    child.result()
    expect.holds(agent.wait_for("violation", pid=child.pid, destination__port=53), verdict__action="block", verdict__basis="resolver")


def test_who_connects_in():
    def accepted(text):
        agent = judged(text=text)
        server = servers.Echo()
        child = Child(exchange, "127.0.0.1", server.port)
        child.result()
        return agent.wait_for("accept", destination__port=server.port)

    expect.holds(accepted(POLICY), verdict__action="block", verdict__basis="defaults")
    expect.holds(accepted(POLICY + "inbound: allow\n"), verdict__action="allow", verdict__basis="inbound")
    loopback = POLICY.replace("rules:\n", "rules:\n  - match: 127.0.0.0/8\n    action: allow\n")
    expect.holds(accepted(loopback), verdict__action="allow", verdict__rule="test.yaml#1")
    # The port that a peer chose for itself is no port of ours.
    with_ports = POLICY.replace("rules:\n", 'rules:\n  - match: any\n    ports: ["1-65535"]\n    action: allow\n')
    expect.holds(accepted(with_ports), verdict__action="block")


def test_the_session_tells_of_the_policy():
    agent = judged()
    expect.holds(agent.events[0], policy__name="test", policy__rules=7, policy__default="block", policy__enforced=False,
                 resolvers=[RESOLVER])
    steps = [["connect", "10.77.0.11"], ["connect", "10.77.0.13"]]
    child = site().client(*steps)
    child.result()
    agent.wait_for("violation", 2, pid=child.pid)
    summary = agent.stop()["summary"]
    counts = {action: len([event for event in agent.events if event["type"] == "violation" and
                           event["verdict"]["action"] == action]) for action in ("alert", "block", "kill")}
    expect.equal(summary["violations"], counts, "violations of the summary")
    expect.true(counts["alert"] >= 1 and counts["block"] >= 1, f"what was counted: {counts}")


def test_fail_on():
    """A script learns it from the exit status, whatever types are written and of the processes it asked for alone."""
    for text, option, status in ((POLICY, "alert", 1), (POLICY, "block", 1),
                                 (POLICY.replace("action: block}", "action: alert}"), "alert", 1),
                                 (POLICY.replace("action: block}", "action: alert}"), "block", 0),
                                 (POLICY.replace("action: block}", "action: allow}"), "alert", 0)):
        child = site().client(["wait"], ["connect", "10.77.0.11"])
        child.receive()
        agent = judged("--fail-on", option, "--types", "close", "--pid", str(child.pid), text=text)
        child.send("go")
        child.result()
        agent.wait_for("close", pid=child.pid)
        agent.process.send_signal(signal.SIGINT)
        agent.finish(status=status)


def run(*arguments, stdin=""):
    program = Program(agent_path(), *arguments, stdin=-1)
    output, errors = program.communicate(stdin, timeout=scaled(20))
    return program.returncode, output, errors


def test_a_wrong_policy_starts_nothing():
    path = policy_file(POLICY.replace("action: kill", "action: destroy"))
    status, output, errors = run("monitor", "--policy", path)
    expect.equal(status, EX_DATAERR, f"exit status: {errors}")
    expect.equal(output, "", "stdout")
    line = POLICY.splitlines().index("    action: kill") + 1
    expect.true(f"{path}:{line}:13: " in errors and "expected" in errors, f"no place or no help: {errors!r}")
    status, output, errors = run("monitor", "--policy", "/no/such/policy.yaml")
    expect.equal((status, output), (EX_NOINPUT, ""), f"exit status and stdout: {errors}")
    status, output, errors = run("monitor", "--fail-on", "alert")
    expect.equal((status, output), (EX_USAGE, ""), f"exit status and stdout: {errors}")


def test_recorded_traffic_gets_the_same_verdicts():
    """`policy eval` on a recording says what `monitor --policy` said of the traffic itself."""
    agent = judged()
    hello = client_hello.hello("other.example.test").hex()
    clients = [site().client(["resolve", "plain.example.test"], ["connect", "10.77.0.11", hello]),
               site().client(["connect", "10.77.0.13"]),
               site().client(["resolve", "two.example.test"], ["resolve", "one.example.test"], ["connect", "10.77.0.17"])]
    for child in clients:
        child.result()
        agent.wait_for("close", pid=child.pid, destination__port=site().port)
    agent.stop()
    recorded = agent.output.read_text()
    bare = "".join(json.dumps({key: value for key, value in event.items() if key != "verdict"}) + "\n"
                   for event in map(json.loads, recorded.splitlines()) if event["type"] != "violation")
    for text in (recorded, bare):
        status, output, errors = run("policy", "eval", "--policy", policy_file(), stdin=text)
        expect.equal(status, 0, f"exit status: {errors}")
        again = [json.loads(line) for line in output.splitlines()]
        wanted = [event for event in agent.events if event["type"] != "violation"]
        expect.equal([(event["type"], event.get("verdict")) for event in again],
                     [(event["type"], event.get("verdict")) for event in wanted], "verdicts")
    other = policy_file("name: other\ndefaults: {action: allow}\n", "other.yaml")
    status, output, errors = run("policy", "eval", "--policy", other, "--summary", "--json", stdin=recorded)
    expect.equal(status, 0, f"exit status: {errors}")
    summary = json.loads(output)
    expect.equal(summary["totals"]["allow"]["after"], summary["connections"], "allowed by the other policy")
    expect.true(any(change["destination"].startswith("10.77.0.13:") and change["before"] == "alert"
                    for change in summary["changes"]), f"the change is not told: {summary['changes']}")


def test_a_recording_that_is_none():
    path = policy_file()
    for text, word in (("{\n", "JSON"), ('{"schema":"x","type":"connect","time":""}\n', "schema"), ("[]\n", "object"),
                       ('{"type":"connect"}\n', "schema")):
        status, output, errors = run("policy", "eval", "--policy", path, stdin='\n' + text)
        expect.equal((status, output), (EX_DATAERR, ""), f"exit status and stdout: {errors}")
        expect.true("stdin:2: " in errors and word in errors, f"no place or no reason: {errors!r}")
