# SPDX-License-Identifier: Apache-2.0
"""The command `run --enforce`: whom and what it runs, what it refuses to run, what it leaves."""

import json
import os
import signal
import socket
import time

import cgroups
import children
import expect
import scopes
from harness import each_guest
from settings import agent_path, scaled
from test_enforce import EPERM, everywhere

GUESTS_SHARE = True

CANNOT = 125
ALLOWED = "allow 127.0.0.1"


def finish(program, text=""):
    output, errors = program.communicate(text, timeout=scaled(20))
    return program.returncode, output, errors


@each_guest
def test_who_runs_what():
    descriptor = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    script = ("import json, os, sys; status = dict(line.split(':\\t', 1) for line in open('/proc/self/status') if ':\\t' in line); "
              "json.dump({'uid': os.getresuid(), 'gid': os.getresgid(), 'home': os.environ['HOME'], 'cgroup': open('/proc/self/cgroup').read(), "
              "'caps': [status[key].strip() for key in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs')], "
              "'open': sorted(map(int, os.listdir('/proc/self/fd'))), 'in': sys.stdin.read(), 'arguments': sys.argv[1:]}, sys.stdout)")
    program = scopes.start(scopes.policy(ALLOWED), scopes.PYTHON, "-c", script, "a b", "--enforce", pass_fds=[descriptor])
    os.close(descriptor)
    status, output, errors = finish(program, "text")
    expect.equal(status, 0, f"status; {errors}")
    seen = json.loads(output)
    expect.equal((seen["uid"], seen["gid"]), ([scopes.USER] * 3, [scopes.USER] * 3), "who it runs as")
    expect.equal(seen["caps"], ["0" * 16] * 5 + ["1"], "capabilities and no_new_privs")
    expect.equal(seen["open"], [0, 1, 2, 3], "descriptors, that of the listing included")
    expect.equal((seen["in"], seen["arguments"]), ("text", ["a b", "--enforce"]), "stdin and arguments")
    expect.true("0::/trustrun/run-" in seen["cgroup"], f"its group: {seen['cgroup']}")
    expect.true(errors.startswith("trustrun-agent: enforced test, proven: 0 let through, 0 refused"), f"stderr: {errors!r}")
    expect.equal(scopes.left_behind(), [], "groups left behind")


def test_statuses_and_signals():
    policy = scopes.policy(ALLOWED)
    expect.equal(finish(scopes.start(policy, "sh", "-c", "exit 7"))[0], 7, "the command's own status")
    expect.equal(finish(scopes.start(policy, "sh", "-c", "kill -KILL $$"))[0], 128 + 9, "a command killed by a signal")
    expect.equal(finish(scopes.start(policy, "/nonexistent"))[0], 127, "a command that is not there")
    expect.equal(finish(scopes.start(policy, "/etc/passwd"))[0], 126, "a command that cannot be run")
    numbers = (signal.SIGUSR1, signal.SIGQUIT, signal.SIGINT, signal.SIGTERM)
    traps = "; ".join(f"trap 'echo {number.name}' {number.name[3:]}" for number in numbers[:-1])
    program = scopes.start(policy, "sh", "-c", f"{traps}; trap 'echo SIGTERM; exit 3' TERM; echo ready; while :; do sleep 0.05; done")
    expect.equal(program.stdout.readline(), "ready\n", "the command's first line")
    for number in numbers:
        program.send_signal(number)
        expect.equal(program.stdout.readline(), f"{number.name}\n", f"output after {number.name}")
    expect.equal(finish(program)[0], 3, "status after SIGTERM")
    expect.equal(scopes.left_behind(), [], "groups left behind")


@each_guest
def test_what_is_left_running_is_killed():
    program = scopes.start(scopes.policy(ALLOWED), "sh", "-c", "setsid sleep 1000 & setsid sleep 1000 & exit 4")
    status, _, errors = finish(program)
    expect.equal(status, 4, "status")
    expect.true("killed what the command left running: 2 processes" in errors, f"stderr: {errors!r}")
    expect.equal(scopes.left_behind(), [], "groups left behind")


def test_groups_below_are_of_the_scope():
    program = scopes.start(scopes.policy("allow 127.0.0.1, ports: 4700"), scopes.PYTHON, "-c",
                           "import os, socket, sys; print(os.getpid(), flush=True); sys.stdin.readline()\n"
                           "for port in (4700, 4701): print(socket.socket().connect_ex(('127.0.0.1', port)), flush=True)")
    pid = int(program.stdout.readline())
    with open(f"/proc/{pid}/cgroup") as file:
        path = next(line for line in file if line.startswith("0::"))[3:].strip()
    below = cgroups.mount_point() / path[1:] / "below" / "deeper"
    below.mkdir(parents=True)
    (below / "cgroup.procs").write_text(str(pid))
    status, output, errors = finish(program, "\n")
    expect.equal((status, output.split()), (0, ["111", "1"]), f"answers in a group two levels below; {errors}")
    expect.equal(scopes.left_behind(), [], "groups left behind")


def test_two_at_once():
    namespace = everywhere()
    code = "import socket, sys; sys.stdin.readline(); print([socket.socket().connect_ex(('10.1.1.1', port)) for port in (1, 2)])"
    programs = [scopes.start(scopes.policy(f"allow 10.1.1.1, ports: {port}"), scopes.PYTHON, "-c", code, namespace=namespace) for port in (1, 2)]
    answers = [finish(program, "\n")[1] for program in programs]
    expect.equal(answers, ["[111, 1]\n", "[1, 111]\n"], "what two policies say of the same two destinations")
    expect.equal(scopes.left_behind(), [], "groups left behind")


def test_nothing_runs_that_cannot_be_enforced():
    cases = [
        ("capture_level: full\ncontent:\n  - {when: {finding: [phi]}, action: kill}\nrules: []\n", ":3:", "`content` is not enforced so far"),
        ("rules:\n  - {match: any, action: deny}\n", ":2:", "unknown action"),
    ]
    for text, place, words in cases:
        status, output, errors = finish(scopes.start(scopes.write(text), "echo", "ran"))
        expect.equal((status, output), (CANNOT, ""), f"status and output with {text!r}: {errors}")
        expect.true(place in errors and words in errors, f"stderr with {text!r}: {errors!r}")
    status, output, _ = finish(scopes.start("/nonexistent.yaml", "echo", "ran"))
    expect.equal((status, output), (CANNOT, ""), "without a policy")
    for command in (("docker", "run", "alpine"), ("/usr/bin/podman", "ps"), ("systemd-run", "true")):
        status, output, errors = finish(scopes.start(scopes.policy(ALLOWED), *command))
        expect.equal((status, output), (CANNOT, ""), f"status and output of {command}: {errors}")
        expect.true("--scope" in errors and command[0].rpartition("/")[2] in errors, f"stderr of {command}: {errors!r}")
    expect.equal(scopes.left_behind(), [], "groups left behind")


def test_nothing_runs_without_an_invoker_or_privileges():
    policy = scopes.policy(ALLOWED)
    plain = {key: value for key, value in os.environ.items() if not key.startswith("SUDO_")}
    words = [agent_path(), "run", "--policy", policy, "--enforce", "--", "echo", "ran"]
    status, output, errors = finish(children.Program(*words, env=plain))
    expect.equal((status, output), (CANNOT, ""), "as root")
    expect.true("root could leave the scope" in errors, f"stderr: {errors!r}")
    status, output, errors = finish(children.Program(*words, user=scopes.USER))
    expect.equal((status, output), (CANNOT, ""), "as an ordinary user")
    expect.true("run it with sudo" in errors, f"stderr: {errors!r}")
    for words in (["run", "--policy", policy, "--", "true"], ["run", "--enforce", "--", "true"], ["run", "--policy", policy, "--enforce"]):
        expect.equal(finish(children.Program(agent_path(), *words))[0], 64, f"status of {words}")


def test_a_socket_from_outside_is_not_handed_in():
    with socket.socket() as outside:
        program = scopes.start(scopes.policy(ALLOWED), "echo", "ran", stdin=outside)
        output, errors = program.communicate()
        expect.equal((program.returncode, output), (CANNOT, ""), "with an internet socket as stdin")
        expect.true("descriptor 0 is a network socket" in errors, f"stderr: {errors!r}")
    mine, theirs = socket.socketpair()
    with mine, theirs:
        program = scopes.start(scopes.policy(ALLOWED), "echo", "ran", stdin=theirs)
        expect.equal(program.communicate()[0], "ran\n", "with a unix socket as stdin")


def test_the_summary_counts_exactly():
    steps = [["tcp", "10.1.1.1", 443]] * 5 + [["sendto", "10.2.2.2", 99]] * 7 + [["connected", "10.2.2.2", 99]] * 2 + [["tcp", "10.9.9.9", 1]] * 3
    steps += [["make_socket", 2, 2, 1]] * 4
    namespace = everywhere()
    namespace.set("net.ipv4.ping_group_range", "0 2147483647")
    errors = []
    scopes.attempts(scopes.policy("allow 10.1.1.1", "alert 10.9.9.9", "block 10.2.2.2, reason: not ours"), *steps, namespace=namespace, errors=errors)
    for line in ("8 let through (3 of them against the policy), 13 refused", "9 refused: udp 10.2.2.2:99 (policy.yaml#3: not ours)",
                 "3 let through: tcp 10.9.9.9:1 (policy.yaml#2)", "4 refused: sockets of protocol 1 and type 2"):
        expect.true(line in errors[0], f"`{line}` is not in stderr: {errors[0]}")
