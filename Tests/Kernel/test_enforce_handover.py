# SPDX-License-Identifier: Apache-2.0
"""What would go past the gates: sockets that another process made and hands in, sockets of other families, other processes."""

import ctypes
import functools
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import termios

import cgroups
import children
import cleanup
import expect
import scopes
from settings import HERE, agent_path, scaled
from test_enforce import everywhere
from test_enforce_events import folder, of, read
from test_enforce_life import status, wait_until
from test_enforce_run import finish
from test_enforce_scopes import Client, held

KINDS = ("tcp", "udp", "tcp6", "unix", "file")


def _can_be_loaded():
    """Whether this machine takes the program, without the agent."""
    library = ctypes.CDLL("libbpf.so.1")
    library.libbpf_set_print(None)
    library.bpf_object__open_file.restype = ctypes.c_void_p
    item = ctypes.c_void_p(library.bpf_object__open_file(os.fsencode(HERE / "../../BPF/Objects/handover.bpf.o"), None))
    result = library.bpf_object__load(item)
    library.bpf_object__close(item)
    return result == 0


@functools.cache
def is_refused_here():
    """What `doctor` says of this kernel, held against what loads."""
    done = subprocess.run([agent_path(), "doctor", "--json"], capture_output=True, timeout=scaled(30))
    means = next(entry for entry in json.loads(done.stdout)["enforcement"] if entry["name"] == "handover")
    expect.equal("means" in means, _can_be_loaded(), f"what doctor says: {means}")
    return "means" in means


def _make(kind):
    if kind == "file":
        return os.open("/dev/null", os.O_RDONLY)
    family, form = {"tcp": (socket.AF_INET, socket.SOCK_STREAM), "udp": (socket.AF_INET, socket.SOCK_DGRAM), "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
                    "unix": (socket.AF_UNIX, socket.SOCK_STREAM)}[kind]
    return socket.socket(family, form).detach()


def _hand_out(parent, path):
    """Outside of the scope: a descriptor of each kind to who connects."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(path)
        os.chmod(path, 0o777)
        server.listen()
        parent.send("ready")
        while True:
            with server.accept()[0] as asker:
                for kind in KINDS:
                    descriptor = _make(kind)
                    socket.send_fds(asker, [kind.encode()], [descriptor])
                    os.close(descriptor)


TAKE = f"""
import array, json, os, socket, sys
def take(end):
    text, descriptors, flags, _ = socket.recv_fds(end, 64, 4)
    for descriptor in descriptors: os.close(descriptor)
    return [len(descriptors), bool(flags & socket.MSG_CTRUNC)]
def taken():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        end.connect(sys.argv[1])
        return [take(end) for _ in range({len(KINDS)})]
def own():
    "A socket of the scope, from one of its processes to another."
    mine, theirs = socket.socketpair()
    if os.fork() == 0:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one: socket.send_fds(theirs, [b"x"], [one.fileno()])
        os._exit(0)
    os.wait()
    return take(mine)
print(json.dumps([taken(), own()]), flush=True)
"""


def _path():
    made = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(made.cleanup)
    os.chmod(made.name, 0o755)
    return os.path.join(made.name, "helper")


def _wanted(is_refused):
    came, refused = [1, False], [0, True]
    return [[refused if is_refused and kind in ("tcp", "udp", "tcp6") else came for kind in KINDS], came]


def test_a_command_gets_no_internet_sockets_of_others():
    is_refused, path, events = is_refused_here(), _path(), folder() / "events.jsonl"
    children.Child(_hand_out, path).receive()
    outside = subprocess.run([scopes.PYTHON, "-c", TAKE, path], capture_output=True, text=True, timeout=scaled(20))
    expect.equal(json.loads(outside.stdout), _wanted(False), f"control: what comes outside of the scope; {outside.stderr}")
    program = scopes.start(scopes.policy("allow 10.1.1.1"), scopes.PYTHON, "-c", TAKE, path, options=["--events", events], namespace=everywhere())
    status, output, errors = finish(program)
    expect.equal((status, json.loads(output or "null")), (0, _wanted(is_refused)), f"status, and what came: {errors}")
    told = read(events)
    expect.holds(told[0], enforcement__handover=None if is_refused else "possible")
    expect.equal("sockets that other processes hand in come in" in errors, not is_refused, f"what the summary says: {errors}")
    violations = [(event["attempt"], event["verdict"]["action"]) for event in of(told, "violation", verdict__gate="handover")]
    wanted = [({"kind": "handover", "protocol": protocol, "type": kind}, "block") for protocol, kind in ((6, 1), (17, 2), (6, 1))]
    expect.equal(violations, wanted if is_refused else [], "violations")
    expect.equal("of protocol 6 and type 1, handed in" in errors, is_refused, f"what was refused by the summary: {errors}")


def _take_when_told(parent, path):
    import contextlib
    import io
    import sys
    sys.argv = ["", path]
    while True:
        parent.receive()
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            exec(TAKE, {})
        parent.send(json.loads(text.getvalue()))


def test_a_group_gets_none_with_an_agent_and_without():
    is_refused, path, group = is_refused_here(), _path(), cgroups.Group("a")
    children.Child(_hand_out, path).receive()
    member = children.Child(_take_when_told, path, cgroup=group, user=scopes.USER)

    def came():
        member.send("now")
        return member.receive(20)

    expect.equal(came(), _wanted(False), "what comes before anything is enforced")
    keeper = held(scopes.policy("allow 10.1.1.1"), group)
    expect.equal(came(), _wanted(is_refused), "what comes with an agent")
    keeper.process.kill()
    keeper.process.wait()
    expect.equal(came(), _wanted(is_refused), "without it")
    (name,) = [instance["name"] for instance in status() if instance["scope"] == group.path]
    released = subprocess.run([agent_path(), "release", name], capture_output=True, text=True, timeout=scaled(20))
    expect.equal(released.returncode, 0, f"release: {released.stderr}")
    # The kernel takes programs of functions off in a worker.
    wait_until(lambda: came() == _wanted(False), "sockets to come, when it was released")


def test_what_no_hook_of_control_groups_sees():
    """As root with its capabilities: sockets of other families, and the memory of processes outside."""
    is_refused, group, namespace = is_refused_here(), cgroups.Group("a"), everywhere()
    outside, other = Client(None, namespace, user=None), Client(group, namespace, user=None)
    one = Client(group, namespace, user=None)
    # The file's answer is always EACCES.
    asked = [(("make_socket", socket.AF_PACKET, socket.SOCK_RAW, 0), "EPERM"), (("opens", f"/proc/{outside.pid}/mem", "r+b"), "EACCES")]
    allowed = [("make_socket", socket.AF_UNIX, socket.SOCK_STREAM, 0), ("make_socket", socket.AF_NETLINK, socket.SOCK_RAW, 0),
               ("opens", f"/proc/{outside.pid}/environ", "rb"), ("opens", f"/proc/{other.pid}/mem", "r+b"), ("opens", f"/proc/{one.pid}/mem", "r+b")]
    for step, _ in asked:
        expect.equal(one.ask(*step), "ok", f"control: {step} before anything is enforced")
    keeper = held(scopes.policy("allow 10.1.1.1"), group)
    for step, refusal in asked:
        expect.equal(one.ask(*step), refusal if is_refused else "ok", f"{step} in the scope")
        expect.equal(outside.ask(*step), "ok", f"{step} outside")
    for step in allowed:
        expect.equal(one.ask(*step), "ok", f"{step} in the scope")
    if is_refused:
        keeper.wait_for("violation", pid=one.pid, verdict__gate="socket", attempt__type=socket.SOCK_RAW)
        keeper.wait_for("violation", pid=one.pid, verdict__gate="process", attempt={"kind": "process", "by": "access"})


def test_abstract_sockets_of_processes_outside():
    """No permissions keep them; those in the file system, and the scope's own, are as always."""
    is_refused, group, namespace = is_refused_here(), cgroups.Group("a"), everywhere()
    outside, other, one = (Client(where, namespace) for where in (None, group, group))
    name = f"@trustrun-test-{os.getpid()}-"
    for kind in ("stream", "packets", "datagrams"):
        expect.equal(outside.ask("serves_unix", kind, name + kind), "ok", f"{kind} outside")
        expect.equal(other.ask("serves_unix", kind, f"{name}own-{kind}"), "ok", f"{kind} in the scope")
    path = _path()
    os.chmod(os.path.dirname(path), 0o777)
    expect.equal(outside.ask("serves_unix", "stream", path), "ok", "a socket in the file system")
    asked = [("stream", name + "stream"), ("packets", name + "packets"), ("datagrams", name + "datagrams"), ("datagrams", name + "datagrams", False)]
    allowed = [("stream", path), *((kind, address.replace(name, name + "own-"), *more) for kind, address, *more in asked)]
    for step in (*asked, *allowed):
        expect.equal(one.ask("asks_unix", *step), "ok", f"control: {step} before anything is enforced")
    keeper = held(scopes.policy("allow 10.1.1.1"), group)
    for step in asked:
        expect.equal(one.ask("asks_unix", *step), "EPERM" if is_refused else "ok", f"{step} in the scope")
        expect.equal(outside.ask("asks_unix", *step), "ok", f"{step} outside")
    for step in allowed:
        expect.equal(one.ask("asks_unix", *step), "ok", f"{step} in the scope")
        expect.equal(outside.ask("asks_unix", *step), "ok", f"{step} from outside")
    if is_refused:
        keeper.wait_for("violation", pid=one.pid, verdict__gate="process", attempt={"kind": "process", "by": "abstract_socket"})
    else:
        keeper.said("nor are its processes kept from sockets that are not internet ones, and from memory, abstract unix sockets, terminals and service managers of others")


def _folder(path):
    """Makes what is missing of a folder; it goes with the test."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=0o755)
            cleanup.later(folder.rmdir)
    cleanup.later(lambda: [left.unlink() for left in path.iterdir() if left.is_socket()])


def test_services_that_look_up_names_or_start_programs():
    """By the path that they are bound to; others in the file system are as always."""
    is_refused, group, namespace = is_refused_here(), cgroups.Group("a"), everywhere()
    outside, one = Client(None, namespace, user=None), Client(group, namespace)
    everybodys = [f"/run/user/{scopes.USER}/systemd/private", f"/run/user/{scopes.USER}/bus", "/run/crio/crio.sock", "/var/run/containerd/containerd.sock"]
    others = [f"/run/user/{scopes.USER}/systemd/private2", f"/run/user/{scopes.USER}/b", f"/run/user/{scopes.USER}a/bus", "/run/crio/bus"]
    asked = [path for path in everybodys if not os.path.exists(path)]
    expect.true(len(asked) > 2, f"this machine has {set(everybodys) - set(asked)}")
    for path in (*asked, *others):
        _folder(pathlib.Path(path).parent)
        expect.equal(outside.ask("serves_unix", "stream", path), "ok", path)
        expect.equal(one.ask("asks_unix", "stream", path), "ok", f"control: {path} before anything is enforced")
    keeper = held(scopes.policy("allow 10.1.1.1"), group)
    for path in asked:
        expect.equal(one.ask("asks_unix", "stream", path), "EPERM" if is_refused else "ok", f"{path} in the scope")
        expect.equal(outside.ask("asks_unix", "stream", path), "ok", f"{path} outside")
    for path in others:
        expect.equal(one.ask("asks_unix", "stream", path), "ok", f"{path} in the scope")
    if is_refused:
        keeper.wait_for("violation", pid=one.pid, verdict__gate="process", attempt={"kind": "process", "by": "service"})


def test_bytes_typed_into_a_terminal():
    """As root with its capabilities, which types where the kernel lets nobody else. Asked of /dev/null, which answers ENOTTY."""
    is_refused, group, namespace = is_refused_here(), cgroups.Group("a"), everywhere()
    outside, one = (Client(where, namespace, user=None) for where in (None, group))
    asked = [termios.TIOCSTI, 0x541C]  # TIOCLINUX
    for request in asked:
        expect.equal(one.ask("controls", request), "ENOTTY", f"control: {request:#x} before anything is enforced")
    keeper = held(scopes.policy("allow 10.1.1.1"), group)
    for request in asked:
        expect.equal(one.ask("controls", request), "EPERM" if is_refused else "ENOTTY", f"{request:#x} in the scope")
        expect.equal(outside.ask("controls", request), "ENOTTY", f"{request:#x} outside")
    expect.equal(one.ask("controls", termios.TCGETS), "ENOTTY", "another request in the scope")
    if is_refused:
        keeper.wait_for("violation", pid=one.pid, verdict__gate="process", attempt={"kind": "process", "by": "terminal"})
