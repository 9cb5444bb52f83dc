# SPDX-License-Identifier: Apache-2.0
"""The frame of the stream: its first and last line, what ends it, and the options that narrow it."""

import collections
import os
import platform
import signal
import time

import cgroups
import clients
import expect
import servers
from children import Child
from harness import TRAFFIC, Agent, loopback_connection
from settings import scaled


def connection_and_wait(agent):
    """One connection within this process, told by the agent."""
    port = loopback_connection()
    agent.wait(lambda: len(agent.find("close", source__port=port)) == 2, "the connection's end")
    return port


def check_counts(agent, last):
    """The summary counts the lines as they are."""
    counted = collections.Counter(event["type"] for event in agent.events)
    told = dict(last["summary"]["events"])
    expect.equal(told.pop("total"), len(agent.events), "total")
    expect.equal({kind: count for kind, count in told.items() if count}, dict(counted), "events by type")


def test_first_and_last_line():
    agent = Agent()
    first = agent.events[0]
    expect.holds(first, type="session", phase="start", kernel=platform.release(), host=platform.node())
    expect.true("connect" in first["hooks"], "no hook for connect", first)
    connection_and_wait(agent)
    last = agent.stop(signal.SIGINT)
    expect.holds(last, summary__lost=0, summary__reason="signal", host=platform.node())
    expect.equal([event["type"] for event in agent.events].count("session"), 2, "session lines")
    check_counts(agent, last)
    life = expect.time_ns(last) - expect.time_ns(first)
    expect.between(last["summary"]["duration_ns"], life - 1e9, life + 1e9, "duration", last)


def test_every_capability_is_hooked_or_missing_with_a_reason():
    first = Agent().events[0]
    named = set(first["hooks"]) | {entry["capability"] for entry in first.get("missing", [])}
    expect.equal(set(first["hooks"]) & {entry["capability"] for entry in first.get("missing", [])}, set(),
                 "both hooked and missing", first)
    for capability in ("connect", "accept", "close", "dns", "exec", "exit"):
        expect.true(capability in named, f"nothing said about {capability}", first)


def test_hooks_are_those_of_the_events():
    agent = Agent()
    hooks = set(agent.events[0]["hooks"].values())
    port = connection_and_wait(agent)
    for event in agent.find(TRAFFIC, port=port):
        expect.true(event["sensor"]["hook"] in hooks, f"a hook that the session did not name: {hooks}", event)


def test_times_do_not_run_backwards_by_much():
    agent = Agent()
    for _ in range(50):
        loopback_connection()
    agent.stop()
    times = [expect.time_ns(event) for event in agent.events]
    latest = 0
    for stamp, event in zip(times, agent.events):
        latest = max(latest, stamp)
        expect.between(latest - stamp, 0, 2e9, "behind the latest", event)


def test_everything_that_happened_is_flushed():
    for number in (signal.SIGTERM, signal.SIGINT):
        agent = Agent("--pid", str(os.getpid()))
        ports = [loopback_connection() for _ in range(200)]
        last = agent.stop(number)
        closed = [event["source"]["port"] for event in agent.find("close")]
        expect.equal(sorted(closed), sorted(ports * 2), "source ports of the closes")
        expect.equal(last["summary"]["lost"], 0, "lost")


def test_duration():
    start = time.monotonic()
    agent = Agent("--duration", "1s")
    last = agent.finish()
    expect.between(time.monotonic() - start, 0.9, scaled(5), "seconds")
    expect.holds(last, summary__reason="duration")
    expect.between(last["summary"]["duration_ns"], 0.9e9, 5e9, "duration", last)


def test_count():
    agent = Agent("--count", "5")
    for _ in range(10):
        loopback_connection()
    last = agent.finish()
    expect.holds(last, summary__reason="count")
    expect.equal(len([event for event in agent.events if event["type"] != "session"]), 5, "events")
    check_counts(agent, last)


def test_types():
    agent = Agent("--types", "connect,exit")
    child = Child(clients.exchange, "127.0.0.1", servers.Echo().port)
    child.result()
    agent.wait_for("exit", pid=child.pid)
    last = agent.stop()
    seen = {event["type"] for event in agent.events}
    expect.true(seen <= {"session", "loss", "connect", "exit"}, f"types {seen}")
    expect.equal([event["type"] for event in agent.find(pid=child.pid)], ["connect", "exit"], "types")
    check_counts(agent, last)


def test_pid():
    server = servers.Echo()
    child = Child(_two_connections, "127.0.0.1", server.port)
    child.receive()
    agent = Agent("--pid", str(child.pid))
    other = Child(clients.exchange, "127.0.0.1", server.port)
    other.result()
    child.send()
    child.result()
    agent.wait_for("close", 2, pid=child.pid)
    agent.stop()
    others = [event for event in agent.events if event["type"] not in ("session", "loss")
              and event["process"]["pid"] != child.pid]
    expect.equal(others, [], "events of others")
    expect.equal(len(agent.find("connect")), 2, "connects")


def _two_connections(parent, address, port):
    parent.send("ready")
    parent.receive()
    for _ in range(2):
        clients.exchange(parent, address, port)


def test_cgroup():
    groups = [cgroups.Group(f"wanted/{name}") for name in ("one", "two")] + [cgroups.Group("unwanted")]
    agent = Agent("--cgroup", f"/trustrun-test-{os.getpid()}/wanted/*")
    server = servers.Echo()
    children = [Child(clients.exchange, "127.0.0.1", server.port, cgroup=group) for group in groups]
    for child in children:
        child.result()
    agent.wait_for("close", 2)
    agent.stop()
    seen = {expect.get(event, "cgroup.path") for event in agent.events if event["type"] not in ("session", "loss")}
    expect.equal(seen, {groups[0].path, groups[1].path}, "groups")
    connects = {event["process"]["pid"] for event in agent.find("connect")}
    expect.equal(connects, {children[0].pid, children[1].pid}, "processes that connected")


def test_two_agents_both_report():
    first, second = Agent(), Agent()
    port = loopback_connection()
    for agent in (first, second):
        agent.wait(lambda agent=agent: len(agent.find("close", source__port=port)) == 2, "the connection's end")
        expect.equal(len(agent.find(TRAFFIC, source__port=port)), 4, "events")
    ids = [{event["connection"] for event in agent.find("connect", source__port=port)} for agent in (first, second)]
    expect.equal(first.stop()["summary"]["lost"], 0, "lost by the first")
    port = connection_and_wait(second)
    expect.equal(second.stop()["summary"]["lost"], 0, "lost by the second")
    expect.equal(len(ids[0]), 1, "ids of one connection")


def test_the_agent_does_not_report_itself():
    agent = Agent()
    connection_and_wait(agent)
    agent.stop()
    expect.equal(agent.find(pid=agent.pid), [], "events of the agent")
