# SPDX-License-Identifier: Apache-2.0
"""Who: exec and exit, parents, users, groups, containers, for processes however short their lives."""

import os
import pathlib
import shutil
import signal
import tempfile

import cgroups
import cleanup
import clients
import expect
import netns
import servers
from children import LIBC, Child, Program, check, start_time
from settings import NOBODY, workload

HEX = "0123456789abcdef" * 4
POD = "11111111-2222-3333-4444-555555555555"


def folder():
    made = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(made.cleanup)
    os.chmod(made.name, 0o755)
    return pathlib.Path(made.name)


def test_exec_and_exit(agent):
    program = Program(workload("udp_send"), "wrong", "arguments", "ärger\tand \"quotes\"")
    ticks = start_time(program.pid)
    program.result(status=64)
    execed = agent.wait_for("exec", pid=program.pid)
    ended = agent.wait_for("exit", pid=program.pid)
    agent.settle()
    expect.equal(len(agent.find(("exec", "exit"), pid=program.pid)), 2, "number of events")
    expect.holds(execed, process__executable=workload("udp_send"), process__name="udp_send", process__ppid=os.getpid(),
                 process__arguments=[workload("udp_send"), "wrong", "arguments", "ärger\tand \"quotes\""],
                 process__arguments_truncated=None, process__uid=0, process__gid=0)
    expect.between(expect.start_ticks(execed), ticks - 1, ticks + 1, "start time in clock ticks", execed)
    expect.holds(ended, exit={"code": 64}, process__executable=workload("udp_send"),
                 process__start_time=execed["process"]["start_time"])
    expect.between(ended["duration_ns"], 1, 20e9, "life", ended)


def test_exit_by_a_signal(agent):
    program = Program("sleep", "60")
    agent.wait_for("exec", pid=program.pid)
    program.send_signal(signal.SIGTERM)
    program.wait()
    expect.holds(agent.wait_for("exit", pid=program.pid), exit={"signal": "SIGTERM"})


def test_long_arguments_are_cut_and_marked(agent):
    program = Program("true", "a" * 3000, "b" * 3000)
    program.result()
    event = agent.wait_for("exec", pid=program.pid)
    expect.holds(event, process__arguments_truncated=True)
    arguments = event["process"]["arguments"]
    expect.equal(arguments[:2], ["true", "a" * 3000], "arguments", event)
    expect.between(len(arguments[2]), 1000, 1100, "length of the cut argument", event)
    expect.equal(set(arguments[2]), {"b"}, "the cut argument", event)


def test_half_a_path_is_not_told(agent):
    made = folder()
    for depth, executable in ((30, True), (70, None)):
        deep = made.joinpath(*["d"] * depth)
        deep.mkdir(parents=True)
        shutil.copy(workload("udp_send"), deep / "client")
        program = Program(deep / "client", "wrong")
        program.result(status=64)
        expect.holds(agent.wait_for("exec", pid=program.pid), process__executable=executable and os.path.realpath(deep / "client"),
                     process__arguments=[str(deep / "client"), "wrong"])


def test_a_script_is_its_interpreter(agent):
    script = folder() / "some_script"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    program = Program(script)
    program.result(status=3)
    event = agent.wait_for("exec", pid=program.pid)
    expect.holds(event, process__name="some_script", process__executable=os.path.realpath("/bin/sh"),
                 process__arguments=["/bin/sh", str(script)])


def test_ancestors_and_parents(agent):
    links = [folder() / name for name in ("first_link", "second_link", "third_link")]
    for link in links:
        link.symlink_to(workload("fork_exec_chain"))
    server = servers.Echo()
    program = Program(workload("fork_exec_chain"), "127.0.0.1", server.port, *links)
    *lines, port = program.result().splitlines()
    chain = [tuple(map(int, line.split())) for line in lines]
    pid, parent = chain[-1]
    connect, _ = agent.exactly("connect close", pid=pid)
    expect.holds(connect, process__ppid=parent, process__name="third_link", source__port=int(port.split()[1]),
                 process__executable=workload("fork_exec_chain"))
    with open("/proc/self/comm") as file:
        runner = file.read().strip()
    expect.equal(connect["process"]["ancestors"][:4], ["second_link", "first_link", "fork_exec_chain", runner],
                 "ancestors", connect)
    for (pid, parent), name in zip(chain, ("fork_exec_chain", "first_link", "second_link", "third_link")):
        expect.holds(agent.wait_for("exec", pid=pid), process__ppid=parent, process__name=name)
        expect.holds(agent.wait_for("exit", pid=pid), exit={"code": 0}, process__name=name)


def test_an_ordinary_user(agent):
    server = servers.Echo()
    program = Program(workload("thread_connect"), "127.0.0.1", server.port, user=NOBODY)
    program.result()
    connect, _ = agent.exactly("connect close", pid=program.pid)
    expect.holds(connect, process__uid=NOBODY, process__gid=NOBODY)


def test_a_process_that_changed_its_user_without_exec(agent):
    server = servers.Echo()
    child = Child(clients.exchange, "127.0.0.1", server.port, user=NOBODY)
    child.result()
    connect, _ = agent.exactly("connect close", pid=child.pid)
    expect.holds(connect, process__uid=NOBODY, process__gid=NOBODY)


def test_short_lived_processes_that_exec(agent):
    _short_lived(agent, "exec", 300)


def test_short_lived_processes_that_only_fork(agent):
    _short_lived(agent, "fork", 300)


def _short_lived(agent, how, count):
    """Bombs of processes that live about 2 ms: each connection has its right process, and each process its end."""
    server = servers.Echo()
    program = Program(workload("short_lived"), how, count, 8, "127.0.0.1", server.port)
    pairs = {tuple(map(int, line.split())) for line in program.result().splitlines()}
    expect.equal(len(pairs), count, "processes")
    agent.wait_for("exit", pid=program.pid)  # behind those of its children
    try:
        agent.wait_for("close", 2 * count, port=server.port)
    except expect.Failure:
        agent.settle(30)
        if not (expect.may_pass_over() and expect.told_lost(agent)):
            raise
    seen = agent.find("connect", port=server.port)
    lost = expect.told_lost(agent)
    if lost and expect.may_pass_over():
        expect.between(count - len(seen), 0, lost, "connects not told")
        expect.between(2 * count - len(agent.find("close", port=server.port)), 0, lost, "closes not told")
        strangers = {event["process"]["pid"] for event in seen if event.get("process")} - {pid for pid, _ in pairs}
        expect.equal(strangers, set(), "strangers")
        return
    expect.equal(len(agent.find("close", port=server.port)), 2 * count, "number of closes")
    expect.equal({(event["process"]["pid"], event["source"]["port"]) for event in seen}, pairs, "pid and source port")
    expect.equal(len(seen), count, "number of connects")
    name = "exe" if how == "exec" else "short_lived"  # executed as /proc/self/exe
    for event in seen:
        expect.holds(event, outcome="established", process__executable=workload("short_lived"),
                     process__ppid=program.pid, process__name=name)
        expect.equal(event["process"]["ancestors"][0], "short_lived", "parent's name", event)
    agent.only({pid for pid, _ in pairs} | {server.pid}, port=server.port)
    pids = {pid for pid, _ in pairs}
    expect.equal({event["process"]["pid"] for event in agent.find("exit", process__ppid=program.pid)}, pids, "exits")
    wanted = pids if how == "exec" else set()
    expect.equal({event["process"]["pid"] for event in agent.find("exec", process__ppid=program.pid)}, wanted, "execs")


def _connect_from_group(agent, path):
    group = cgroups.Group(path)
    server = servers.Echo()
    child = Child(clients.exchange, "127.0.0.1", server.port, cgroup=group)
    child.result()
    events = agent.exactly("connect close", pid=child.pid)
    for event in events:
        expect.equal(event["cgroup"], {"id": group.id, "path": group.path}, "cgroup", event)
    return events


def test_cgroup(agent):
    for event in _connect_from_group(agent, "some/group"):
        expect.holds(event, container=None)


def test_a_group_that_only_looks_like_a_container(agent):
    for path in ("docker-nothexatall.scope", f"my-docker-{HEX}x.scope", f"{HEX[:20]}"):
        for event in _connect_from_group(agent, path):
            expect.holds(event, container=None)


def _container(agent, path, **wanted):
    for event in _connect_from_group(agent, path):
        expect.equal(event.get("container"), wanted, "container", event)


def test_docker(agent):
    _container(agent, f"system.slice/docker-{HEX}.scope", id=HEX, runtime="docker")


def test_docker_without_systemd(agent):
    _container(agent, f"docker/{HEX}", id=HEX, runtime="docker")


def test_containerd_in_a_pod(agent):
    pod = "kubepods-burstable-pod" + POD.replace("-", "_") + ".slice"
    _container(agent, f"kubepods.slice/kubepods-burstable.slice/{pod}/cri-containerd-{HEX}.scope",
               id=HEX, runtime="containerd", pod_uid=POD)


def test_crio_in_a_pod(agent):
    pod = "kubepods-besteffort-pod" + POD.replace("-", "_") + ".slice"
    _container(agent, f"kubepods.slice/kubepods-besteffort.slice/{pod}/crio-{HEX}.scope",
               id=HEX, runtime="cri-o", pod_uid=POD)


def test_podman(agent):
    _container(agent, f"machine.slice/libpod-{HEX}.scope/container", id=HEX, runtime="podman")


def _move_and_connect(parent, group, port):
    group.enter()
    return clients.exchange(parent, "127.0.0.1", port)


def test_a_process_that_moves_is_where_it_is(agent):
    """The group of the event, not the one that the process was born in."""
    group = cgroups.Group("moved/here")
    server = servers.Echo()
    child = Child(_move_and_connect, group, server.port)
    child.result()
    connect, _ = agent.exactly("connect close", pid=child.pid)
    expect.equal(connect["cgroup"], {"id": group.id, "path": group.path}, "cgroup", connect)


def _in_a_pid_namespace(parent, address, port):
    netns.unshare(netns.CLONE_NEWPID)
    child = Child(clients.exchange, address, port)
    source = child.result()
    return [child.pid, source]


def test_pids_are_the_hosts(agent):
    server = servers.Echo()
    child = Child(_in_a_pid_namespace, "127.0.0.1", server.port)
    pid, source = child.result()
    connect, _ = agent.exactly("connect close", pid=pid)
    expect.holds(connect, source__port=source, process__ppid=child.pid)
    agent.only({pid, server.pid}, port=server.port)


def private_root(path):
    """Makes the folder the root of a mount namespace of its own, as container runtimes do."""
    move, private_all, bind = 0x2000, 0x40000 | 0x4000, 0x1000
    netns.unshare(netns.CLONE_NEWNS)
    check(LIBC.mount(None, b"/", None, private_all, None), "mount private")
    check(LIBC.mount(path, path, None, bind, None), "mount bind")
    os.chdir(path)
    check(LIBC.mount(b".", b"/", None, move, None), "mount move")
    os.chroot(".")
    os.chdir("/")


def test_path_is_that_of_the_mount_namespace(agent):
    root = folder()
    (root / "usr/bin").mkdir(parents=True)
    program = root / "usr/bin/in_container"
    program.write_bytes(pathlib.Path(workload("thread_connect")).read_bytes())
    program.chmod(0o755)
    server = servers.Echo()
    run = Program("/usr/bin/in_container", "127.0.0.1", server.port,
                  before=lambda: private_root(str(root).encode()))
    run.result()
    connect, _ = agent.exactly("connect close", pid=run.pid)
    expect.holds(connect, process__executable="/usr/bin/in_container", process__name="in_container")
    expect.holds(agent.find("exec", pid=run.pid)[-1], process__executable="/usr/bin/in_container")
