# SPDX-License-Identifier: Apache-2.0
"""`unix_sockets`: which unix sockets of processes outside of a scope its processes may connect to."""

import os
import pathlib
import tempfile

import cgroups
import cleanup
import expect
import scopes
from test_enforce import everywhere
from test_enforce_handover import is_refused_here
from test_enforce_life import replace
from test_enforce_run import finish
from test_enforce_scopes import Client, held, wrong

MISSING = "the policy has `unix_sockets`, and this kernel has no programs that change what its functions return"


def _policy(paths):
    return scopes.policy("allow 10.1.1.1", more=[f"unix_sockets: [{', '.join(map(str, paths))}]"])


def _folder():
    folder = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(folder.cleanup)
    os.chmod(folder.name, 0o777)
    return pathlib.Path(folder.name)


def test_only_those_that_the_policy_lists():
    folder, group, namespace = _folder(), cgroups.Group("a"), everywhere()
    policy = _policy([folder / "listed", f"{folder}/below/"])
    if not is_refused_here():
        return wrong("--policy", policy, "--enforce", "--scope", group.path, status=125, words=MISSING)
    outside, other, one = (Client(where, namespace) for where in (None, group, group))
    (folder / "below").mkdir(mode=0o777)
    (folder / "below").chmod(0o777)
    listed = [folder / "listed", folder / "below/one", folder / "below/b"]
    others = [folder / "listed-2", folder / "liste", folder / "below-2", folder / "x", folder / ("n" * (107 - len(f"{folder}/")))]
    for path in (*listed, *others):
        expect.equal(outside.ask("serves_unix", "stream", str(path)), "ok", f"{path}, served")
    expect.equal(outside.ask("serves_unix", "packets", f"{folder}/packets"), "ok", "packets, served")
    expect.equal(outside.ask("serves_unix", "datagrams", f"{folder}/datagrams"), "ok", "datagrams, served")
    expect.equal(other.ask("serves_unix", "stream", f"{folder}/own"), "ok", "one of the scope, served")
    refused = [("packets", f"{folder}/packets"), ("datagrams", f"{folder}/datagrams"), ("datagrams", f"{folder}/datagrams", False),
               *(("stream", str(path)) for path in others)]
    allowed = [("stream", f"{folder}/own"), *(("stream", str(path)) for path in listed)]
    for step in (*refused, *allowed):
        expect.equal(one.ask("asks_unix", *step), "ok", f"control: {step} before anything is enforced")
    keeper = held(policy, group)
    for step in refused:
        expect.equal(one.ask("asks_unix", *step), "EPERM", f"{step} in the scope")
        expect.equal(outside.ask("asks_unix", *step), "ok", f"{step} outside")
        keeper.wait_for("violation", pid=one.pid, verdict__gate="process", attempt={"kind": "process", "by": "unix_socket", "path": step[1]},
                        verdict__reason="a unix socket of a process outside of the scope, which the policy's `unix_sockets` does not list")
    for step in allowed:
        expect.equal(one.ask("asks_unix", *step), "ok", f"{step} in the scope")
    keeper.stop()


def test_a_reload_lists_others_or_any():
    folder, group, namespace = _folder(), cgroups.Group("a"), everywhere()
    policy = _policy([])
    without = scopes.policy("allow 10.1.1.1").read_text()
    if not is_refused_here():
        known = scopes.policy("allow 10.1.1.1")
        keeper = held(known, group)
        replace(known, policy.read_text())
        keeper.wait_for("enforcement", scope=group.path, state="refused_policy", generation=1)
        return keeper.stop()
    outside, one = Client(None, namespace), Client(group, namespace)
    paths = [f"{folder}/{name}" for name in "ab"]
    for path in paths:
        expect.equal(outside.ask("serves_unix", "stream", path), "ok", path)
    keeper = held(policy, group)
    texts = [(policy.read_text(), []), *((_policy([path]).read_text(), [path]) for path in (*paths, paths[0])), (without, paths)]
    for generation, (text, wanted) in enumerate(texts, 1):
        if generation > 1:
            replace(policy, text)
            keeper.wait_for("enforcement", scope=group.path, state="reloaded", generation=generation)
        reached = [path for path in paths if one.ask("asks_unix", "stream", path) == "ok"]
        expect.equal(reached, wanted, f"what is reached in generation {generation}")
    keeper.stop()


def test_a_command_without_any():
    """The summary says what was refused; where nothing can be, the command does not start."""
    folder, outside = _folder(), Client(None, everywhere())
    path = f"{folder}/one"
    expect.equal(outside.ask("serves_unix", "stream", path), "ok", path)
    code = f"import socket; print(socket.socket(socket.AF_UNIX).connect_ex({path!r}))"
    status, output, errors = finish(scopes.start(_policy([]), scopes.PYTHON, "-c", code))
    if not is_refused_here():
        expect.equal((status, output), (125, ""), f"status and output; {errors}")
        return expect.true(MISSING in errors, errors)
    expect.equal((status, output.strip()), (0, "1"), f"status and EPERM; {errors}")
    expect.true("a unix socket that `unix_sockets` does not list" in errors, errors)
