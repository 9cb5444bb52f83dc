# SPDX-License-Identifier: Apache-2.0
"""The agent leaves nothing behind, however it ends, and starts in time."""

import os
import signal
import time

import bpf_objects
import clients
import expect
import servers
from children import Child, Program
from harness import Agent, limit, loopback_connection
from settings import scaled, workload


def check_nothing_left(before):
    """The kernel frees what a dead process held after a grace period."""
    deadline = time.monotonic() + scaled(10)
    while (left := bpf_objects.all_of_them() - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    expect.equal(sorted(left), [], "BPF objects left behind")


def _ended_by(number):
    before = bpf_objects.all_of_them()
    agent = Agent()
    during = bpf_objects.all_of_them() - before
    expect.true(any(kind == "programs" for kind, _ in during), "no BPF program loaded")
    loopback_connection()
    agent.process.send_signal(number)
    agent.process.wait(scaled(10))
    check_nothing_left(before)


def test_kill_9_leaves_nothing():
    _ended_by(signal.SIGKILL)


def test_an_orderly_end_leaves_nothing():
    _ended_by(signal.SIGINT)


def test_the_next_start_works_after_kill_9():
    for _ in range(3):
        agent = Agent()
        agent.process.kill()
        agent.process.wait()
    server = servers.Echo()
    agent = Agent()
    child = Child(clients.exchange, "127.0.0.1", server.port)
    child.result()
    agent.exactly("connect close", pid=child.pid)
    expect.equal(agent.stop()["summary"]["lost"], 0, "lost")


def test_many_sessions_leave_nothing():
    """What one session makes is gone before the next adds to it."""
    before = bpf_objects.all_of_them()
    for _ in range(5):
        Agent("--duration", "1s").stop()
    check_nothing_left(before)


@limit(60)
def test_processes_that_come_and_go_do_not_grow_it():
    """Memory of what is gone is given back: not per process, not per connection."""
    server = servers.Echo()
    agent = Agent()
    sizes = []
    for _ in range(4):
        Program(workload("short_lived"), "exec", 300, 8, "127.0.0.1", server.port).result()
        agent.settle()
        sizes.append(_anonymous_kilobytes(agent.pid))
    expect.between(sizes[-1], 0, 25 * 1024, "kilobytes of anonymous memory")
    # What is not given back is missing each time; a page of 2 MB, which the kernel may give at any time, once.
    gains = [after - before for before, after in zip(sizes[1:], sizes[2:])]
    expect.between(min(gains), -1e9, 256, f"kilobytes gained by 300 processes: {sizes}")
    agent.stop()


def _anonymous_kilobytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))
