# SPDX-License-Identifier: Apache-2.0
"""Rules with `process`: whose executable's path they are held against, and how."""

import os
import pathlib
import shutil
import tempfile

import cleanup
import expect
import scopes
import test_enforce_life
from harness import each_guest
from settings import workload
from test_enforce import EPERM, everywhere

GUESTS_SHARE = True


def programs(*names):
    """A folder with copies of Python of these names, which the scope's user may change."""
    made = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(made.cleanup)
    folder = pathlib.Path(os.path.realpath(made.name))
    os.chmod(folder, 0o755)
    first = folder / "plain"
    shutil.copy(os.path.realpath(scopes.PYTHON), first)
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.link(first, path)
    for root, _, _ in os.walk(folder):
        os.chown(root, scopes.USER, scopes.USER)
    return folder


def rules(globs, action="allow"):
    """For each glob a rule on a port of its own, from 1 on."""
    return [f"{action} any, ports: {port}, process: '{glob}'" for port, glob in enumerate(globs, 1)]


def ask(count):
    """A client's steps that ask for each of the ports."""
    return [["tcp", "10.1.1.1", port] for port in range(1, count + 1)]


def expect_fits(policy, count, cases, namespace=None, attempts=scopes.attempts):
    """Cases of (how, executable, the ports that its rules let through); the clients' own steps come before."""
    steps = [["as_program", how, str(executable), *(before or []), *ask(count)] for how, executable, _, before in cases]
    errors = []
    answers = attempts(policy, *steps, namespace=namespace or everywhere(), errors=errors)
    for (how, executable, ports, before), answer in zip(cases, answers):
        expect.true(isinstance(answer, list), f"{how} {executable!r}: {answer}")
        expect.equal(answer[:len(before or [])], ["ok"] * len(before or []), f"{how} {executable!r}: what it did before")
        seen = {port for port, got in enumerate(answer[len(before or []):], 1) if got != EPERM}
        expect.equal(seen, set(ports), f"rules that fit {how} {executable!r}")
    return errors[0]


@each_guest
def test_the_path_at_exec_decides():
    odd, bytes_name = "a*b?c [d]", os.fsdecode(b"not\xffutf")
    folder = programs("bin/curl", "bin/curl2", odd, bytes_name, "mine/gone", "mine/old", "from/client", "there/x")
    long = "/".join(["d" * 240] * 14)
    os.makedirs(folder / long)
    os.link(folder / "plain", folder / long / "client")
    script = folder / "script"
    script.write_text(f"#!{folder}/bin/curl\nimport runpy, sys\nsys.path.insert(0, {str(scopes.HERE)!r})\n"
                      f"runpy.run_path({str(scopes.HERE / 'scope_client.py')!r}, run_name='__main__')\n")
    script.chmod(0o755)
    (folder / "link").symlink_to("bin/curl")
    globs = [
        f"{folder}/bin/curl", f"{folder}/bin/curl?", f"{folder}/bin/*", "*/curl", "/*/*/*/c?r*l", f"{folder}/script", f"{folder}/link",  # to 7
        "*/a*b?c [d]x", "*/a?b?c ?d?", f"{folder}/a*c*", "*/not?utf", "*/not*utf", "*not??utf", "/memfd:client", "*:client",  # to 15
        "*/gone", "*/old", "*/new", f"{folder}/there/client", f"{folder}/from/client", f"{folder}/*/d*/client", f"*{'d' * 240}/client",  # to 22
        "*", "/?*", "/", f"{folder}/plain", "**/plain*", f"{folder}/plain ", f"{folder}/Plain", "plain",  # to 30
    ]
    globs[-1] = "*plain/"
    cases = [
        ("exec", folder / "bin/curl", {1, 3, 4, 5}, None),
        ("exec", folder / "bin/curl2", {2, 3}, None),
        ("exec", folder / "link", {1, 3, 4, 5}, None),
        ("thread", folder / "bin/curl", {1, 3, 4, 5}, None),
        ("exec", script, {1, 3, 4, 5}, None),
        ("exec", folder / odd, {9, 10}, None),
        ("exec", folder / bytes_name, {11, 12}, None),
        ("memfd", folder / "plain", {14, 15}, None),
        ("exec", folder / "mine/gone", {16}, [["remove", str(folder / "mine/gone")]]),
        ("exec", folder / "mine/old", {17}, [["rename", str(folder / "mine/old"), str(folder / "mine/new")]]),
        ("exec", folder / long / "client", {21, 22}, None),
        ("exec", folder / "plain", {26, 27}, None),
    ]
    cases = [(how, executable, ports | {23, 24}, before) for how, executable, ports, before in cases]
    errors = expect_fits(scopes.policy(*rules(globs)), len(globs), cases)
    expect.true("took no part" not in errors, f"stderr: {errors}")
    # Landlock without scopes forbids mounts, so this one is not contained.
    mounted = [(str(folder / "there"), folder / "from/client", {19, 23, 24}, None)]
    errors = expect_fits(scopes.policy(*rules(globs)), len(globs), mounted, attempts=scopes.attempts_of_member)
    expect.true("took no part" not in errors, f"stderr: {errors}")


def test_processes_that_inherit_and_that_change():
    folder = programs("curl", "other")
    policy = scopes.policy(f"allow 10.1.1.1, process: {folder}/curl")
    there = [["tcp", "10.1.1.1", 1], ["sendto", "10.1.1.1", 1], ["connected", "10.1.1.1", 1]]
    ways = [[way, *step] for way in ("in_thread", "in_fork", "in_orphan") for step in there]
    steps = [["as_program", "exec", str(folder / "curl"), *there, *ways, ["as_program", "exec", str(folder / "other"), *there, *ways]],
             *there, ["as_program", "thread", str(folder / "other"), ["as_program", "thread", str(folder / "curl"), *there]]]
    answers = scopes.attempts(policy, *steps, namespace=everywhere())
    inner = answers[0].pop()
    for answer in (answers[0], answers[4][0]):
        expect.true(EPERM not in str(answer), f"one that the rule is for: {answer}")
    for answer in (inner, answers[1:4]):
        expect.true(all(EPERM in str(one) for one in answer), f"one that it is not for: {answer}")


def test_a_rule_that_blocks_a_process():
    folder = programs("curl", "other")
    policy = scopes.policy(f"block any, process: {folder}/curl", f"block 10.1.0.0/16, process: '*/oth?r', ports: 1", default="allow")
    there = [[way, address, port] for way in ("tcp", "sendto") for address, port in (("10.1.1.1", 1), ("10.1.1.1", 2), ("10.2.1.1", 1))]
    there.append(["connected", "10.1.1.1", 1])
    answers = scopes.attempts(policy, ["as_program", "exec", str(folder / "curl"), *there], ["as_program", "exec", str(folder / "other"), *there],
                              *there, namespace=everywhere())
    expect.equal([EPERM in str(answer) for answer in answers[0]], [True] * 7, f"refused to the first: {answers[0]}")
    expect.equal([EPERM in str(answer) for answer in answers[1]], [True, False, False] * 2 + [True], f"refused to the second: {answers[1]}")
    expect.equal([EPERM in str(answer) for answer in answers[2:]], [False] * 7, f"refused to others: {answers[2:]}")


@each_guest
def test_a_path_that_is_too_deep_is_not_known():
    folder = programs()
    deep = folder / "/".join(["d"] * 70)
    os.makedirs(deep)
    os.link(folder / "plain", deep / "client")
    errors = expect_fits(scopes.policy(*rules(["*", "*/client"])), 2, [("exec", deep / "client", set(), None), ("exec", folder / "plain", {1}, None)])
    expect.true("2 times rules with `process` took no part" in errors, f"stderr: {errors}")


def test_many_globs():
    folder = programs("curl", "zcurl")
    globs = [f"*/{'ab'[number % 2] * 20}{number}" for number in range(253)] + ["*/curl", "*?curl", f"{folder}/*"]
    expect_fits(scopes.policy(*rules(globs)), len(globs), [
        ("exec", folder / "curl", {254, 255, 256}, None), ("exec", folder / "zcurl", {255, 256}, None), ("exec", folder / "plain", {256}, None)])


def test_other_policies_and_no_agent():
    folder = programs("curl")
    path = scopes.policy("allow 10.1.1.1, process: '*/python3*'")
    run = test_enforce_life.Run(path, namespace=everywhere())
    # One that was there before, and one that comes.
    own = lambda port=1: run.ask("tcp", "10.1.1.1", port) != EPERM  # noqa: E731
    other = lambda port=1: run.ask("as_program", "exec", str(folder / "curl"), ["tcp", "10.1.1.1", port])[0] != EPERM  # noqa: E731
    expect.equal((own(), other()), (True, False), "let through by the first policy")
    for rule, wanted in ((f"process: {folder}/curl", (False, True)), ("process: '*/nothing'", (False, False)), ("process: '*'", (True, True))):
        path.write_text(scopes.policy(f"allow 10.1.1.1, {rule}").read_text())
        test_enforce_life.wait_until(lambda: own() == wanted[0] and other() == wanted[1], f"a policy with {rule}")
    path.write_text(scopes.policy("allow 10.1.1.1, process: '*/python3*', ports: 1", "allow 10.1.1.1, process: '*/curl', ports: 2").read_text())
    test_enforce_life.wait_until(lambda: own() and not own(2), "the last policy")
    run.kill_agent()
    expect.equal((own(1), own(2), other(1), other(2)), (True, False, False, True), "let through without the agent")
    run.end_command()
    run.clean()


def _by_io_uring(how):
    program = workload("io_uring_connect")
    steps = [["run", program, how, "127.0.0.1", "4600"]]
    namespace = everywhere()
    path = os.path.realpath(program)
    answers = [scopes.attempts_of_member(scopes.policy(f"allow any, process: '{glob}'"), *steps, namespace=namespace)[0] for glob in (path, path + "x")]
    if answers[0][0] == 77:
        raise expect.Skip("io_uring is not there or switched off")
    for answer, wanted in zip(answers, ("Connection refused", "Operation not permitted")):
        expect.true(wanted in answer[1], f"io_uring's connect, {how}: {answer}, wanted {wanted}")


@each_guest
def test_io_uring_by_kernel_workers():
    _by_io_uring("async")


@each_guest
def test_io_uring_by_the_polling_thread():
    _by_io_uring("sqpoll")
