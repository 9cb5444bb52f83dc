# SPDX-License-Identifier: Apache-2.0
"""What `run` keeps a command from beside what the gates see: kinds of sockets, other processes, the terminal, lookups by others."""

import ctypes
import errno
import json
import os
import pathlib
import socket
import subprocess
import tempfile

import cgroups
import children
import cleanup
import expect
import scopes
from settings import scaled
from test_enforce_handover import is_refused_here
from test_enforce_run import ALLOWED, finish

LIBC = ctypes.CDLL(None, use_errno=True)
NATIVE = {"x86_64": {"ioctl": 16, "ptrace": 101, "socket": 41, "request_key": 249},
          "aarch64": {"ioctl": 29, "ptrace": 117, "socket": 198, "request_key": 218}}[os.uname().machine]
IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER, PIDFD_GETFD = 425, 426, 427, 438


def landlock():
    """The version of its interface; 0 if this kernel has none that is used."""
    version = LIBC.syscall(444, None, 0, 1)
    return version if version >= 2 else 0


def asked(code, *arguments, **options):
    """What the code prints as a command of the scope."""
    program = scopes.start(scopes.policy(ALLOWED), scopes.PYTHON, "-c", PRELUDE + code, *arguments, **options)
    status, output, errors = finish(program)
    expect.equal(status, 0, f"status; {output} {errors}")
    return json.loads(output)


PRELUDE = """
import ctypes, errno, fcntl, json, os, signal, socket, sys
LIBC = ctypes.CDLL(None, use_errno=True)
def of(result): return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]
def call(*arguments): return of(LIBC.syscall(*[ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]))
def attempt(function, *arguments):
    try: function(*arguments)
    except OSError as error: return errno.errorcode[error.errno]
    return "ok"
def tell(what): print(json.dumps(what))
"""


def test_only_families_that_the_gates_see():
    families = {"UNIX": 1, "INET": 2, "INET6": 10, "NETLINK": 16, "AX25": 3, "X25": 9, "KEY": 15, "PACKET": 17, "RDS": 21, "PPPOX": 24, "TIPC": 30, "BLUETOOTH": 31,
                "ALG": 38, "VSOCK": 40, "KCM": 41, "QIPCRTR": 42, "SMC": 43, "XDP": 44, "high half": 1 | 40 << 32, "vsock with a high half": 40 | 1 << 32}
    answers = asked("tell([call(int(sys.argv[1]), int(family), 2 if family != '40' else 1, 0) for family in sys.argv[2:]])", str(NATIVE["socket"]), *map(str, families.values()))
    wanted = ["ok" if family & 0xFFFFFFFF in (1, 2, 10, 16) else "EAFNOSUPPORT" for family in families.values()]
    expect.equal(dict(zip(families, answers)), dict(zip(families, wanted)), "sockets by family")
    expect.equal(asked("tell([attempt(socket.socketpair, family) for family in (1, 40)])"), ["ok", "EAFNOSUPPORT"], "pairs")


def test_system_calls_that_lead_out():
    calls = [[IO_URING_SETUP, 1, 0], [IO_URING_ENTER, 0, 1, 0, 0, 0, 0], [IO_URING_REGISTER, 0, 0, 0, 0], [PIDFD_GETFD, 0, 0, 0], [NATIVE["request_key"], 0, 0, 0, 0]]
    answers = asked("tell([call(*arguments) for arguments in json.loads(sys.argv[1])])", json.dumps(calls))
    expect.equal(answers, ["ENOSYS"] * 3 + ["EPERM"] * 2, "io_uring, pidfd_getfd, request_key")


def test_nothing_is_typed_into_the_terminal():
    """Asked of a descriptor that is not there, so that the kernel's own answer would be EBADF."""
    requests = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCSTI with a high half": 0x5412 | 1 << 32, "TCGETS": 0x5401}
    answers = asked("tell([call(int(sys.argv[1]), 99, int(request), 0) for request in sys.argv[2:]])", str(NATIVE["ioctl"]), *map(str, requests.values()))
    expect.equal(dict(zip(requests, answers)), dict.fromkeys(requests, "EPERM") | {"TCGETS": "EBADF"}, "answers")


def _victim(parent, name):
    """A process of the same user outside, which can be traced, signalled, and asked over an abstract socket."""
    LIBC.prctl(4, 1)  # PR_SET_DUMPABLE, which a change of the user takes away
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        parent.send(os.getpid())
        parent.receive()


def test_other_processes_of_the_user():
    name = f"trustrun-test-{os.getpid()}"
    victim = children.Child(_victim, name, user=scopes.USER)
    victim.receive()
    reach = ("pid = int(sys.argv[1]); tell([call(%d, 0x4206, pid, 0, 0), attempt(open, f'/proc/{pid}/mem', 'rb'), attempt(os.kill, pid, 0), "
             "attempt(lambda: socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[2]))])" % NATIVE["ptrace"])
    outside = children.Program(scopes.PYTHON, "-c", PRELUDE + reach, victim.pid, name, user=scopes.USER)
    output = outside.result()
    expect.equal(json.loads(output)[2:], ["ok", "ok"], "a signal and an abstract socket, outside of the scope")
    inside = asked(reach, str(victim.pid), name)
    is_scoped = landlock() >= 6
    expect.equal(inside[0], "EPERM", "a trace")
    expect.equal(inside[2], "EPERM" if is_scoped else "ok", f"a signal, Landlock {landlock()}")
    expect.equal(inside[3], "EPERM" if is_scoped or is_refused_here() else "ok", f"an abstract socket, Landlock {landlock()}")
    if landlock():
        expect.equal(json.loads(output)[1], "ok", "memory, outside of the scope")
        expect.equal(inside[1], "EACCES", "memory")
    victim.send()


def test_the_scopes_own_processes_are_as_always():
    code = ("pid = os.fork()\n"
            "if not pid: signal.pause()\n"
            "folder = sys.argv[1]; open(folder + '/file', 'w').close(); os.mkdir(folder + '/below')\n"
            "seen = [call(int(sys.argv[2]), 0x4206, pid, 0, 0), attempt(os.rename, folder + '/file', folder + '/below/file'), attempt(os.kill, pid, 9)]\n"
            "os.waitpid(pid, 0); tell(seen)")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, scopes.USER, scopes.USER)
        seen = asked(code, folder, str(NATIVE["ptrace"]))
    expect.equal(seen, ["ok" if landlock() else "EPERM", "ok", "ok"], "a trace, a file into another directory, a signal")


def _in_own_mounts(folder, *command):
    """A command for which `folder` is empty at first."""
    return ["unshare", "-m", "--", "sh", "-c", f'mount -t tmpfs none {folder} && exec "$@"', "sh", *map(str, command)]


LOOKUPS = ("/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve")
STARTERS = (f"/run/user/{scopes.USER}/systemd/private", f"/run/user/{scopes.USER}/bus", f"/run/user/{scopes.USER}/podman/podman.sock", "/run/docker.sock",
            "/run/containerd/containerd.sock")
OF_ROOT = ("/run/systemd/private", "/run/dbus/system_bus_socket")
NO_SERVICE = f"/run/user/{scopes.USER}/of-another"
OF_ANOTHER_USER = "/run/user/1/bus"


def _answers(sockets, *options):
    """What a command of the scope is told that connects to each, all of which somebody serves."""
    code = ("import os, socket, subprocess, sys, threading\n"
            "def serve(one):\n"
            "    while True: one.accept()[0].close()\n"
            "count = int(sys.argv[1])\n"
            "for path in sys.argv[2:2 + count]:\n"
            "    os.makedirs(os.path.dirname(path), exist_ok=True); one = socket.socket(socket.AF_UNIX); one.bind(path); one.listen(); os.chmod(path, 0o777)\n"
            "    threading.Thread(target=serve, args=(one,), daemon=True).start()\n"
            "done = subprocess.run(sys.argv[2 + count:], capture_output=True, text=True)\n"
            "sys.stderr.write(done.stderr); print(done.stdout)")
    inner = "import socket, sys\nfor path in sys.argv[1:]:\n    one = socket.socket(socket.AF_UNIX); print(one.connect_ex(path))"
    run = [scopes.agent_path(), "run", "--policy", scopes.policy(ALLOWED), "--enforce", *options, "--", scopes.PYTHON, "-c", inner, *sockets]
    words = _in_own_mounts("/run", scopes.PYTHON, "-c", code, len(sockets), *sockets, *run)
    user = {} if options else {"SUDO_UID": str(scopes.USER), "SUDO_GID": str(scopes.USER)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=scaled(30), env={**os.environ, **user})
    answers = done.stdout.split()
    expect.equal(len(answers), len(sockets), f"answers: {done.stdout} {done.stderr}")
    return {path: errno.errorcode.get(int(answer), "ok") for path, answer in zip(sockets, answers)}


def test_nobody_outside_looks_up_names_or_starts_programs():
    """What answers at the sockets of nscd, of the user's service manager or of a manager of containers is not there for the command.

    The manager of another user is: only the programs that look at each connection keep members from it.
    """
    hidden = (*LOOKUPS, *STARTERS)
    wanted = {**dict.fromkeys(hidden, "ECONNREFUSED"), NO_SERVICE: "ok", OF_ANOTHER_USER: "EPERM" if is_refused_here() else "ok"}
    expect.equal(_answers(tuple(wanted)), wanted, "connections of the user's command")
    expect.equal(_answers((*OF_ROOT, "/run/docker.sock"), "--as-root"), dict.fromkeys((*OF_ROOT, "/run/docker.sock"), "ECONNREFUSED"), "connections of uid 0's command")


def test_what_is_missing_is_told():
    path = pathlib.Path(tempfile.mkdtemp(prefix="trustrun-test-")) / "events.jsonl"
    cleanup.later(lambda: (path.unlink(missing_ok=True), path.parent.rmdir()))
    os.chown(path.parent, scopes.USER, scopes.USER)
    status, _, errors = finish(scopes.start(scopes.policy(ALLOWED), "true", options=["--events", path]))
    expect.equal(status, 0, f"status; {errors}")
    start = json.loads(path.read_text().splitlines()[0])["enforcement"]
    missing = ([] if landlock() else ["landlock"]) + ([] if landlock() >= 6 else ["landlock_scopes"])
    expect.equal((start["containment"], start.get("containment_missing", [])), ("partial" if missing else "full", missing), "containment")
    expect.equal(errors.count("contained without"), len(missing), f"lines about it: {errors}")


def _as_root(code, *arguments):
    """As `asked`, of uid 0 without capabilities."""
    return asked(code, *arguments, options=["--as-root"])


def test_root_without_capabilities_does_not_find_what_leads_out():
    group, pins = str(cgroups.mount_point()), "/sys/fs/bpf"
    code = ("status = dict(line.split(':\\t', 1) for line in open('/proc/self/status') if ':\\t' in line)\n"
            "def wrote(path): return attempt(lambda: open(path, 'w').write('0'))\n"
            "def listed(path): return os.listdir(path) if os.path.isdir(path) else None\n"
            "own = ['unshare', '-Urm', 'sh', '-c', 'umount -l /sys; umount -l ' + sys.argv[1] + '; echo 0 > ' + sys.argv[1] + '/cgroup.procs']\n"
            "import subprocess\n"
            "tell([os.getuid(), status['CapEff'].strip(), wrote(sys.argv[1] + '/cgroup.procs'), wrote('/proc/sys/kernel/hostname'), wrote('/sys/kernel/uevent_helper'), "
            "listed(sys.argv[2]) or [], attempt(os.listdir, '/run/trustrun'), subprocess.run(own, capture_output=True).returncode])")
    seen = _as_root(code, group, pins)
    expect.equal(seen[:2], [0, "0" * 16], "who it is, and its capabilities")
    expect.true(seen[2] in ("ENOENT", "EACCES", "EROFS"), f"writing to the root group: {seen[2]}")
    expect.equal(seen[3], "EROFS", "writing to /proc/sys")
    expect.true(seen[4] in ("EROFS", "EACCES"), f"writing to /sys: {seen[4]}")
    expect.equal((seen[5], seen[6]), ([], "EACCES"), "pins, and locks")
    expect.true(seen[7] != 0, "leaving by a user namespace")


def test_root_that_stays_is_told():
    path = pathlib.Path(tempfile.mkdtemp(prefix="trustrun-test-")) / "events.jsonl"
    cleanup.later(lambda: (path.unlink(missing_ok=True), path.parent.rmdir()))
    status, _, errors = finish(scopes.start(scopes.policy(ALLOWED), "true", options=["--as-root", "--events", path]))
    expect.equal(status, 0, f"status; {errors}")
    expect.equal(json.loads(path.read_text().splitlines()[0])["enforcement"]["containment"], "best-effort", "containment")
    expect.true("contained as well as uid 0 can be" in errors, f"stderr: {errors}")
