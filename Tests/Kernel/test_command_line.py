# SPDX-License-Identifier: Apache-2.0
"""The agent as a program: exit statuses, messages, pipes that end, text for people, doctor."""

import json
import os
import pty
import re
import select
import time

import clients
import expect
import servers
from children import Child, Program
from harness import Agent, loopback_connection
from settings import NOBODY, agent_path, scaled, workload
from test_enforce_containment import landlock

EX_USAGE, EX_IOERR, EX_NOPERM = 64, 74, 77
COLOUR = re.compile(r"\x1b\[")


def run(*arguments, **options):
    """The agent's exit status and what it wrote to stdout and stderr."""
    program = Program(agent_path(), *arguments, **options)
    output, errors = program.communicate(timeout=scaled(20))
    return program.returncode, output, errors


def test_help():
    for arguments in (["--help"], ["monitor", "--help"]):
        status, output, errors = run(*arguments)
        expect.equal(status, 0, f"exit status of {arguments}: {errors}")
        expect.true("monitor" in output, f"no help: {output!r}")
    for option in ("--format", "--types", "--cgroup", "--pid", "--duration", "--count"):
        expect.true(option in output, f"no word about {option} in the help of monitor")


def test_version():
    status, output, _ = run("--version")
    expect.equal(status, 0, "exit status")
    expect.equal(Agent().events[0]["version"] in output, True, f"the session's version in {output!r}")


def test_wrong_usage():
    for arguments in (["monitor", "--no-such-option"], ["no-such-command"], ["monitor", "--types", "connect,nonsense"],
                      ["monitor", "--duration", "soon"], ["monitor", "--count", "-1"], ["monitor", "--pid", "0x"],
                      ["monitor", "--format", "xml"], ["monitor", "--cgroup"]):
        status, output, errors = run(*arguments)
        expect.equal(status, EX_USAGE, f"exit status of {arguments}: {output!r} {errors!r}")
        expect.equal(output, "", f"stdout of {arguments}")
        expect.true(errors.strip(), f"no message for {arguments}")


def test_not_root():
    status, output, errors = run("monitor", user=NOBODY, cwd="/")
    expect.equal(status, EX_NOPERM, f"exit status: {errors}")
    expect.equal(output, "", "stdout")
    expect.true("sudo" in errors, f"no command to run: {errors!r}")
    expect.true("CAP_" in errors, f"no missing capability named: {errors!r}")
    expect.between(len(errors.strip().splitlines()), 1, 3, f"lines of the message: {errors!r}")


def test_a_reader_that_leaves_ends_it_quietly():
    """As `monitor | head -3` does."""
    program = Program(agent_path(), "monitor")
    deadline = time.monotonic() + scaled(20)
    for _ in range(3):
        expect.true(program.stdout.readline().startswith("{"), "no line")
        loopback_connection()
    program.stdout.close()
    while program.poll() is None and time.monotonic() < deadline:
        loopback_connection()
        time.sleep(0.05)
    expect.equal(program.returncode, 0, "exit status")
    expect.equal(program.stderr.read().strip(), "", "stderr")


def test_a_stdout_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        program = Program(agent_path(), "monitor", "--duration", "2s", stdout=full)
        loopback_connection()
        errors = program.communicate(timeout=scaled(20))[1]
    expect.equal(program.returncode, EX_IOERR, f"exit status: {errors!r}")
    expect.true(errors.strip(), "no message")


def test_text_in_a_pipe_has_no_colours():
    program = Program(agent_path(), "monitor", "--format", "text", "--duration", "2s")
    select.select([program.stdout], [], [], scaled(10))
    child = Child(clients.exchange, "127.0.0.1", servers.Echo().port)
    source = child.result()
    output = program.result()
    expect.equal(COLOUR.search(output), None, "colours")
    ours = [line for line in output.splitlines() if str(child.pid) in line or f":{source}" in line]
    expect.true(any("connect" in line and "127.0.0.1" in line for line in ours), f"no line of ours in\n{output}")
    expect.true(all(not line.startswith("{") for line in output.splitlines()), f"JSON in\n{output}")


def test_text_on_a_terminal_has_colours():
    terminal, end = pty.openpty()
    program = Program(agent_path(), "monitor", "--format", "text", "--duration", "1s", stdout=end,
                      env={**os.environ, "TERM": "xterm-256color"})
    os.close(end)
    output = b""
    try:
        while select.select([terminal], [], [], scaled(5))[0]:
            if output.count(b"\n") < 20:
                loopback_connection()
            output += os.read(terminal, 65536)
    except OSError:
        pass  # the other end is closed
    os.close(terminal)
    program.wait(scaled(10))
    expect.true(COLOUR.search(output.decode(errors="replace")), f"no colours in {output[:500]!r}")


def test_doctor():
    status, output, errors = run("doctor", "--json")
    expect.true(status in (0, 1), f"exit status {status}: {errors}")
    report = json.loads(output)
    expect.true(isinstance(report, dict) and report, f"no report: {output[:300]!r}")
    text_status, text, _ = run("doctor")
    expect.equal(text_status, status, "exit status of the text form")
    for word in ("connect", "BTF", "cgroup"):
        expect.true(word.lower() in text.lower(), f"doctor says nothing about {word}")
    named = Agent().events[0]["hooks"]
    for capability, hook in named.items():
        expect.true(hook in output, f"doctor does not know the hook of {capability}: {hook}")


def test_doctor_says_what_can_be_enforced():
    report = json.loads(run("doctor", "--json")[1])
    means = {part["name"]: part for part in report["enforcement"]}
    expect.equal(list(means), ["gates", "kill", "handover", "landlock", "landlock_scopes", "seccomp"], "what enforcing rests on")
    for part in means.values():
        expect.true(("means" in part) != ("missing" in part), f"either there or not: {part}")
    expect.true("means" in means["gates"], f"the gates: {means['gates']}")
    expect.equal("means" in means["landlock"], landlock() > 0, "Landlock")
    expect.equal("means" in means["landlock_scopes"], landlock() >= 6, "Landlock's scopes")
    if any("missing" in part for part in means.values()):
        expect.equal(report["status"], "degraded", "status")


def test_doctor_without_root():
    status, _, _ = run("doctor", "--json", user=NOBODY, cwd="/")
    expect.equal(status, 2, "exit status")


def test_doctor_says_what_it_cannot_see_into():
    """A running program with TLS linked into it and no symbols: named, not passed over."""
    with servers.listen("127.0.0.1") as silent:
        program = Program(workload("go_tls_client"), f"127.0.0.1:{silent.getsockname()[1]}", "x.example.test")
        held = silent.accept()  # the client waits for the server's half of the handshake
        output = run("doctor", "--json")[1]
        program.end()
        held[0].close()
    expect.true("go_tls_client" in output, "doctor does not name a running program with a TLS library of its own")
