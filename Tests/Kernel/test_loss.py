# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost in silence: each connection is told, or counted as lost."""

import signal
import time

import expect
import netns
from children import Program
from harness import Agent, limit
from settings import scaled, workload


class Load:
    """A namespace with a server and a client that waits for the word to begin."""

    def __init__(self, count, *options, address="127.0.0.1", spread=1):
        self.space = netns.Namespace()
        anywhere = "::" if ":" in address else "0.0.0.0"
        self.sink = Program(workload("tcp_sink"), anywhere, 0, namespace=self.space)
        self.port = int(self.sink.stdout.readline())
        self.count, self.address, self.spread = count, address, spread
        self.client = Program(workload("many_connections"), "-w", "-s", spread, *options, address, self.port, count,
                              namespace=self.space)

    def begin(self):
        self.client.stdin.write("go\n")
        self.client.stdin.flush()

    def end(self, timeout):
        """Waits for the client; keeps its (address, source port) pairs and the seconds that it took."""
        output, errors = self.client.communicate(timeout=scaled(timeout))
        expect.equal(self.client.returncode, 0, f"exit status of the client: {errors}")
        self.seconds = int(errors) / 1e9
        first, _, last = self.address.rpartition(":" if ":" in self.address else ".")
        separator = ":" if ":" in self.address else "."
        pairs = [line.split() for line in output.splitlines()]
        self.made = [(f"{first}{separator}{int(last) + int(index)}", int(port)) for index, port in pairs]
        expect.equal(len(self.made), self.count, "connections made")


def check_all_told(agent, load, timeout):
    """Each connection has one connect with the right process, address and ports, and one close."""
    agent.settle(timeout)
    last = agent.stop()
    lost = last["summary"]["lost"]
    if lost and expect.may_pass_over():
        return check_rest_told(agent, load, lost)
    expect.equal(lost, 0, "lost")
    for kind, pid in (("connect", load.client.pid), ("accept", load.sink.pid)):
        events = agent.find(kind, destination__port=load.port)
        expect.equal(len(events), load.count, f"number of {kind}")
        expect.equal({event["process"]["pid"] for event in events}, {pid}, f"processes of {kind}")
        expect.equal(sorted((event["destination"]["address"], event["source"]["port"]) for event in events),
                     sorted(load.made), f"addresses and source ports of {kind}")
        opened = [event["connection"] for event in events]
        closed = [event["connection"] for event in agent.find("close", pid=pid, destination__port=load.port)]
        expect.equal(len(set(opened)), load.count, "different ids")
        expect.equal(len(closed), load.count, f"number of closes after {kind}, with nothing said to be lost")
        expect.equal(set(closed) ^ set(opened), set(), f"ids of the closes after {kind}")


def check_rest_told(agent, load, lost):
    """Where the kernel passes over programs: the agent tells how many records that cost at most, and it costs few."""
    expect.between(lost, 1, load.count / 20, "records passed over, at most")
    few = min(lost, load.count / 500)
    for kind in ("connect", "accept"):
        told = {event["source"]["port"] for event in agent.find(kind, destination__port=load.port)}
        expect.between(load.count - len(agent.find(kind, destination__port=load.port)), 0, few, f"{kind} not told")
        expect.equal(told - {port for _, port in load.made}, set(), f"source ports of {kind}")
    expect.between(2 * load.count - len(agent.find("close", destination__port=load.port)), 0, few, "closes not told")


@limit(60)
def test_1000_connections_5_ms_apart():
    load = Load(1000, "-g", 5000)
    agent = Agent()
    load.begin()
    load.end(timeout=30)
    check_all_told(agent, load, timeout=20)


@limit(60)
def test_500_ipv6_connections_2_ms_apart():
    load = Load(500, "-g", 2000, address="::1")
    agent = Agent()
    load.begin()
    load.end(timeout=30)
    check_all_told(agent, load, timeout=20)


@limit(120)
def test_20000_connections_at_full_speed():
    load = Load(20000, address="127.0.0.1", spread=8)
    agent = Agent()
    load.begin()
    load.end(timeout=60)
    check_all_told(agent, load, timeout=60)


def lost(agent, **where):
    """The sum of what the loss events say, by stage or record if asked."""
    return sum(entry["count"] for event in agent.events if event["type"] == "loss" for entry in event["lost"]
               if all(entry[key] == value for key, value in where.items()))


@limit(120)
def test_a_stalled_reader_holds_nothing_up_and_losses_add_up():
    load = Load(30000, spread=8)
    calm = Load(3000, spread=8)
    agent = Agent("--pid", str(load.client.pid), "--types", "connect", paused=True)
    time.sleep(scaled(1))
    calm.begin()
    calm.end(timeout=60)
    load.begin()
    load.end(timeout=90)
    expect.between(load.seconds / load.count, 0, 3 * calm.seconds / calm.count, "seconds a connection")
    agent.resume()
    agent.wait(lambda: agent.events, "its first line")
    agent.wait(lambda: len(agent.find("connect")) + lost(agent) >= load.count, "all connections", timeout=30)
    last = agent.stop()
    told = agent.find("connect")
    passed_over = lost(agent, stage="kernel") if expect.may_pass_over() else 0
    missing = load.count - len(told) - lost(agent, stage="output")
    expect.between(missing, 0, passed_over, "neither read nor lost at the output")
    expect.equal(lost(agent), lost(agent, stage="output") + passed_over, "lost anywhere else")
    expect.equal(last["summary"]["lost"], lost(agent), "lost, by the summary")
    expect.equal(len({event["connection"] for event in told}), len(told), "different ids")
    expect.true({(event["destination"]["address"], event["source"]["port"]) for event in told} <= set(load.made),
                "connections that were never made")


@limit(120)
def test_a_stopped_agent_holds_nothing_up_and_losses_are_told():
    """With the agent stopped the ring fills; what did not fit is counted."""
    load = Load(30000, spread=8)
    agent = Agent("--pid", str(load.client.pid), "--types", "connect,exit")
    agent.process.send_signal(signal.SIGSTOP)
    try:
        load.begin()
        load.end(timeout=90)
    finally:
        agent.process.send_signal(signal.SIGCONT)
    agent.wait(lambda: agent.find("exit", pid=load.client.pid) or lost(agent), "the client's end or a loss", timeout=60)
    time.sleep(scaled(1.5))  # losses are told once a second
    last = agent.stop(timeout=30)
    connects = len(agent.find("connect"))
    expect.equal(last["summary"]["lost"], lost(agent), "lost, by the summary")
    # What it then reads at once may be more than this reader takes in time.
    expect.equal(lost(agent), lost(agent, stage="kernel") + lost(agent, stage="output"), "lost anywhere else")
    expect.true(connects + lost(agent) >= load.count, f"{connects} told and {lost(agent)} lost of {load.count}")
    if connects < load.count:
        expect.true(lost(agent) >= load.count - connects, "a connection was lost in silence")
