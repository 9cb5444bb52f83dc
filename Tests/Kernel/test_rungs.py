# SPDX-License-Identifier: Apache-2.0
"""Each rung of the ladders tells the same, where the kernel has it; a rung that it lacks falls to the next one, and the session says so."""

import clients
import expect
import servers
from children import Child
from harness import Agent
from test_connect import check_connection

# From the top: what a rung's hooks begin with.
RUNGS = {"fentry": ("fentry/", "fexit/"), "kprobe": ("kprobe/", "kretprobe/"), "state": ("tp_btf/",)}


def check_rung(rung):
    agent = Agent("--hooks", rung)
    allowed = tuple(prefix for name in list(RUNGS)[list(RUNGS).index(rung):] for prefix in RUNGS[name])
    for capability in ("connect", "accept"):
        hook = agent.events[0]["hooks"][capability]
        expect.true(hook.startswith(allowed), f"{capability} runs on {hook}, above what was asked for: {rung}")
    for address in ("127.0.0.1", "::1"):
        server = servers.Echo(address)
        agent.mark()
        child = Child(clients.exchange, address, server.port)
        check_connection(agent, child.pid, server, child.result(), address)


def test_fentry():
    check_rung("fentry")


def test_kprobe():
    check_rung("kprobe")


def test_state():
    check_rung("state")
