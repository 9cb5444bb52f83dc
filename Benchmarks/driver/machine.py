# SPDX-License-Identifier: Apache-2.0
"""The machine: is it quiet, the agent on it, and what a process uses."""

import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.environ.get("TRUSTRUN_AGENT", os.path.join(ROOT, ".build/release/trustrun-agent"))
BUILT = os.path.join(ROOT, ".build/benchmarks")
BUSY_MAX = 0.15
READY_SECONDS = 1.0
QUIET_SECONDS = float(os.environ.get("BENCH_QUIET_SECONDS", "120"))

noisy_turns = 0


def processor_times():
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    return sum(fields), fields[3] + fields[4]


def busy(seconds):
    total, idle = processor_times()
    time.sleep(seconds)
    total_after, idle_after = processor_times()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def other_agents():
    """Agents that somebody else runs: their hooks would be in the turns without ours."""
    found = 0
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if len(words) > 1 and words[1] == b"monitor" and b"agent" in words[0]:
            found += 1
    return found


def wait_until_quiet():
    """Waits until nobody else works here; goes on after QUIET_SECONDS and remembers that."""
    global noisy_turns
    deadline = time.monotonic() + QUIET_SECONDS
    while other_agents() or busy(0.3) > BUSY_MAX:
        if time.monotonic() > deadline:
            noisy_turns += 1
            return
        time.sleep(0.5)


def run(program, *arguments, **options):
    """Runs a program of ours; returns what it printed, as JSON lines."""
    words = [os.path.join(BUILT, program), *map(str, arguments)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, **options)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Agent:
    """`trustrun-agent monitor`, for as long as the block lasts."""

    def __init__(self, *arguments, stdout=subprocess.DEVNULL, is_waiting=True):
        self.arguments = arguments
        self.stdout = stdout
        self.is_waiting = is_waiting

    def __enter__(self):
        self.process = subprocess.Popen(
            [AGENT, "monitor", *self.arguments], stdin=subprocess.DEVNULL, stdout=self.stdout, stderr=subprocess.PIPE
        )
        if self.is_waiting:
            time.sleep(READY_SECONDS)
            if self.process.poll() is not None:
                sys.exit(f"bench: the agent ended: {self.process.stderr.read().decode().strip()}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        time.sleep(0.3)  # the kernel lets go of the hooks a little later

    def cpu_seconds(self):
        total = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with open(path) as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def megabytes(self):
        """Anonymous and all resident memory."""
        sizes = {}
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                key, _, value = line.partition(":")
                if key in ("RssAnon", "VmRSS"):
                    sizes[key] = int(value.split()[0]) / 1000
        return sizes["RssAnon"], sizes["VmRSS"]


class Scope:
    """A control group of ours, gone after the block; `run` runs a program in it."""

    def __enter__(self):
        with open("/proc/self/mounts") as mounts:
            root = next(words[1] for words in map(str.split, mounts) if words[2] == "cgroup2")
        self.path = f"{root}/trustrun-bench-{os.getpid()}"
        os.mkdir(self.path)
        return self

    def __exit__(self, *_):
        for _ in range(50):
            try:
                return os.rmdir(self.path)
            except OSError:
                time.sleep(0.1)
        sys.exit(f"bench: {self.path} is still in use")

    def run(self, words):
        """What a program printed that was in the scope from its first instruction on."""
        enter = ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh"]
        return subprocess.run([*enter, *map(str, words)], stdout=subprocess.PIPE, check=True).stdout


class Gates:
    """`gate-bench` with its policy in force in a scope, for as long as the block lasts."""

    def __init__(self, scope, kind, rules):
        self.words = [os.path.join(BUILT, "release/gate-bench"), scope.path, kind, str(rules)]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: gate-bench ended with status {self.process.wait()}")
        self.times = json.loads(line)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)
        time.sleep(0.3)  # the kernel lets go of the hooks a little later

    def runs(self):
        """For each attach type of <linux/bpf.h> how often its programs ran and the nanoseconds they took (bpf_stats): the gate's, then the root's."""
        programs, links = {}, {}
        scope = str(os.stat(self.words[1]).st_ino)
        for path in glob.glob(f"/proc/{self.process.pid}/fdinfo/*"):
            with open(path) as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            if "run_cnt" in fields:
                programs[fields["prog_id"]] = int(fields["run_cnt"]), int(fields["run_time_ns"])
            elif "attach_type" in fields:
                links.setdefault(int(fields["attach_type"]), {})[fields["prog_id"]] = fields["cgroup_id"] != scope
        return {kind: [programs[ident] for ident in sorted(idents, key=idents.get) if ident in programs] for kind, idents in links.items()}

    @staticmethod
    def taken(before, after, calls):
        """Nanoseconds of one run of each program; the root's may have run for others too."""
        runs = [(now[0] - past[0], now[1] - past[1]) for past, now in zip(before, after)]
        if min(count for count, _ in runs) != calls:
            raise RuntimeError(f"a gate ran {runs} times for {calls} calls")
        return [nanoseconds / count for count, nanoseconds in runs]


class Site:
    """A network namespace with a resolver and a TLS server, where a program asks for a name, enforced or not; gone after the block."""

    RESOLVER = "10.9.0.53"

    def __init__(self, name, address, policy):
        self.name, self.address, self.policy = name, address, policy

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="trustrun-bench-")
        os.chmod(self.folder.name, 0o755)
        with open(self.path("policy.yaml"), "w") as file:
            file.write(self.policy)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=bench",
                        "-keyout", self.path("key.pem"), "-out", self.path("certificate.pem")], check=True, capture_output=True)
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up && ip route add local 10.9.0.0/24 dev lo && echo ready && exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.resolver = self.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={self.RESOLVER}",
                                   f"--address=/{self.name}/{self.address}", "--pid-file=", "--user=root")
        self.server = self.start(os.path.join(BUILT, "https"), "serve", self.address, 8443, self.path("certificate.pem"), self.path("key.pem"),
                                 stdout=subprocess.PIPE)
        self.server.stdout.readline()
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        for process in (self.server, self.resolver, self.holder):
            process.kill()
            process.wait()
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def words(self, *words):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *map(str, words)]

    def start(self, *words, **options):
        return subprocess.Popen(self.words(*words), stdin=subprocess.DEVNULL, **options)

    def ask(self, is_enforced, count, kind):
        program = [os.path.join(BUILT, "https"), "ask", self.RESOLVER, self.name, self.address, 8443, count, kind]
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        words = [AGENT, "run", "--policy", self.path("policy.yaml"), "--enforce", "--", *program] if is_enforced else [*user, *program]
        done = subprocess.run(self.words(*words), stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "SUDO_UID": "65534", "SUDO_GID": "65534"})
        if done.returncode:
            sys.exit(f"bench: {words} ended with status {done.returncode}: {done.stderr.decode()}")
        return json.loads(done.stdout)


class Statistics:
    """Has the kernel count what BPF programs take, for as long as the block lasts."""

    PATH = "/proc/sys/kernel/bpf_stats_enabled"

    def __enter__(self):
        with open(self.PATH) as file:
            self.before = file.read()
        self.set("1")

    def __exit__(self, *_):
        self.set(self.before)

    def set(self, value):
        with open(self.PATH, "w") as file:
            file.write(value)
