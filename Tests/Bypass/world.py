# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces and a cable: on the left those who try, on the right the canary. Scopes and who is in them."""

import ctypes
import json
import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import threading
import time

import attempts
import canary
import cgroups
import children
import cleanup
import expect
import netns
import scopes
from settings import scaled

HERE = pathlib.Path(__file__).resolve().parent
CABLE = 61
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP
CONTAINER = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
SYS_capset = {"x86_64": 126, "aarch64": 91}[os.uname().machine]

groups = []  # of every scope that was made

# Where one may send, and where not: the policy of the scope.
ALLOWED = ("10.78.0.0/17", '"fd78:0:a::/48"', "239.77.0.0/16", '"ff15:77::/32"', f"10.77.{CABLE}.128/25")


class Places:
    """Addresses that each serve one run only, so that a frame tells whose it is."""

    def __init__(self, world):
        self.world = world
        self.count = {}
        self.lock = threading.Lock()

    def next(self, kind, is_allowed):
        with self.lock:
            number = self.count[kind, is_allowed] = self.count.get((kind, is_allowed), 0) + 1
        high, low = number >> 8, number & 255
        if kind == "v4":
            return f"10.78.{high + (0 if is_allowed else 128)}.{low}"
        if kind == "v6":
            return f"fd78:0:{'a' if is_allowed else 'b'}::{number:x}"
        if kind == "group4":
            return f"239.{77 if is_allowed else 78}.{high}.{low}"
        if kind == "group6":
            return f"ff15:{77 if is_allowed else 78}::1:{number:x}"
        if kind == "link4":
            return f"10.77.{CABLE}.{(130 if is_allowed else 10) + number}"
        if kind == "link6":
            return f"{self.world.link_local()}%veth0"
        return {"loop4": "127.0.0.1", "zero4": "0.0.0.0", "zero6": "::", "loop6": "::1", "broadcast": "255.255.255.255"}[kind]


class NotEnforced(Exception):
    """Why the policy cannot be enforced on this machine."""


NOT_ENFORCED = 125  # the status of `run` then


class Party:
    """A client of some kind, inside of a scope or outside."""

    def __init__(self, program, end):
        self.program = program
        self.line = children.Line(end)
        self.hello = self._receive(30)

    def _receive(self, timeout):
        try:
            return self.line.receive(scaled(timeout))
        except (EOFError, TimeoutError, ConnectionError) as error:
            errors = self._end_and_read()
            if self.program.returncode == NOT_ENFORCED:
                raise NotEnforced(errors.strip()) from error
            expect.fail(f"a client is gone or hangs ({error}): {self.program.args}: status {self.program.returncode}, {errors}")

    def _end_and_read(self):
        """What a program says that is ending, or hangs."""
        try:
            return self.program.communicate(timeout=scaled(5))[1]
        except subprocess.TimeoutExpired:
            self.program.kill()
            return self.program.communicate()[1]

    def step(self, way, limit, **arguments):
        self.line.send({"way": way, "limit": limit, **arguments})
        return self._receive(limit + 10)["answer"]

    def end(self, timeout=20):
        """Ends the client and hands back what its program said."""
        self.line.end.close()
        errors = self.program.communicate(timeout=scaled(timeout))[1]
        return self.program.returncode, errors


def _ends():
    """The ends of a client's stdin and stdout: one unix socket."""
    mine, theirs = socket.socketpair()
    cleanup.later(mine.close)
    return mine, theirs


def become(capabilities):
    """Uid 0 with no more than these capabilities, now and after every exec. Runs after fork."""
    for number in range(64):
        if number not in capabilities:
            children.LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    mask = sum(1 << number for number in capabilities)
    low, high = mask & 0xffffffff, mask >> 32
    data = struct.pack("6I", low, low, 0, high, high, 0)
    children.check(children.LIBC.syscall(SYS_capset, struct.pack("Ii", 0x20080522, 0), data), "capset")


def _without_privileges():
    children.LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


class ScopeOf:
    """The control group of a party, for others to enter from outside."""

    def __init__(self, party, below=""):
        self.folder = cgroups.mount_point() / party.hello["group"][1:]
        if below:
            self.folder = self.folder / below
            self.folder.mkdir(parents=True)

    def enter(self):
        (self.folder / "cgroup.procs").write_text("0")


WHO = {
    "user": {"user": scopes.USER, "before": _without_privileges},
    "root": {"before": lambda: become(())},
    "container": {"before": lambda: become(CONTAINER)},
    attempts.MEMBER: {"user": scopes.USER, "before": _without_privileges},
}


def _make_manager_path(user):
    """Where that user's service manager would listen, which there is none of; whatever folders are made for it go with the test."""
    path = pathlib.Path(f"/run/user/{user}/systemd/private")
    expect.true(not path.exists(), f"{path} is there: the tests need a user who runs nothing")
    for folder in (path.parent.parent.parent, path.parent.parent, path.parent):
        if not folder.exists():
            folder.mkdir(mode=0o755)
            cleanup.later(folder.rmdir)
    os.chown(path.parent, user, user)
    cleanup.later(lambda: path.unlink(missing_ok=True))
    return str(path)


class World:
    has_resolver = False

    def __init__(self):
        self.left, self.right = netns.Namespace(), netns.Namespace()
        self.cable = netns.Cable(self.left, self.right, CABLE)
        for namespace in (self.left, self.right):
            namespace.set("net.ipv4.ping_group_range", "0 2147483647")
            namespace.set("net.ipv4.tcp_fastopen", 0x607)
        self.right.set("net.ipv6.ip_nonlocal_bind", 1)
        self._route()
        folder = tempfile.TemporaryDirectory(prefix="trustrun-test-")
        cleanup.later(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.caller_path = os.path.join(folder.name, "caller")
        self.helper_path = os.path.join(folder.name, "helper")
        self.unlisted_path = os.path.join(folder.name, "unlisted")
        os.chmod(folder.name, 0o777)
        self.manager_path = _make_manager_path(scopes.USER)
        self.wire = self.child(canary.watch, "veth0", namespace=self.right)
        self.sinks = [self.child(canary.sink, ["tcp", "udp"], namespace=self.right),
                      self.child(canary.sink, ["tcp", "udp", "vsock"], namespace=self.left)]
        self.caller = self.child(canary.call, self.caller_path, namespace=self.right)
        self.places = Places(self)

    def policy(self, allowed=ALLOWED):
        """What the tests themselves need of unix sockets is listed, where the policy lists any."""
        listed = attempts.listed_unix_sockets()
        more = [] if listed is None else [f"unix_sockets: {json.dumps([*listed, self.helper_path, self.caller_path])}"]
        return scopes.policy(*[f"allow {match}" for match in allowed], more=["resolvers: [192.0.2.53]", *more])

    def _route(self):
        left, right = self.left, self.right
        left.ip(f"route add default via {self.cable.right4}")
        left.ip(f"-6 route add default via {self.cable.right6}")
        left.ip("route add 224.0.0.0/4 dev veth0")
        right.ip("route add local 10.78.0.0/16 dev lo")
        right.ip(f"route add local 10.77.{CABLE}.128/25 dev lo")
        for prefix in ("fd78::/32", "64:ff9b::/96", "64:ff9b:1::/48", "2002:a4e::/32"):
            right.ip(f"-6 route add local {prefix} dev lo")

    @staticmethod
    def child(function, *arguments, namespace):
        child = children.Child(function, *arguments, namespace=namespace)
        expect.equal(child.receive(), "ready", function.__name__)
        return child

    def link_local(self):
        text = self.right.run("ip", "-6", "-o", "address", "show", "dev", "veth0", "scope", "link")
        return text.split()[3].partition("/")[0]

    def inside(self, policy, **options):
        """An ordinary user under `run --enforce`."""
        mine, theirs = _ends()
        with theirs:
            program = scopes.start(policy, scopes.PYTHON, "-B", HERE / "client.py", namespace=self.left, stdin=theirs, **options)
        party = Party(program, mine)
        groups.append(str(ScopeOf(party).folder))
        return party

    def join(self, who, group=None):
        """Somebody in that group, or outside of every scope."""
        mine, theirs = _ends()
        with theirs:
            program = children.Program(scopes.PYTHON, "-B", HERE / "client.py", namespace=self.left, cgroup=group, stdin=theirs, **WHO[who])
        return Party(program, mine)

    @staticmethod
    def pins_of(party):
        """The folder of the pins that hold a party's scope."""
        name = os.path.basename(party.hello["group"])
        return next((path for mount in ("/sys/fs/bpf", "/run/trustrun/bpf") if os.path.exists(path := f"{mount}/trustrun/{name}")), "/nonexistent")

    def evidence(self):
        """What arrived since the last call, once it is quiet: {marker or address in hexadecimal: where}."""
        time.sleep(scaled(0.3))
        self.wire.send()
        seen = self.wire.receive(30)
        expect.equal(seen["lost"], 0, "frames that the canary missed")
        found = seen["found"]
        for sink in self.sinks:
            sink.send()
            for text in sink.receive(30):
                for token in canary.MARKER.findall(text.encode("latin-1")):
                    found.setdefault(token.hex(), "at a sink")
        return found


def _ways_with_via():
    import inspect

    import client
    return {name for name, function in client.WAYS.items()
            if inspect.isfunction(function) and "via" in inspect.signature(function).parameters}


WAYS_WITH_VIA = _ways_with_via()
