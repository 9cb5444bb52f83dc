# SPDX-License-Identifier: Apache-2.0
"""`monitor --enforce --scope`: groups of others are held to a policy, for as long as they are there."""

import json
import pathlib
import signal
import socket
import time

import cgroups
import children
import cleanup
import dns_packets as dns
import expect
import harness
import scopes
from dns_server import DnsServer
from harness import each_guest
from settings import agent_path, scaled
from test_enforce import EPERM, everywhere
from test_enforce_life import CLIENT, agent, detach, echo, replace, status, wait_until

GUESTS_SHARE = True


class Client:
    """A program that does what it is asked to, in a group; an ordinary user unless told otherwise."""

    def __init__(self, group, namespace, user=scopes.USER, under=()):
        self.program = children.Program(*under, scopes.PYTHON, "-c", CLIENT, str(scopes.HERE), cgroup=group, namespace=namespace, user=user)
        self.pid = int(self.program.stdout.readline())

    def ask(self, *step):
        self.program.stdin.write(json.dumps(step) + "\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def end(self):
        self.program.stdin.close()
        self.program.wait(scaled(10))


class Keeper(harness.Agent):
    """A `monitor --enforce`; whatever it pins goes with the test."""

    def __init__(self, *options, **more):
        self.instances = set()
        cleanup.later(self.release)
        super().__init__(*options, **more)

    def wait_until_held(self, group, state="proven"):
        self.wait_for("enforcement", scope=group.path, state=state)
        self.instances |= {instance["name"] for instance in status() if instance["scope"] == group.path}

    def release(self):
        if hasattr(self, "process"):
            self.kill()
        for name in self.instances & {instance["name"] for instance in status()}:
            agent("release", name)

    def said(self, words):
        wait_until(lambda: words in self.stderr(), f"`{words}` on stderr")


def enforcing(policy, *options):
    return Keeper("--policy", policy, "--enforce", *options)


def held(policy, group, *options):
    keeper = enforcing(policy, "--scope", group.path, *options)
    keeper.wait_until_held(group)
    return keeper


def wrong(*options, status, words):
    """An agent that does not start."""
    program = children.Program(agent_path(), "monitor", *options)
    _, errors = program.communicate(timeout=scaled(20))
    expect.equal(program.returncode, status, f"status of {options}: {errors}")
    expect.true(words in errors, f"`{words}` is not in {errors!r}")


@each_guest
def test_a_scope_is_held_with_an_agent_and_without():
    group, other, namespace = cgroups.Group("a"), cgroups.Group("other"), everywhere()
    inside, outside = Client(group, namespace), Client(other, namespace)
    policy = scopes.policy("allow 10.1.1.1", "block 10.2.2.2, reason: not ours")
    keeper = held(policy, group)
    keeper.mark()
    steps = [(("tcp", "10.1.1.1", 443), "ok"), (("tcp", "10.2.2.2", 443), EPERM), (("sendto", "10.2.2.2", 99), EPERM), (("make_socket", 2, 3, 1), EPERM)]
    for step, wanted in steps[:3]:
        expect.equal(inside.ask(*step), wanted, f"{step} in the scope")
        expect.equal(outside.ask(*step), "ok", f"{step} elsewhere")
    keeper.wait_for("violation", 2, pid=inside.pid)
    keeper.settle()
    for event in keeper.find("connect", pid=inside.pid):
        expect.holds(event, verdict__enforced=True, verdict__generation=1, cgroup__path=group.path)
    expect.equal(len(keeper.find("connect", pid=inside.pid)), 3, "what is told of the scope")
    for event in keeper.find("violation"):
        expect.holds(event, process__pid=inside.pid, verdict__reason="not ours", destination__address="10.2.2.2")
    told = keeper.find("connect", pid=outside.pid)
    expect.equal((len(told), [event for event in told if "verdict" in event]), (3, []), "what is told of others", *told)
    start = keeper.events[0]
    expect.equal(start["enforcement"]["scopes"], [group.path], "scopes of the first line")

    wrong("--policy", policy, "--enforce", "--scope", group.path, status=125, words=f"{group.path} is held to a policy by another agent already: process {keeper.pid}")
    last = keeper.stop()
    expect.equal((last["summary"]["violations"]["block"], last["summary"]["enforcement"]["refused"]), (2, 2), "the summary's count")
    (name,) = keeper.instances
    keeper.said(f"trustrun-agent release {name}")
    for step, wanted in steps[:3]:
        expect.equal(inside.ask(*step), wanted, f"{step} without an agent")

    # The next agent takes over what holds, and puts its own policy in force.
    keeper = held(scopes.policy("allow 10.2.2.2"), group)
    keeper.said(f"took over what was pinned as {name}")
    keeper.said("1 let through, 2 refused")  # since the agent looked last
    expect.equal((inside.ask("tcp", "10.2.2.2", 443), inside.ask("tcp", "10.1.1.1", 443)), ("ok", EPERM), "with another policy")
    keeper.wait_for("violation", pid=inside.pid, verdict__generation=2)
    keeper.process.send_signal(signal.SIGKILL)
    keeper.process.wait()
    expect.equal(inside.ask("tcp", "10.1.1.1", 443), EPERM, "after kill -9")
    expect.equal(agent("release", name).returncode, 0, "`release`")
    expect.equal(inside.ask("tcp", "10.1.1.1", 443), "ok", "a released scope")


def test_groups_that_appear_are_held_and_those_that_go_are_not():
    above, namespace = cgroups.Group("many"), everywhere()
    keeper = enforcing(scopes.policy("allow 10.1.1.1"), "--scope", f"{above.path}/job-*")
    keeper.said("yet; it is held as soon as it is there")
    for turn in range(2):
        keeper.mark()
        other, group = cgroups.Group("many/else"), cgroups.Group("many/job-1")
        keeper.wait_until_held(group)
        client, free = Client(group, namespace), Client(other, namespace)
        expect.equal([end.ask("tcp", "10.2.2.2", 443) for end in (client, free)], [EPERM, "ok"], "a group that fits and one that does not")
        keeper.wait_for("violation", pid=client.pid)
        client.end()
        free.end()
        cgroups.remove(group.folder)
        cgroups.remove(other.folder)
        wait_until(lambda: keeper.stderr().count(f"{group.path} is gone: 0 let through, 1 refused") == turn + 1, "the group to be let go")
        wait_until(lambda: not [instance for instance in status() if instance["scope"] == group.path], "its pins to go")
    last = keeper.stop()
    expect.equal(last["summary"]["violations"]["block"], 2, "violations of groups that are gone")


def test_two_scopes_two_agents_two_policies():
    groups, namespace = [cgroups.Group(name) for name in ("first/a", "first/b", "second")], everywhere()
    clients = [Client(group, namespace) for group in groups]
    one = enforcing(scopes.policy("allow 10.1.1.1"), "--scope", groups[0].path, "--scope", groups[1].path)
    two = held(scopes.policy("allow 10.2.2.2"), groups[2])
    for group in groups[:2]:
        one.wait_until_held(group)
    expect.equal([client.ask("tcp", "10.1.1.1", 443) for client in clients], ["ok", "ok", EPERM], "what one policy allows")
    expect.equal([client.ask("tcp", "10.2.2.2", 443) for client in clients], [EPERM, EPERM, "ok"], "what the other one allows")
    one.settle()
    expect.equal([event["process"]["pid"] for event in one.find("violation")], [client.pid for client in clients[:2]], "violations of the first agent")
    expect.equal(one.stop()["summary"]["violations"]["block"], 2, "of both scopes")
    expect.equal(two.stop()["summary"]["violations"]["block"], 1, "of the other agent's")


@each_guest
def test_sockets_that_were_there_before():
    group, other, inside, namespace = *(cgroups.Group(name) for name in ("a", "other", "b")), everywhere()
    client, server = Client(other, namespace), children.Child(echo, 443, namespace=namespace)
    server.receive()
    expect.equal(client.ask("keep", "far", socket.SOCK_STREAM, "10.2.2.2", 443), "ok", "a connection that the policy does not allow")
    expect.equal(client.ask("keep", "near", socket.SOCK_STREAM, "10.1.1.1", 443), "ok", "one that it allows")
    expect.equal(client.ask("keep_listener", "door", 7099), "ok", "a listener")
    (group.folder / "cgroup.procs").write_text(str(client.pid))
    policy = scopes.policy("allow 10.1.1.1")
    wrong("--policy", policy, "--enforce", "--scope", group.path, status=125, words=f"a listener at [::]:7099 of process {client.pid}, made outside of the scope")
    expect.equal(client.ask("tcp", "10.2.2.2", 443), "ok", "after it was not held")

    keeper = held(policy, group, "--allow-degraded")
    reason = keeper.wait_for("enforcement", scope=group.path, state="degraded")["reason"]
    expect.true("a listener at [::]:7099" in reason, f"why it is degraded: {reason}")
    expect.equal(client.ask("say", "near", "x"), "x", "a connection that the policy allows")
    expect.true(client.ask("say", "far", "x") != "x", "a connection that it does not allow")
    expect.equal(client.ask("tcp", "10.2.2.2", 443), EPERM, "another one")
    keeper.stop()

    # Made in the scope, they are the gates' own.
    client = Client(inside, namespace)
    expect.equal([client.ask("keep", "far", socket.SOCK_STREAM, "10.2.2.2", 443), client.ask("keep_listener", "door", 7098)], ["ok", "ok"], "before the gates")
    keeper = held(policy, inside)
    expect.true(client.ask("say", "far", "x") != "x", "a connection that was made before the gates")
    expect.equal(keeper.find("enforcement", scope=inside.path, state="degraded"), [], "degraded")
    keeper.stop()


def test_power_in_the_scope_is_told():
    group, namespace = cgroups.Group("a"), everywhere()
    client = Client(group, namespace, user=None)
    keeper = held(scopes.policy("allow 10.1.1.1"), group)
    reason = keeper.wait_for("enforcement", scope=group.path, state="degraded")["reason"]
    expect.true(f"CAP_NET_RAW in process {client.pid}; " in reason and f"CAP_BPF in process {client.pid}" in reason, f"why it is degraded: {reason}")
    expect.equal((client.ask("tcp", "10.2.2.2", 443), client.ask("make_socket", 2, 3, 1)), (EPERM, EPERM), "root with all capabilities")
    keeper.stop()


def test_what_comes_later_is_told():
    group, other, namespace = cgroups.Group("a"), cgroups.Group("other"), everywhere()
    ordinary, late, server = Client(group, namespace), Client(other, namespace, user=None), children.Child(echo, 443, namespace=namespace)
    server.receive()
    expect.equal(late.ask("keep", "far", socket.SOCK_STREAM, "10.2.2.2", 443), "ok", "a connection that the policy does not allow")
    expect.equal(late.ask("keep_listener", "door", 7099), "ok", "a listener")
    keeper = held(scopes.policy("allow 10.1.1.1"), group, "--prove-every", "300ms")
    expect.equal(ordinary.ask("tcp", "10.1.1.1", 443), "ok", "before")
    expect.equal(keeper.find("enforcement", scope=group.path, state="degraded"), [], "degraded before anybody came")
    (group.folder / "cgroup.procs").write_text(str(late.pid))
    reason = keeper.wait_for("enforcement", scope=group.path, state="degraded")["reason"]
    for words in (f"CAP_NET_RAW in process {late.pid}", f"a listener at [::]:7099 of process {late.pid}, made outside of the scope"):
        expect.true(words in reason, f"{words!r} is not in {reason!r}")
    expect.true(late.ask("say", "far", "x") != "x", "the connection that it brought along")
    time.sleep(scaled(1))
    keeper.settle()
    expect.equal(len(keeper.find("enforcement", scope=group.path, state="degraded")), 1, "times that it is told")
    keeper.stop()


@each_guest
def test_gates_that_are_taken_away_are_put_up_again():
    group, namespace = cgroups.Group("a"), everywhere()
    client = Client(group, namespace)
    keeper = held(scopes.policy("allow 10.1.1.1"), group, "--prove-every", "200ms")
    keeper.mark()
    (name,) = keeper.instances
    detach(group.id, "cgroup_inet4_connect")
    keeper.wait_for("enforcement", scope=group.path, state="lost")
    keeper.wait_for("enforcement", scope=group.path, state="proven")
    expect.equal(client.ask("tcp", "10.2.2.2", 443), EPERM, "with new gates")
    keeper.process.send_signal(signal.SIGKILL)
    keeper.process.wait()
    expect.equal(client.ask("tcp", "10.2.2.2", 443), EPERM, "with new gates, without their agent")
    expect.equal([instance["name"] for instance in status() if instance["scope"] == group.path], [name], "what is pinned")


def test_names_in_a_container_and_in_a_namespace_of_ones_own():
    group, namespace = cgroups.Group("a"), everywhere()
    DnsServer("10.1.0.53", "10.1.0.54", {"www.ok.test": [(dns.A, 60, "10.2.0.2")], "own.ok.test": [(dns.A, 60, "10.2.0.3")]}, namespace)
    policy = scopes.policy('allow "*.ok.test"', "allow 10.3.3.3", more=["resolvers: [10.1.0.53]"], dns="strict")
    keeper = held(policy, group)
    client = Client(group, namespace)
    expect.equal([client.ask("tcp", "10.2.0.2", 443), client.ask("ask", "www.ok.test", dns.A, "10.1.0.53", "sendto", {}), client.ask("tcp", "10.2.0.2", 443)],
                 [EPERM, ["10.2.0.2"], "ok"], "a name in a network namespace that root made")
    shell = "ip link set lo up && ip route add local default dev lo && exec \"$@\""
    alone = Client(group, namespace, under=("unshare", "--user", "--map-root-user", "--net", "sh", "-c", shell, "-"))
    expect.equal((alone.ask("tcp", "10.3.3.3", 443), alone.ask("ask", "own.ok.test", dns.A, "10.1.0.53", "sendto", {})), ("ok", EPERM),
                 "what is allowed, and a query, in a network namespace of one's own")
    keeper.stop()


def test_reload_reaches_every_scope():
    groups, namespace = [cgroups.Group("a"), cgroups.Group("b")], everywhere()
    clients = [Client(group, namespace) for group in groups]
    policy = scopes.policy("allow 10.1.1.1")
    text = policy.read_text()
    keeper = enforcing(policy, "--scope", groups[0].path, "--scope", groups[1].path)
    for group in groups:
        keeper.wait_until_held(group)
    replace(policy, text.replace("10.1.1.1", "10.2.2.2"))
    for group in groups:
        keeper.wait_for("enforcement", scope=group.path, state="reloaded", generation=2)
    expect.equal([client.ask("tcp", "10.2.2.2", 443) for client in clients], ["ok", "ok"], "what the new policy allows")
    expect.equal([client.ask("tcp", "10.1.1.1", 443) for client in clients], [EPERM, EPERM], "what it does not")
    keeper.process.send_signal(signal.SIGHUP)
    for group in groups:
        keeper.wait_for("enforcement", scope=group.path, state="reloaded", generation=3)
    replace(policy, text + "unknown: 1\n")
    for group in groups:
        keeper.wait_for("enforcement", scope=group.path, state="refused_policy", generation=3)
    keeper.stop()


def test_fail_open_lets_go():
    group, namespace = cgroups.Group("a"), everywhere()
    client = Client(group, namespace)
    keeper = held(scopes.policy("allow 10.1.1.1"), group, "--fail-open")
    expect.equal((keeper.instances, client.ask("tcp", "10.2.2.2", 443)), (set(), EPERM), "pins, and what is refused")
    keeper.stop()
    wait_until(lambda: client.ask("tcp", "10.2.2.2", 443) == "ok", "the gates to go with their agent")


class Machine:
    path = "/"


@each_guest
def test_the_whole_machine():
    if not pathlib.Path("/suite/command").exists():
        raise expect.Skip("it is tried in emulated machines only: here it would be this one")
    groups, namespace = [cgroups.Group("a"), cgroups.Group("b")], everywhere()
    clients = [Client(groups[0], namespace), Client(groups[1], namespace, user=None)]
    keeper = enforcing(scopes.policy("block 10.2.2.2", default="allow"), "--host")
    keeper.wait_until_held(Machine)
    expect.equal(keeper.instances, {"host"}, "what the instance is called")
    for client in clients:
        expect.equal((client.ask("tcp", "10.1.1.1", 443), client.ask("tcp", "10.2.2.2", 443)), ("ok", EPERM), "anybody")
        keeper.wait_for("violation", pid=client.pid)
    keeper.stop()
    expect.equal(clients[0].ask("tcp", "10.2.2.2", 443), EPERM, "without an agent")
    expect.equal(agent("release", "host").returncode, 0, "`release`")
    expect.equal(clients[0].ask("tcp", "10.2.2.2", 443), "ok", "a released machine")


def test_what_cannot_be_meant():
    policy, bad = scopes.policy("allow 10.1.1.1"), scopes.write("name: x\nrules: 3\n")
    group = cgroups.Group("a")
    wrong("--policy", policy, "--enforce", status=64, words="--enforce needs a --scope, or --host")
    wrong("--policy", policy, "--scope", group.path, status=64, words="need --enforce")
    wrong("--enforce", "--scope", group.path, status=64, words="--enforce needs a --policy")
    wrong("--policy", policy, "--enforce", "--scope", "/", status=64, words="--host")
    wrong("--policy", policy, "--enforce", "--scope", "relative", status=64, words="expected the path of a control group")
    wrong("--policy", policy, "--enforce", "--host", "--scope", group.path, status=64, words="leave --scope out")
    wrong("--policy", bad, "--enforce", "--scope", group.path, status=65, words="policy.yaml:2")
    expect.equal([instance for instance in status() if instance["scope"] == group.path], [], "what is pinned")


class Watcher(Keeper):
    command = "watch"


def test_a_running_process_is_held_where_it_is_or_moved():
    namespace = everywhere()
    for name, moves in (("alone", False), ("shared", True)):
        group = cgroups.Group(name)
        client, other = Client(group, namespace), Client(group, namespace) if moves else None
        watcher = Watcher("--policy", scopes.policy("allow 10.1.1.1"), "--enforce", str(client.pid))
        scope = watcher.wait_for("enforcement", state="proven")["scope"]
        expect.true(scope.startswith(f"/trustrun/watch-{client.pid}-") if moves else scope == group.path, f"the scope of {name}: {scope}")
        expect.equal([client.ask("tcp", "10.1.1.1", 443), client.ask("tcp", "10.2.2.2", 443), client.ask("in_fork", "tcp", "10.2.2.2", 443)],
                     ["ok", EPERM, EPERM], "the process and a child")
        if other:
            expect.equal(other.ask("tcp", "10.2.2.2", 443), "ok", "another process of the group that it was in")
        told = watcher.wait_for("connect", 3)
        expect.equal([event["destination"]["address"] for event in told], ["10.1.1.1", "10.2.2.2", "10.2.2.2"], "what is told", *told)
        client.end()
        expect.holds(watcher.finish(), summary__reason="process", summary__violations__block=2)
        expect.equal([scopes.left_behind(), [instance for instance in status() if instance["scope"] == scope]], [[], []], "what is left behind")


def test_a_process_that_cannot_be_held_stays_where_it_is():
    group, namespace = cgroups.Group("shared"), everywhere()
    client, other = Client(group, namespace), Client(group, namespace)
    expect.equal(client.ask("keep_listener", "door", 7099), "ok", "a listener")
    policy = scopes.policy("allow 10.1.1.1")
    program = children.Program(agent_path(), "watch", "--policy", scopes.write("rules: 3\n"), "--enforce", str(client.pid))
    _, errors = program.communicate(timeout=scaled(20))
    expect.equal((program.returncode, scopes.left_behind()), (65, []), f"with a policy that does not load: {errors}")
    program = children.Program(agent_path(), "watch", "--policy", policy, "--enforce", str(client.pid))
    _, errors = program.communicate(timeout=scaled(20))
    expect.equal((program.returncode, f"a listener at [::]:7099 of process {client.pid}" in errors), (125, True), f"with a listener: {errors}")
    with open(f"/proc/{client.pid}/cgroup") as file:
        expect.true(f"0::{group.path}\n" in file.readlines(), "the group that it is in")
    expect.equal((client.ask("tcp", "10.2.2.2", 443), other.ask("tcp", "10.2.2.2", 443), scopes.left_behind()), ("ok", "ok", []), "what is left behind")
    program = children.Program(agent_path(), "watch", "--policy", policy, "--enforce", str(2 ** 22 + 1))
    _, errors = program.communicate(timeout=scaled(20))
    expect.equal((program.returncode, "there is no process" in errors), (66, True), f"without a process: {errors}")


def test_watching_only():
    groups, namespace = [cgroups.Group("a"), cgroups.Group("b")], everywhere()
    client, stranger = (Client(group, namespace) for group in groups)
    watcher = Watcher(str(client.pid))
    expect.equal([end.ask("tcp", "10.1.1.1", 443) for end in (client, stranger)], ["ok", "ok"], "answers")
    watcher.wait_for("connect", pid=client.pid)
    expect.equal({event["process"]["pid"] for event in watcher.find("connect")}, {client.pid}, "whose connections are told")
    client.end()
    expect.holds(watcher.finish(), summary__reason="process")


def test_a_service_with_a_configuration():
    group, namespace = cgroups.Group("service"), everywhere()
    client = Client(group, namespace)
    policy = scopes.policy("allow 10.1.1.1")
    config = policy.with_name("config.yaml")
    config.write_text(f"policy: policy.yaml\nscopes: [{group.path}]\nprove_every: 1s\n")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(policy.with_name("notify")))
    manager.settimeout(scaled(20))
    keeper = Keeper("--config", config, environment={"NOTIFY_SOCKET": str(policy.with_name("notify"))})
    keeper.wait_until_held(group)
    expect.equal(manager.recv(64), b"READY=1", "what the service manager is told")
    expect.equal((client.ask("tcp", "10.1.1.1", 443), client.ask("tcp", "10.2.2.2", 443)), ("ok", EPERM), "what is held")
    replace(policy, policy.read_text().replace("10.1.1.1", "10.2.2.2"))
    keeper.wait_for("enforcement", scope=group.path, state="reloaded")
    keeper.stop(signal.SIGTERM)
    expect.equal(client.ask("tcp", "10.1.1.1", 443), EPERM, "after the service was stopped")
    for text, words in (("policy: policy.yaml\n", "config.yaml:1:1: a configuration without `scopes`"), ("scopes: /a\n", "without `policy`"),
                        ("policy: policy.yaml\nscopes: /a\nhost: true\n", "expected no `scopes`"), ("policy: p\nscope: /a\n", "config.yaml:2:1: unknown key `scope`"),
                        ("policy: p\nhost: 1\n", "config.yaml:2:7: unknown host `1`; expected one of true, false")):
        config.write_text(text)
        wrong("--config", config, status=65, words=words)
    wrong("--config", config, "--enforce", status=64, words="--config says all of it")
    wrong("--config", config.with_name("none"), status=66, words="No such file")


def test_a_group_that_another_agent_holds_is_left_to_it():
    above, namespace = cgroups.Group("many"), everywhere()
    first = enforcing(scopes.policy("allow 10.1.1.1"), "--scope", f"{above.path}/a*")
    second = enforcing(scopes.policy("allow 10.2.2.2"), "--scope", f"{above.path}/*")
    group = cgroups.Group("many/a1")
    wait_until(lambda: [instance for instance in status() if instance["scope"] == group.path and "agent" in instance], "the group to be held")
    wait_until(lambda: any(f"{group.path} is held to a policy by another agent already" in agent.stderr() for agent in (first, second)), "the other one to say so")
    holder, other = (second, first) if "already" in first.stderr() else (first, second)
    holder.wait_until_held(group)
    client = Client(group, namespace)
    allowed = {first: "10.1.1.1", second: "10.2.2.2"}
    expect.equal([client.ask("tcp", allowed[agent], 443) for agent in (holder, other)], ["ok", EPERM], "by the policy of the holder")
    holder.stop()
    other.wait_until_held(group)
    expect.equal([client.ask("tcp", allowed[agent], 443) for agent in (other, holder)], ["ok", EPERM], "by the policy of the other one, which took over")
    other.stop()


def test_a_group_that_takes_no_processes_is_proven_below_it():
    root = cgroups.mount_point()
    if "pids" not in (root / "cgroup.controllers").read_text().split():
        raise expect.Skip("the cgroup v2 hierarchy does not have the controller `pids`")
    if "pids" not in (root / "cgroup.subtree_control").read_text().split():
        cleanup.later((root / "cgroup.subtree_control").write_text, "-pids")
    above = cgroups.Group("domain")
    group, namespace = cgroups.Group("domain/leaf"), everywhere()
    for folder in (root, above.folder.parent, above.folder):
        (folder / "cgroup.subtree_control").write_text("+pids")
    client = Client(group, namespace)
    keeper = held(scopes.policy("allow 10.1.1.1"), above, "--prove-every", "200ms")
    expect.equal([client.ask("tcp", "10.1.1.1", 443), client.ask("tcp", "10.2.2.2", 443)], ["ok", EPERM], "what is below")
    seen = next(instance["proven"] for instance in status() if instance["scope"] == above.path)
    wait_until(lambda: next(instance["proven"] for instance in status() if instance["scope"] == above.path) != seen, "the next proof", 15)
    wait_until(lambda: [path.name for path in above.folder.iterdir() if path.is_dir()] == ["leaf"], "the group of the proof to go")
    keeper.stop()
