# SPDX-License-Identifier: Apache-2.0
"""What is enforced outlives its agent: pins, `status`, `release`, and what the next agent says."""

import json
import os
import pathlib
import signal
import subprocess
import time

import cgroups
import children
import cleanup
import expect
import scopes
from harness import each_guest
from settings import SCALE, agent_path, scaled
from test_enforce import EPERM, everywhere

GUESTS_SHARE = True

# Answers each line `WAY ARGUMENT...` (JSON) until stdin ends.
CLIENT = ("import json, os, sys; sys.path.insert(0, sys.argv[1]); import scope_client\n"
          "print(os.getpid(), flush=True)\n"
          "for line in sys.stdin: print(json.dumps(scope_client.attempt(*json.loads(line))), flush=True)")


def pass_over(program):
    """What the agent said before its command began: of instances that are none of this test's."""
    os.set_blocking(program.stderr.fileno(), False)
    try:
        os.read(program.stderr.fileno(), 65536)
    except BlockingIOError:
        pass
    os.set_blocking(program.stderr.fileno(), True)


class Run:
    """A `run --enforce` whose command does what it is asked to."""

    def __init__(self, policy, *options, namespace=None):
        self.program = scopes.start(policy, scopes.PYTHON, "-c", CLIENT, str(scopes.HERE), options=options, namespace=namespace)
        line = self.program.stdout.readline()
        if not line:
            expect.fail(f"the command did not start: {self.program.stderr.read()}")
        self.pid = int(line)
        pass_over(self.program)
        with open(f"/proc/{self.pid}/cgroup") as file:
            self.scope = next(line for line in file if line.startswith("0::"))[3:].strip()
        self.name = self.scope.rpartition("/")[2]
        self.inode = (cgroups.mount_point() / self.scope[1:]).stat().st_ino
        cleanup.later(self.clean)

    def ask(self, *step):
        self.program.stdin.write(json.dumps(step) + "\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def kill_agent(self):
        self.program.send_signal(signal.SIGKILL)
        self.program.wait()

    def end_command(self):
        self.program.stdin.close()
        folder = cgroups.mount_point() / self.scope[1:]
        wait_until(lambda: is_empty(folder), "the command to end")

    def clean(self):
        """After a failure: nothing of it stays."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.program.end()
        if any(instance["name"] == self.name for instance in status()):
            agent("release", self.name)
        cgroups.remove(cgroups.mount_point() / self.scope[1:])
        pathlib.Path(f"/run/trustrun/{self.name}.lock").unlink(missing_ok=True)


def is_empty(folder):
    """Whether nobody is in a group; its agent may remove it at any time."""
    try:
        return "populated 0" in (folder / "cgroup.events").read_text()
    except OSError:
        return True


def wait_until(condition, what, seconds=10):
    deadline = time.monotonic() + scaled(seconds)
    while not condition():
        if time.monotonic() > deadline:
            expect.fail(f"waited in vain for {what}")
        time.sleep(0.01)


def has_ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def agent(*words):
    return subprocess.run([agent_path(), *words], capture_output=True, text=True, timeout=scaled(20))


def status(*options):
    """What `status --json` says of each instance."""
    done = agent("status", "--json", *options)
    expect.equal(done.returncode, 0, f"status of `status`: {done.stderr}")
    return json.loads(done.stdout)["instances"]


def status_of(name):
    found = [instance for instance in status("--outcomes") if instance["name"] == name]
    expect.equal(len(found), 1, f"instances called {name}")
    return found[0]


def pins_of(run):
    return next((path for mount in ("/sys/fs/bpf", "/run/trustrun/bpf") if (path := pathlib.Path(mount, "trustrun", run.name)).exists()), None)


def expect_nothing_left(*runs):
    for run in runs:
        expect.equal((cgroups.mount_point() / run.scope[1:]).exists(), False, f"the group of {run.name} is left behind")
        expect.equal(pins_of(run), None, "pins left behind")
        expect.equal(pathlib.Path(f"/run/trustrun/{run.name}.lock").exists(), False, f"the lock of {run.name} is left behind")


@each_guest
def test_a_policy_outlives_its_agent():
    run = Run(scopes.policy("allow 10.1.1.1", "block 10.2.2.2"), namespace=everywhere())
    steps = [(("tcp", "10.1.1.1", 443), "ok"), (("tcp", "10.2.2.2", 443), EPERM), (("sendto", "10.2.2.2", 53), EPERM), (("sendto", "10.1.1.1", 7), "ok"),
             (("set_option", 2, 1, 0, 4, "01010101"), EPERM)]
    for step, wanted in steps:
        expect.equal(run.ask(*step), wanted, f"{step} with an agent")
    seen = status_of(run.name)
    expect.equal((seen["agent"], seen["policy"], seen["generation"], seen["scope"], seen["populated"]),
                 (run.program.pid, "test", 1, run.scope, True), "what `status` says")
    expect.equal((seen["totals"]["allow"], seen["totals"]["block"]), (2, 3), "the totals of `status`, without the proof's")
    done = agent("release", run.name)
    expect.equal((done.returncode, "is alive" in done.stderr), (69, True), f"`release` while the agent lives: {done.stderr}")
    expect.true(run.name not in agent("release", "--all").stderr, "`release --all` while the agent lives")

    run.kill_agent()
    for step, wanted in steps:
        expect.equal(run.ask(*step), wanted, f"{step} without an agent")
    seen = status_of(run.name)
    expect.true("agent" not in seen, f"`status` without an agent: {seen}")
    expect.equal((seen["totals"]["allow"], seen["totals"]["block"]), (4, 6), "the totals of `status` without an agent")
    expect.true(f"{run.name}  no agent  policy test (generation 1)" in agent("status").stdout, "text of `status`")
    # The next agent tells, and leaves alone what still holds somebody.
    program = scopes.start(scopes.policy("allow 127.0.0.1"), "true")
    _, errors = program.communicate()
    expect.true(f"{run.name} is enforced without an agent, since " in errors and "4 let through, 6 refused" in errors, f"stderr: {errors!r}")
    expect.equal(run.ask("tcp", "10.2.2.2", 443), EPERM, "after another agent came and went")

    run.end_command()
    _, errors = scopes.start(scopes.policy("allow 127.0.0.1"), "true").communicate()
    expect.true(f"{run.name} was enforced without an agent until its scope was empty" in errors, f"stderr: {errors!r}")
    expect_nothing_left(run)


def test_a_scope_that_was_removed_leaves_no_pins():
    run = Run(scopes.policy("allow 10.1.1.1"), namespace=everywhere())
    run.kill_agent()
    run.end_command()
    (cgroups.mount_point() / run.scope[1:]).rmdir()

    def is_swept():
        scopes.start(scopes.policy("allow 127.0.0.1"), "true").communicate()
        return pins_of(run) is None
    wait_until(is_swept, "the pins to go")


def test_release_lets_go():
    namespace = everywhere()
    first, second = (Run(scopes.policy("allow 10.1.1.1"), namespace=namespace) for _ in range(2))
    first.kill_agent()
    done = agent("release", "--all")
    expect.equal(done.returncode, 0, f"`release --all`: {done.stderr}")
    expect.true(f"trustrun-agent: released {first.name}; what runs in {first.scope} is not held any more\n" in done.stderr, f"`release --all`: {done.stderr}")
    expect.equal(first.ask("tcp", "10.2.2.2", 443), "ok", "a released command")
    expect.equal(second.ask("tcp", "10.2.2.2", 443), EPERM, "the command of an agent that lives")
    done = agent("release", "run-0-none")
    expect.equal((done.returncode, "there is no instance" in done.stderr), (69, True), "`release` of what is not there")
    first.end_command()
    (cgroups.mount_point() / first.scope[1:]).rmdir()
    second.program.stdin.close()
    expect.equal(second.program.wait(scaled(10)), 0, "status of the other command")
    expect_nothing_left(second)


def test_fail_open_pins_nothing():
    run = Run(scopes.policy("allow 10.1.1.1"), "--fail-open", namespace=everywhere())
    expect.equal(pins_of(run), None, "pins")
    expect.equal(run.ask("tcp", "10.2.2.2", 443), EPERM, "with an agent")
    run.kill_agent()
    wait_until(lambda: run.ask("tcp", "10.2.2.2", 443) == "ok", "the gates to go with their agent")


def test_pins_of_another_version_are_not_touched():
    run = Run(scopes.policy("allow 10.1.1.1"), namespace=everywhere())
    run.kill_agent()
    path = str(pins_of(run) / "instance")
    # Another layout: bytes 8 to 15 of the value.
    value = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", path], capture_output=True, text=True, check=True).stdout
    raw = json.loads(value)[0]["value"]
    raw[8:16] = ["0x01"] * 8
    subprocess.run(["bpftool", "map", "update", "pinned", path, "key", *["0"] * 4, "value", *[str(int(byte, 16)) for byte in raw]], check=True)
    seen = agent("status").stdout
    expect.true(f"{run.name}  no agent  made by another version of the agent; remove it with: trustrun-agent release {run.name}" in seen, f"{seen!r}")
    _, errors = scopes.start(scopes.policy("allow 127.0.0.1"), "true").communicate()
    expect.true(f"the instance {run.name} was made by another version" in errors, f"stderr: {errors!r}")
    expect.equal(run.ask("tcp", "10.2.2.2", 443), EPERM, "what another version enforces")
    expect.equal(agent("release", run.name).returncode, 0, "`release`")
    expect.equal(pins_of(run), None, "pins after `release`")


def expect_line(run, words):
    """The next line of the agent's, which has these words."""
    line = run.program.stderr.readline()
    while "without an agent" in line:  # of another instance
        line = run.program.stderr.readline()
    expect.true(words in line, f"`{words}` is not in {line!r}")


def replace(path, text):
    """As an editor does: a new file in the place of the old one."""
    new = path.with_name("new")
    new.write_text(text)
    os.replace(new, path)


def test_a_changed_policy_is_put_in_force():
    policy = scopes.policy("allow 10.1.1.1")
    first = policy.read_text()
    second = first.replace("10.1.1.1", "10.2.2.2")
    run = Run(policy, namespace=everywhere())

    def expect_allowed(one, other, what):
        expect.equal((run.ask("tcp", one, 443), run.ask("tcp", other, 443)), ("ok", EPERM), f"{one} and {other}, {what}")

    expect_allowed("10.1.1.1", "10.2.2.2", "at first")
    replace(policy, second)
    expect_line(run, "reloaded test: generation 2, in ")
    expect_allowed("10.2.2.2", "10.1.1.1", "after the file was replaced")
    policy.write_text(first)
    expect_line(run, "reloaded test: generation 3, in ")
    expect_allowed("10.1.1.1", "10.2.2.2", "after the file was written")
    policy.write_text(second + "unknown: 1\n")
    expect_line(run, f"the policy is not reloaded, generation 3 stays in force: {policy}:")
    expect_allowed("10.1.1.1", "10.2.2.2", "with a file that does not load")
    policy.unlink()
    expect_line(run, "the policy is not reloaded, generation 3 stays in force: ")
    expect_allowed("10.1.1.1", "10.2.2.2", "without a file")
    policy.write_text(second)
    expect_line(run, "reloaded test: generation 4, in ")
    expect_allowed("10.2.2.2", "10.1.1.1", "with a file that loads again")
    run.program.send_signal(signal.SIGHUP)
    expect_line(run, "reloaded test: generation 5, in ")
    expect_allowed("10.2.2.2", "10.1.1.1", "after SIGHUP")
    expect.equal(status_of(run.name)["generation"], 5, "the generation that `status` tells")


# Policies that say the opposite of two destinations, by rules of other places.
ODD = ("allow 10.9.0.1", "alert 10.1.1.1", "allow 10.9.0.2", "block 10.2.2.2")
EVEN = ("block 10.1.1.1", "alert 10.2.2.2")
CONNECTIONS = int(100_000 / SCALE)
RELOADS = 12  # at least


def test_no_connection_is_judged_by_a_mix_of_policies():
    policy = scopes.policy(*ODD)
    texts = [scopes.policy(*rules).read_text() for rules in (EVEN, ODD)]
    enough = policy.with_name("enough")
    code = ("import os, socket, sys\n"
            "print('ready', flush=True)\n"
            "child, place = os.fork(), 0\n"
            f"while place < {CONNECTIONS // 2} or not os.path.exists(sys.argv[1]):\n"
            "    for place in range(place + 1, place + 501):\n"
            "        end = socket.socket(); end.setblocking(False)\n"
            "        end.connect_ex(('10.1.1.1' if place & 1 else '10.2.2.2', 443)); end.close()\n"
            "if child: os.wait()\n"
            "print('made', place, flush=True)\n"
            "if child: sys.stdin.readline()")
    program = scopes.start(policy, scopes.PYTHON, "-c", code, enough, namespace=everywhere())
    expect.equal(program.stdout.readline(), "ready\n", "the command's first line")
    pass_over(program)
    reloads, said = 0, ""
    os.set_blocking(program.stdout.fileno(), False)
    while said.count("\n") < 2:
        try:
            said += os.read(program.stdout.fileno(), 64).decode()
        except BlockingIOError:
            pass
        if reloads == RELOADS:
            enough.touch()
        replace(policy, texts[reloads % 2])
        program.send_signal(signal.SIGHUP)
        line = program.stderr.readline()
        expect.true(f"generation {reloads + 2}, in " in line, f"stderr after {reloads} reloads: {line!r}")
        reloads += 1
    seen = next(instance for instance in status("--outcomes") if instance["agent"] == program.pid)
    totals = seen["totals"]
    expect.equal((totals["allow"], totals["error"], totals["unlisted"]), (0, 0, 0), f"other verdicts, of {totals}")
    judged = totals["alert"] + totals["block"]
    made = sum(int(word) for word in said.split() if word != "made")
    expect.true(made >= CONNECTIONS, f"connections: {made}")
    # A reload between a connect() and its SYN cuts what it refuses: at most one of each of the two processes.
    expect.true(made <= judged <= made + 2 * reloads, f"of {made} {judged} were judged in {reloads} reloads")
    expect.equal(sum(outcome["count"] for outcome in seen["outcomes"]), judged, "the same by destination")
    rules = {True: {("10.1.1.1", "alert", 1), ("10.2.2.2", "block", 3)}, False: {("10.1.1.1", "block", 0), ("10.2.2.2", "alert", 1)}}
    for outcome in seen["outcomes"]:
        expect.true((outcome["address"], outcome["action"], outcome["rule"]) in rules[outcome["generation"] % 2 == 1], f"judged by a mix: {outcome}")
    generations = {outcome["generation"] for outcome in seen["outcomes"]}
    expect.true(len(generations) >= RELOADS - 2, f"{reloads} reloads, but connections were judged under {len(generations)} policies only")
    program.communicate("\n")


test_no_connection_is_judged_by_a_mix_of_policies.limit = 120


def detach(inode, hook):
    """Takes a gate of a group away, as only root can."""
    links = json.loads(subprocess.run(["bpftool", "-j", "link", "list"], capture_output=True, text=True, check=True).stdout)
    found = [link["id"] for link in links if link.get("cgroup_id") == inode and link.get("attach_type") == hook]
    expect.equal(len(found), 1, f"links at {hook} of the scope, of {links}")
    subprocess.run(["bpftool", "link", "detach", "id", str(found[0])], check=True)


@each_guest
def test_a_command_does_not_go_on_without_its_gates():
    run = Run(scopes.policy("allow 10.1.1.1"), "--prove-every", "200ms", namespace=everywhere())
    proven = status_of(run.name)["proven"]
    wait_until(lambda: status_of(run.name)["proven"] != proven, "the next proof")
    detach(run.inode, "cgroup_inet4_connect")
    expect_line(run, "enforcement: lost: the gates do not hold: connect() of TCP over IPv4 was ")
    expect.equal(run.program.wait(scaled(10)), 125, "status")
    expect.true("and lost hold of it" in run.program.stderr.read(), "the summary")
    wait_until(lambda: has_ended(run.pid), "the command to end")
    expect_nothing_left(run)

    run = Run(scopes.policy("allow 10.1.1.1"), "--prove-every", "200ms", "--fail-open", namespace=everywhere())
    detach(run.inode, "cgroup_inet4_connect")
    expect_line(run, "enforcement: lost: ")
    expect.equal(run.ask("tcp", "10.2.2.2", 443), "ok", "with --fail-open")
    run.program.stdin.close()
    expect.equal(run.program.wait(scaled(10)), 0, "status with --fail-open")


def _proven(run):
    return next(instance["proven"] for instance in status() if instance["name"] == run.name)


def test_a_proof_finds_room_whatever_was_tried():
    """So many destinations are counted one by one, and no more; what a proof tries is counted apart."""
    many, counted = 17_000, 16_384
    run = Run(scopes.policy("allow 10.1.1.1"), "--prove-every", "200ms", namespace=everywhere())
    expect.equal(run.ask("sendto_many", "10.2.0.0", many, 9), many, "datagrams that were refused")
    seen = status_of(run.name)
    expect.equal(seen["totals"]["block"], many, "all that was refused")
    expect.between(len(seen["outcomes"]), counted - 16, counted, "destinations of it")
    for number in range(2):
        proven = _proven(run)
        wait_until(lambda: _proven(run) != proven, f"proof {number} after that")
    run.program.stdin.close()
    expect.equal(run.program.wait(scaled(10)), 0, "status")


@each_guest
def test_a_command_does_not_go_on_without_what_refuses_sockets_of_others():
    run = Run(scopes.policy("allow 10.1.1.1"), "--prove-every", "200ms", namespace=everywhere())
    proven = status_of(run.name)["proven"]
    wait_until(lambda: status_of(run.name)["proven"] != proven, "the next proof")
    seen = status_of(run.name)
    expect.equal((seen["totals"]["block"], seen["outcomes"]), (0, []), "what is counted of the proofs")
    detach(cgroups.mount_point().stat().st_ino, "cgroup_inet4_connect")
    expect_line(run, "enforcement: lost: the gates do not hold: connect() of a socket that was made outside was ")
    expect.equal(run.program.wait(scaled(10)), 125, "status")


def echo(parent, port):
    """Echoes TCP and UDP until it is told to end; then hands back all that came."""
    import select
    import socket
    seen = []
    listeners = [socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)]
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    datagrams.bind(("::", port))
    ends = []
    parent.send("ready")
    while True:
        for end in select.select([*listeners, *ends, datagrams, parent.end], [], [])[0]:
            if end is parent.end:
                return seen
            if end in listeners:
                ends.append(end.accept()[0])
                continue
            try:
                text, peer = end.recvfrom(64)
            except ConnectionError as error:
                seen.append(type(error).__name__)
                text = b""
            if text:
                seen.append(text.decode())
            if end is datagrams:
                end.sendto(text, peer)
            elif text:
                end.sendall(text)
            else:
                ends.remove(end)


def connect_in(parent, source, port):
    """Connects from outside of the scope and echoes."""
    import socket
    end = socket.socket()
    end.bind((source, 0))
    end.connect(("10.9.9.9", port))
    parent.send("ready")
    try:
        while text := end.recv(64):
            end.sendall(text)
    except ConnectionError as error:
        return type(error).__name__
    return "closed"


def test_what_a_new_policy_refuses_is_cut():
    import socket
    namespace = everywhere()
    server = children.Child(echo, 4700, namespace=namespace)
    expect.equal(server.receive(), "ready", "the server")
    policy = scopes.policy("allow [10.1.1.1, 10.2.2.2, 'fd00::1', 'fd00::2'], ports: 4700", "allow [10.5.5.5, 10.6.6.6]")
    run = Run(policy, namespace=namespace)
    stay = {"tcp": (socket.SOCK_STREAM, "10.1.1.1"), "tcp6": (socket.SOCK_STREAM, "fd00::1"), "udp": (socket.SOCK_DGRAM, "10.1.1.1"),
            "mapped": (socket.SOCK_STREAM, "::ffff:10.1.1.1")}
    go = {"tcp-": (socket.SOCK_STREAM, "10.2.2.2"), "tcp6-": (socket.SOCK_STREAM, "fd00::2"), "udp-": (socket.SOCK_DGRAM, "10.2.2.2"),
          "mapped-": (socket.SOCK_STREAM, "::ffff:10.2.2.2")}
    for key, (kind, address) in (stay | go).items():
        expect.equal(run.ask("keep", key, kind, address, 4700), "ok", f"connect() of {key}")
        expect.equal(run.ask("say", key, key), key, f"the answer to {key}")
    expect.equal(run.ask("keep_listener", "listener", 4701), "ok", "listen()")
    peers = {}
    for key, source in (("in", "10.5.5.5"), ("in-", "10.6.6.6")):
        peers[key] = children.Child(connect_in, source, 4701, namespace=namespace)
        expect.equal(peers[key].receive(), "ready", f"{source} connects")
        expect.equal(run.ask("keep_accepted", key, "listener"), f"::ffff:{source}", "who connected")
        expect.equal(run.ask("say", key, key), key, f"the answer to {key}")
    before = status_of(run.name)["totals"]
    expect.equal(before["block"], 0, "refused before the reload")

    replace(policy, policy.read_text().replace("10.2.2.2", "10.3.3.3").replace("fd00::2", "fd00::3").replace("10.6.6.6", "10.7.7.7"))
    expect_line(run, "reloaded test: generation 2, in ")
    for key in [*stay, "in"]:
        expect.equal(run.ask("say", key, "on"), "on", f"the answer to {key} after the reload")
    for key in [*go, "in-"]:
        expect.equal(run.ask("say", key, "secret"), EPERM if key.startswith("udp") else "ECONNABORTED", f"what {key} gets after the reload")
    seen = status_of(run.name)
    expect.equal(seen["totals"]["block"], 5, "refused after the reload")
    expect.equal(sorted((outcome["gate"], outcome["address"], outcome["port"], outcome["generation"], outcome["count"]) for outcome in seen["outcomes"]),
                 [("connect", "10.2.2.2", 4700, 2, 2), ("connect", "fd00::2", 4700, 2, 1), ("datagram", "10.2.2.2", 4700, 2, 1), ("inbound", "10.6.6.6", 4701, 2, 1)],
                 "what was refused after the reload")
    expect.equal(peers["in-"].result(), "ConnectionResetError", "what who connected in gets")
    server.send()
    got = server.result()
    expect.true("secret" not in got and "tcp-" in got, f"what the server got: {got}")
    expect.equal(got.count("ConnectionResetError"), 3, f"resets that the server got, of {got}")
