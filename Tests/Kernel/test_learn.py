# SPDX-License-Identifier: Apache-2.0
"""`learn`: from what a command does to the smallest policy that allows it."""

import os
import pathlib
import re
import signal
import stat
import tempfile
import time

import cleanup
import expect
import tls_servers
from children import LIBC, Program, check
from dns_site import RESOLVER, site
from harness import Agent
from netns import CLONE_NEWNS, unshare
from settings import agent_path, scaled

GUESTS_SHARE = True

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_CANTCREAT = 64, 65, 66, 73


def folder(mode=0o755):
    made = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(made.cleanup)
    path = pathlib.Path(made.name)
    path.chmod(mode)
    return path


def use_test_resolver(path):
    """Gives the calling process a resolv.conf of its own."""
    unshare(CLONE_NEWNS)
    private_all, bind = 0x40000 | 0x4000, 0x1000
    check(LIBC.mount(None, b"/", None, private_all, None), "mount private")
    check(LIBC.mount(str(path).encode(), b"/etc/resolv.conf", None, bind, None), "mount bind")


class Learner(Program):
    """`learn` in the site's namespace, whose resolver the command asks."""

    def __init__(self, *arguments, cwd=None, environment=None, **options):
        self.folder = cwd or folder()
        resolv_conf = folder() / "resolv.conf"
        resolv_conf.write_text(f"nameserver {RESOLVER}\n")
        pathlib.Path("/etc/resolv.conf").touch()
        plain = {key: value for key, value in os.environ.items() if not key.startswith("SUDO_")}
        super().__init__(
            agent_path(), "learn", *arguments, namespace=site().namespace, cwd=self.folder,
            env={**plain, **(environment or {})}, before=lambda: use_test_resolver(resolv_conf), **options)

    def ends(self, status=0, timeout=20):
        """What the command wrote, and what the agent told."""
        output, self.told = self.communicate(timeout=scaled(timeout))
        expect.equal(self.returncode, status, f"exit status; stderr: {self.told}")
        return output

    @property
    def path(self):
        return self.folder / "policy.yaml"

    def policy(self):
        """The file without its comments, and the file."""
        text = self.path.read_text()
        return re.sub(r" *#.*", "", text).replace("\n\n", "\n").strip(), text


def agent(*arguments, text="", status=0):
    return Program(agent_path(), *arguments).result(text=text, status=status)


def test_the_way_of_a_new_user():
    """learn, check, explain, and monitor with what was learned: curl to a server whose name a resolver knows."""
    server = tls_servers.PythonTls("10.77.0.12", namespace=site().namespace)
    url = f"https://second.example.test:{server.port}/"
    learner = Learner("--", "curl", "-sk", "--noproxy", "*", url)
    expect.equal(learner.ends(), "hello", "curl's output")
    expect.true("curl ended with status 0" in learner.told, f"how curl ended: {learner.told}")
    rules, text = learner.policy()
    expect.equal(rules, f"""name: "learned"
resolvers:
  - "{RESOLVER}"
rules:
  - match: "second.example.test"
    ports: [{server.port}]
    protocol: tcp
    action: allow
defaults: {{ action: block }}""", f"the policy; the file: {text}")
    expect.true("named by dns+sni" in text, f"what the name rests on: {text}")
    expect.equal(stat.S_IMODE(learner.path.stat().st_mode), 0o600, "mode")
    expect.equal(sorted(os.listdir(learner.folder)), ["policy.yaml"], "files")
    agent("policy", "check", "--strict", learner.path)
    said = agent("policy", "explain", "--policy", learner.path, f"second.example.test:{server.port}")
    expect.true("allow" in said, f"what explain says: {said}")
    judged = Agent("--policy", str(learner.path), "--types", "connect,close,violation")
    curl = Program("curl", "-sk", "--noproxy", "*", "--resolve", f"other.example.test:{server.port}:10.77.0.12",
                   f"https://other.example.test:{server.port}/", namespace=site().namespace)
    expect.equal(curl.result(), "hello", "curl's output")
    judged.wait_for("violation", pid=curl.pid, verdict__action="block")


def test_a_child_that_outlives_its_parent_and_no_stranger():
    port = site().port
    script = f"(sleep 0.5; exec 3<>/dev/tcp/10.77.0.14/{port}; echo x >&3) & exit 3"
    learner = Learner("--name", "orphans", "--", "bash", "-c", script)
    stranger = site().client(["connect", "10.77.0.15"])
    stranger.result()
    learner.ends()
    expect.true("bash ended with status 3" in learner.told, f"how bash ended: {learner.told}")
    rules, _ = learner.policy()
    expect.equal(rules, f"""name: "orphans"
rules:
  - match: "10.77.0.14"
    ports: [{port}]
    protocol: tcp
    action: allow
defaults: {{ action: block }}""", "the policy")


def test_a_command_without_roots_rights():
    home = folder(0o777)
    learner = Learner("--output", "mine.yaml", "--", "bash", "-c", "id -u; id -g; echo $HOME", cwd=home,
                      environment={"SUDO_UID": "65534", "SUDO_GID": "65534", "HOME": "/root"})
    user, group, place = learner.ends().split()
    expect.equal((user, group), ("65534", "65534"), "who the command is")
    expect.true(place != "/root", "the home that it was given is root's")
    made = (home / "mine.yaml").stat()
    expect.equal((made.st_uid, stat.S_IMODE(made.st_mode)), (65534, 0o600), "owner and mode")


def test_it_never_overwrites():
    place = folder()
    (place / "policy.yaml").write_text("mine")
    marker = place / "ran"
    learner = Learner("--", "touch", str(marker), cwd=place)
    learner.ends(EX_CANTCREAT)
    expect.true("--output" in learner.told, f"what to do: {learner.told}")
    expect.equal((place / "policy.yaml").read_text(), "mine", "the file")
    expect.true(not marker.exists(), "the command ran")
    os.symlink("/nowhere", place / "link.yaml")
    Learner("--output", "link.yaml", "--", "true", cwd=place).ends(EX_CANTCREAT)
    Learner("--output", "no/such/folder/p.yaml", "--", "true", cwd=place).ends(EX_CANTCREAT)
    expect.equal(sorted(os.listdir(place)), ["link.yaml", "policy.yaml"], "files")


def test_a_command_that_is_not_there():
    learner = Learner("--", "no-such-command")
    learner.ends(127)
    expect.true("no-such-command cannot be run" in learner.told, learner.told)
    expect.equal(os.listdir(learner.folder), [], "files")
    Learner("--", "/").ends(126)


def test_wrong_usage():
    for arguments in (["--from", "x", "--", "true"], ["--from", "x", "--duration", "1"], ["--default-action", "maybe"],
                      ["--name", ""], ["true"]):
        Learner(*arguments).ends(EX_USAGE)


def test_a_signal_goes_to_the_command():
    learner = Learner("--", "bash", "-c", "trap 'echo told; exit 5' INT; echo ready; while :; do sleep 0.1; done")
    expect.equal(learner.stdout.readline(), "ready\n", "the command")
    time.sleep(0.2)
    learner.send_signal(signal.SIGINT)
    expect.equal(learner.ends(), "told\n", "what the command did")
    expect.true("bash ended with status 5" in learner.told, learner.told)
    expect.true(learner.path.exists(), "no policy")


def test_the_whole_host_for_a_while():
    learner = Learner("--duration", "2s", "--default-action", "alert")
    deadline = time.monotonic() + scaled(20)
    while learner.poll() is None and time.monotonic() < deadline:
        site().client(["resolve", "plain.example.test"], ["connect", "10.77.0.11"], ["connect", "10.77.0.16"]).result()
        time.sleep(0.1)
    learner.ends()
    rules, text = learner.policy()
    for wanted in ('"plain.example.test"', '"10.77.0.16"', f"[{site().port}]", "{ action: alert }", f'- "{RESOLVER}"'):
        expect.true(wanted in rules, f"no {wanted} in the policy: {text}")


def test_a_recording_teaches_the_same():
    recorder = Agent()
    child = site().client(["resolve", "plain.example.test"], ["connect", "10.77.0.11", "00"], ["connect", "10.77.0.16"])
    child.result()
    recorder.wait_for("close", 2, pid=child.pid, destination__port=site().port)
    recorder.stop()
    place = folder()
    lines = [line for line in recorder.output.read_text().splitlines()
             if f'"pid":{child.pid},' in line or '"type":"session"' in line]
    recording = place / "events.jsonl"
    recording.write_text("\n".join(lines) + "\n")
    learner = Learner("--from", recording, "--output", "p.yaml", cwd=place)
    learner.ends()
    text = (place / "p.yaml").read_text()
    for wanted in ('match: "plain.example.test"', 'match: "10.77.0.16"', f"ports: [{site().port}]", f'- "{RESOLVER}"',
                   "verify: address"):
        expect.true(wanted in text, f"no {wanted} in {text}")
    agent("policy", "check", place / "p.yaml")
    judged = agent("policy", "eval", "--policy", place / "p.yaml", text=recording.read_text())
    actions = set(re.findall(r'"verdict":{"action":"(\w+)"', judged))
    expect.equal(actions, {"allow"}, "verdicts on what it was learned from")
    (place / "bad.jsonl").write_text("{}\n")
    Learner("--from", place / "bad.jsonl", "--output", "q.yaml", cwd=place).ends(EX_DATAERR)
    Learner("--from", place / "absent.jsonl", "--output", "q.yaml", cwd=place).ends(EX_NOINPUT)
    expect.true(not (place / "q.yaml").exists(), "a policy from nothing")
