# SPDX-License-Identifier: Apache-2.0
"""Commands under `trustrun-agent run --enforce`, and what they leave."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile

import cgroups
import children
import cleanup
import expect
from settings import HERE, agent_path, scaled

PYTHON = os.environ.get("TRUSTRUN_PYTHON", "/usr/bin/python3")
INHERITED = os.environ.get("TRUSTRUN_ATTACK_POLICY")  # what decides where the rules given here do not
USER = 65534  # in the user database of every machine that runs this


def write(text):
    """A policy in a file that ends with its test."""
    folder = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(folder.cleanup)
    os.chmod(folder.name, 0o755)
    path = pathlib.Path(folder.name, "policy.yaml")
    path.write_text(text)
    return path


def policy(*rules, default="block", more=(), dns="open"):
    """A policy with these rules, each `ACTION MATCH[, KEY: VALUE...]`."""
    settings = [f"inherit: [{json.dumps(INHERITED)}]"] if INHERITED else [f"dns: {dns}"]
    lines = ["name: test", *settings, *(more or ["resolvers: [192.0.2.53]"]), "rules:"]
    for rule in rules:
        action, _, match = rule.partition(" ")
        lines.append(f"  - {{action: {action}, match: {match}}}")
    if not rules:
        lines[-1] = "rules: []"
    if not INHERITED:
        lines.append(f"defaults: {{action: {default}}}")
    return write("\n".join(lines) + "\n")


def start(policy, *command, namespace=None, environment=None, options=(), **more):
    environment = {**os.environ, "SUDO_UID": str(USER), "SUDO_GID": str(USER), **(environment or {})}
    started = []
    cleanup.later(lambda: [_release(program.pid) for program in started])  # after the agent is ended
    started.append(children.Program(agent_path(), "run", "--policy", policy, "--enforce", *options, "--", *command,
                                    namespace=namespace, env=environment, **more))
    return started[0]


def _release(agent):
    """What a test that failed, or killed the agent, leaves: its command, held on."""
    for folder in (cgroups.mount_point() / "trustrun").glob(f"run-{agent}-*"):
        for pid in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run([agent_path(), "release", folder.name], capture_output=True, timeout=scaled(20))
        cgroups.remove(folder)


def attempts(policy, *steps, namespace=None, status=0, errors=None):
    """What a client in the scope gets for each step; `errors` gets the agent's summary."""
    program = start(policy, PYTHON, HERE / "scope_client.py", namespace=namespace)
    output, text = program.communicate(json.dumps(steps))
    if errors is not None:
        errors.append(text)
    if program.returncode != status or not output:
        expect.fail(f"exit status {program.returncode}, wanted {status}\n{output}\n{text}")
    return json.loads(output)


class Group:
    """The control group of a command under `run`, for others to enter from outside."""

    def __init__(self, line):
        self.folder = cgroups.mount_point() / line.strip().partition("0::/")[2]

    def enter(self):
        (self.folder / "cgroup.procs").write_text("0")


def attempts_of_member(policy, *steps, namespace=None, errors=None):
    """As `attempts`, by a client in the scope that has nothing of what `run` adds, as with `--scope`."""
    holder = start(policy, "sh", "-c", "grep ^0:: /proc/self/cgroup; cat", namespace=namespace)
    group = Group(holder.stdout.readline())
    member = children.Program(PYTHON, HERE / "scope_client.py", namespace=namespace, cgroup=group, user=USER)
    answers = json.loads(member.result(text=json.dumps(steps)))
    _, text = holder.communicate("")
    if holder.returncode:
        expect.fail(f"exit status {holder.returncode}\n{text}")
    if errors is not None:
        errors.append(text)
    return answers


def left_behind():
    """Groups of the agent that are still there."""
    try:
        return [str(path) for path in (cgroups.mount_point() / "trustrun").iterdir() if path.is_dir()]
    except FileNotFoundError:  # an agent removes it with the last of them
        return []
