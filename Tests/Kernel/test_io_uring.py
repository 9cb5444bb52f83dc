# SPDX-License-Identifier: Apache-2.0
"""Connections made by io_uring belong to the process that asked for them, whichever kernel thread made them."""

import expect
import servers
from children import Program
from settings import workload


def _connect(agent, how):
    server = servers.Echo()
    program = Program(workload("io_uring_connect"), how, "127.0.0.1", server.port)
    source = program.result(status=None)
    if program.returncode == 77:
        raise expect.Skip("io_uring is not there or switched off")
    expect.equal(program.returncode, 0, f"exit status of io_uring_connect: {program.args}")
    connect, close = agent.exactly("connect close", pid=program.pid)
    expect.holds(connect, outcome="established", source__port=int(source), destination__port=server.port,
                 process__name="io_uring_connec", process__executable=workload("io_uring_connect"),
                 process__kernel=None)
    expect.holds(close, bytes={"acknowledged": 14, "unacknowledged": 0, "received": 14},
                 connection=connect["connection"], process=connect["process"])
    agent.exactly("accept close", pid=server.pid)
    agent.only({program.pid, server.pid}, port=server.port)


def test_plain(agent):
    _connect(agent, "plain")


def test_by_kernel_workers(agent):
    _connect(agent, "async")


def test_by_the_polling_thread(agent):
    _connect(agent, "sqpoll")
