# SPDX-License-Identifier: Apache-2.0
"""The table of attempts. A row is tried by each of `who`, outside of the scope (it must arrive), inside (nothing may), and inside to where one
may send (it must arrive)."""

import ctypes
import dataclasses
import functools
import json
import pathlib
import socket
import subprocess

import scopes
from settings import agent_path, scaled, workload

STREAM, DATAGRAM, RAW, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET
EVERYBODY = ("user", "root", "container")
MEMBER = "member"  # the same user in the scope's group, as with `--scope`: without what `run` adds
LIBC = ctypes.CDLL(None)
SYS_LANDLOCK_CREATE_RULESET, LANDLOCK_VERSION = 444, 1
SECCOMP = -1  # for `contained`: on every kernel


def landlock():
    """The version of this kernel's interface; 0: none."""
    return max(0, LIBC.syscall(SYS_LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_VERSION))


@functools.cache
def changes_returns():
    """What `doctor` says of this machine, from which the session and the summary of a command say the same."""
    done = subprocess.run([agent_path(), "doctor", "--json"], capture_output=True, timeout=scaled(30))
    return any(entry["name"] == "handover" and "means" in entry for entry in json.loads(done.stdout)["enforcement"])


@functools.cache
def sees_what_is_sent_later():
    return changes_returns() or b"\0btf_trace_sock_send_length\0" in pathlib.Path("/sys/kernel/btf/vmlinux").read_bytes()


@functools.cache
def listed_unix_sockets():
    """What the policy lists besides those of the tests; None: it lists none, and any is reached."""
    if not scopes.INHERITED:
        return [] if changes_returns() else None
    done = subprocess.run([agent_path(), "policy", "show", "--json", "--policy", scopes.INHERITED], capture_output=True, timeout=scaled(30), check=True)
    return json.loads(done.stdout)["settings"].get("unix_sockets", {}).get("value")


CLOSED = {"unix_sockets": lambda: listed_unix_sockets() is not None, "handover": changes_returns, "later": sees_what_is_sent_later}


@dataclasses.dataclass(frozen=True)
class Attempt:
    name: str
    way: str
    gate: str  # what stops it
    arguments: dict = dataclasses.field(default_factory=dict)
    kind: str = "v4"  # of the address: see world.Places
    who: tuple = EVERYBODY
    counts: str = "both"  # what counts as arrived: the `marker`, the `address`, or both
    has_control: bool = True  # whether it gets through, inside, to where one may send
    is_optional: bool = False  # kernels and users may lack it: then it must fail outside as well, with an errno
    open: str = ""  # why it gets through, where it is known to
    open_for: tuple = (*EVERYBODY, MEMBER)
    closed_by: str = ""  # of CLOSED: refused all the same where the kernel has what it takes
    contained: int = 0  # from which version of Landlock on `run` refuses the user such a call, wherever it leads; 0: it does not
    needs: str = ""  # of the harness: caller, helper, root group
    peers: str = ""  # whom it is known to get past

    def is_contained(self, who):
        return who == "user" and self.contained != 0 and landlock() >= self.contained

    def is_open(self, who):
        return bool(self.open) and who in self.open_for and not self.is_contained(who) and not (self.closed_by and CLOSED[self.closed_by]())


def _rows(kinds, name, way, gate, **fields):
    for kind in kinds:
        yield Attempt(f"{name}, {kind.replace('v', 'IPv')}" if len(kinds) > 1 else name, way, gate, kind=kind, **fields)


BOTH = ("v4", "v6")
CONNECT, DATA, SOCKET, OPTION, PACKET, BIND, INBOUND = "connect4/6", "sendmsg4/6", "sock_create", "setsockopt", "egress", "post_bind", "ingress"
FILTER, DOMAIN = "`run`: seccomp", "`run`: Landlock"
HANDOVER = "fmod_ret/security_file_receive; else all calls and packets of members"
LATER = "fmod_ret/security_file_receive; else sock_send_length, since 6.3"
ACCESS = "fmod_ret/security_ptrace_access_check"
UNIX = "fmod_ret/security_unix_stream_connect"
IOCTL = "fmod_ret/security_file_ioctl"
FAMILY = "fmod_ret/security_socket_create"
MEMBER_CALL = "sock_create of members"


def _tcp():
    yield from _rows(BOTH, "TCP connect", "tcp", CONNECT, peers="assay: IPv4 alone")
    yield from _rows(BOTH, "TCP connect, non-blocking", "tcp", CONNECT, arguments={"nonblocking": True})
    yield Attempt("TCP connect after bind", "tcp", CONNECT, {"bound": True})
    yield Attempt("TCP connect, SO_BINDTODEVICE", "tcp", CONNECT, {"device": True})
    yield Attempt("TCP connect, SO_MARK", "tcp", CONNECT, {"option": [1, 36, 7]}, is_optional=True)
    yield Attempt("TCP connect, IP_FREEBIND", "tcp", CONNECT, {"option": [0, 15, 1]})
    yield Attempt("TCP connect, IP_TRANSPARENT", "tcp", CONNECT, {"option": [0, 19, 1]}, is_optional=True)
    yield Attempt("TCP connect, SO_REUSEPORT", "tcp", CONNECT, {"option": [1, 15, 1], "bound": True})
    yield Attempt("TCP connect, IPv4-mapped", "tcp", CONNECT, {"form": "::ffff:{}"}, peers="agentsh: connect6 does not unmap")
    yield Attempt("TCP connect, NAT64", "tcp_embedded", CONNECT, {"prefix": "64:ff9b::"})
    yield Attempt("TCP connect, NAT64 for local use", "tcp_embedded", CONNECT, {"prefix": "64:ff9b:1::"}, has_control=False)
    yield Attempt("TCP connect, 6to4", "tcp_embedded", CONNECT, {"prefix": "2002:", "tail": "::1"}, has_control=False)
    for kind in ("zero4", "zero6", "loop4", "loop6"):
        names = {"zero4": "0.0.0.0", "zero6": "::", "loop4": "127.0.0.1", "loop6": "::1"}
        yield Attempt(f"TCP connect to {names[kind]}", "tcp", CONNECT, kind=kind, counts="marker", has_control=False)
        yield Attempt(f"UDP sendto {names[kind]}", "sendto", DATA, kind=kind, counts="marker", has_control=False)
    yield Attempt("TCP connect to a link-local address", "tcp", CONNECT, kind="link6", counts="marker", has_control=False)
    yield Attempt("TCP connect on the link: address resolution", "tcp", CONNECT, {"nonblocking": True}, kind="link4", counts="address")
    yield from _rows(BOTH, "Fast Open, MSG_FASTOPEN", "tcp_fastopen", CONNECT, peers="Landlock and other hooks at socket_connect")
    yield Attempt("Fast Open, IPv4-mapped", "tcp_fastopen", CONNECT, {"form": "::ffff:{}"})
    yield from _rows(BOTH, "Fast Open, TCP_FASTOPEN_CONNECT", "tcp_fastopen_connect", CONNECT)
    yield Attempt("Fast Open, put off and turned", "tcp_fastopen_again", CONNECT, counts="address")
    yield from _rows(BOTH, "TCP reconnect after AF_UNSPEC", "tcp_again", CONNECT)
    yield Attempt("TCP connect, raced by threads", "tcp_raced", CONNECT, counts="address")
    yield Attempt("TCP simultaneous open", "tcp_simultaneous", CONNECT, counts="address")
    yield Attempt("TCP_REPAIR", "repair", CONNECT, is_optional=True, has_control=False)
    yield from _rows(BOTH, "accept from who may not", "inbound", INBOUND, needs="caller")


def _udp():
    yield from _rows(BOTH, "UDP sendto", "sendto", DATA, peers="harden-runner before 2.14.2 (CVE-2026-25598)")
    yield from _rows(BOTH, "UDP sendmsg", "sendmsg", DATA, peers="the same")
    yield from _rows(BOTH, "UDP sendmmsg, the second to where it may not", "sendmmsg", DATA, peers="the same")
    yield Attempt("UDP sendto, AF_UNSPEC", "sendto_unspecified", DATA)
    yield Attempt("UDP sendto, IPv4-mapped", "sendto", DATA, {"form": "::ffff:{}"})
    yield Attempt("UDP sendto, NAT64", "udp_embedded", DATA, {"prefix": "64:ff9b::"})
    yield Attempt("UDP sendto, IPv4 address on an IPv6 socket", "sendto_ipv4_of_ipv6", DATA)
    yield Attempt("UDP connect, IPv4 address on an IPv6 socket", "sendto_ipv4_of_ipv6", PACKET, {"connects": True})
    yield Attempt("UDP sendto on the link: address resolution", "sendto", DATA, kind="link4", counts="address")
    yield Attempt("UDP sendto a link-local address", "sendto", DATA, kind="link6", counts="marker", has_control=False)
    yield from _rows(BOTH, "UDP connect and send", "udp", PACKET, peers="hol-guard: UDP/443")
    yield Attempt("UDP connect and send, IPv4-mapped", "udp", PACKET, {"form": "::ffff:{}"})
    for how in ("write", "writev", "sendmmsg", "more", "cork", "segment", "segment by cmsg", "sendfile", "splice", "vmsplice", "tee"):
        yield Attempt(f"UDP connect, {how}", "udp", PACKET, {"how": how}, is_optional="segment" in how)
    yield from _rows(BOTH, "UDP connect, send with a traffic class", "udp", PACKET, arguments={"how": "class by cmsg"})
    yield Attempt("UDP connect, MSG_ZEROCOPY", "udp", OPTION, {"how": "zerocopy"}, has_control=False, is_optional=True)
    yield Attempt("UDP sendto, UDP_SEGMENT", "sendto", DATA, {"options": [[17, 103, 4]]}, is_optional=True, counts="address")
    for how in ("sendto", "connect", "disconnect"):
        yield Attempt(f"UDP turned: {how}", "udp_turned", f"{DATA}, {PACKET}", {"how": how})
    # Where connect() takes what is queued along differs between the two families.
    yield Attempt("UDP turned: queued for one, sent to the other", "udp_turned", PACKET, {"how": "queued here"}, counts="address", has_control=False)
    yield Attempt("UDP turned: queued where it may not, IPv6", "udp_turned", PACKET, {"how": "queued there"}, kind="v6", counts="address",
                  has_control=False, is_optional=True)
    yield Attempt("UDP turned after IPV6_ADDRFORM", "udp_form", PACKET)
    yield Attempt("UDP turned by threads while it sends", "udp_raced", PACKET, {"program": workload("udp_turn")}, counts="address",
                  who=("user",))
    yield Attempt("UDP, SO_REUSEPORT group", "udp_group", f"{DATA}, {PACKET}")
    yield from _rows(("group4", "group6"), "multicast datagram", "multicast", DATA)
    yield Attempt("broadcast datagram", "broadcast", DATA, kind="broadcast", counts="marker", has_control=False)
    yield Attempt("datagrams beyond the path's MTU, fragments", "probe", DATA)


def _options():
    for by in ("option", "cmsg"):
        yield Attempt(f"IPv4 source route by {by}", "source_route", OPTION if by == "option" else PACKET, {"by": by}, is_optional=True,
                      counts="address", has_control=False)
    yield Attempt("IPv4 source route of TCP", "source_route_tcp", OPTION, is_optional=True, counts="address", has_control=False)
    for kind in (0, 2, 4):
        for by in ("option", "old options", "cmsg"):
            yield Attempt(f"IPv6 routing header {kind} by {by}", "routing_header", OPTION if by != "cmsg" else PACKET, {"kind": kind, "by": by},
                          kind="v6", is_optional=True, counts="address", has_control=False)
    for option, name in ((54, "hop-by-hop"), (59, "destination"), (55, "routing destination")):
        for by in ("option", "cmsg"):
            yield Attempt(f"IPv6 {name} options by {by}", "extension_header", OPTION if by == "option" else PACKET,
                          {"option": option, "by": by}, kind="v6", is_optional=True, has_control=False)
    for what, kind in (("source", "v4"), ("lifetime", "v4"), ("time", "v4"), ("source6", "v6"), ("flow", "v6")):
        yield Attempt(f"UDP sendmsg, cmsg: {what}", "with_cmsg", DATA, {"what": what}, kind=kind, is_optional=what == "flow")
    yield Attempt("IPv6 flow label of its own", "flow_label", DATA, kind="v6", is_optional=True)
    for how, kind in (("mreq", "group4"), ("group", "group4"), ("source", "group4"), ("group source", "group4"), ("mreq6", "group6"),
                      ("group", "group6"), ("group source", "group6")):
        yield Attempt(f"data in a multicast join: {how}, {kind}", "join", OPTION, {"how": how}, kind=kind, counts="address", has_control=False)
    yield Attempt("IPv6 anycast join", "join_anycast", OPTION, kind="v6", is_optional=True, counts="address", has_control=False)
    for name in ("smc", "espintcp"):
        yield Attempt(f"TCP_ULP {name}", "upper_layer", OPTION, {"name": name}, is_optional=True, has_control=False)


def _kinds():
    def inet(name, kind, protocol, connects=True, kinds=BOTH):
        return _rows(kinds, name, "transport", SOCKET, arguments={"kind": kind, "protocol": protocol, "connects": connects},
                     is_optional=True, counts="address", has_control=False)

    yield from inet("MPTCP", STREAM, 262)
    yield from inet("SCTP", STREAM, 132)
    yield from inet("SCTP, one to many", SEQPACKET, 132, False)
    yield from inet("UDP-Lite", DATAGRAM, 136, False)
    yield from inet("DCCP", 6, 33)
    yield from inet("SMC over TCP's own socket", STREAM, 256, kinds=("v4",))
    yield from inet("L2TP over IP", DATAGRAM, 115, False)
    yield from _rows(BOTH, "ping socket", "ping", SOCKET, is_optional=True, has_control=False)
    for protocol, name in ((255, "header of its own"), (1, "ICMP"), (253, "another protocol"), (17, "UDP")):
        yield from _rows(BOTH, f"raw socket, {name}", "raw", SOCKET, arguments={"protocol": protocol}, is_optional=True, has_control=False,
                         peers="BullFrog")
    reason = "packet sockets pass no hook of control groups, and need CAP_NET_RAW, which `run` takes"
    for kind, name in ((RAW, "raw"), (DATAGRAM, "cooked")):
        yield Attempt(f"packet socket, {name}", "packet", FAMILY, {"kind": kind}, is_optional=True, has_control=False, open=reason,
                      closed_by="handover", open_for=("container",))
    everybody = (*EVERYBODY, MEMBER)
    yield Attempt("vsock", "vsock", f"{FILTER}; {FAMILY}", counts="marker", is_optional=True, has_control=False, who=everybody, contained=SECCOMP,
                  open="sockets that are no internet sockets pass no hook of control groups", closed_by="handover", peers="mvm")
    yield Attempt("PPP over Ethernet", "pppoe", f"{FILTER}; {FAMILY}", counts="marker", is_optional=True, has_control=False, who=everybody, contained=SECCOMP,
                  open="as vsock", closed_by="handover")
    for kind in BOTH:
        yield Attempt(f"SMC, {kind.replace('v', 'IPv')}", "smc", CONNECT, kind=kind, is_optional=True, has_control=False)
    yield Attempt("tun device", "tunnel", "no capability", counts="answer", is_optional=True, has_control=False)
    yield Attempt("AF_XDP", "queue", FAMILY, counts="answer", is_optional=True, has_control=False,
                  open="as packet sockets; binding it to a queue needs CAP_NET_RAW", closed_by="handover", open_for=("container",))
    for name, family, kind, protocol in (("RDS", 21, SEQPACKET, 0), ("RxRPC", 33, DATAGRAM, 2), ("TIPC", 30, STREAM, 0), ("KCM", 41, SEQPACKET, 0),
                                         ("Bluetooth", 31, RAW, 1), ("L2TP by PPPoX", 24, DATAGRAM, 1), ("QRTR", 42, DATAGRAM, 0)):
        yield Attempt(f"{name} socket made", "made", f"{FILTER}; {FAMILY}", {"family": family, "kind": kind, "protocol": protocol}, counts="answer",
                      is_optional=True, has_control=False, who=everybody, contained=SECCOMP, open="as vsock", closed_by="handover")
    yield Attempt("neighbour probe by netlink", "kernel_messages", "no capability", kind="link4", counts="address", is_optional=True,
                  has_control=False)


def _processes():
    yield Attempt("threads", "threads", CONNECT)
    yield Attempt("fork", "fork", CONNECT)
    yield Attempt("double fork into another session", "orphan", CONNECT)
    yield Attempt("exec, and by the dynamic loader", "execute", CONNECT)
    yield Attempt("user, group and process namespaces", "user_namespace", CONNECT, is_optional=True)
    yield Attempt("sockets kept into a network namespace", "network_namespace_kept", CONNECT, is_optional=True)
    yield Attempt("leaving the control group", "leave", MEMBER_CALL, needs="root group", has_control=False, is_optional=True)
    yield Attempt("writing to the gates' pins and maps", "pins", "owner of the pins", needs="pins", counts="answer", has_control=False, is_optional=True,
                  open="CAP_DAC_OVERRIDE opens any file; a container sees no BPF file system, and `run` takes the capability", open_for=("container",))
    yield Attempt("clone3 into another group", "clone_into", MEMBER_CALL, needs="root group", has_control=False, is_optional=True)
    for how in ("plain", "async", "sqpoll", "fixed", "fixed-sqpoll"):
        for operation in ("tcp", "udp", "connected", "zero", "message-zero", "made"):
            if how != "plain" and operation in ("zero", "message-zero", "made"):
                continue
            gates = CONNECT if operation in ("tcp", "made") else f"{DATA}, {PACKET}"
            yield Attempt(f"io_uring {how}: {operation}", "ring", f"{FILTER}; {gates}",
                          {"how": how, "operation": operation, "program": workload("io_uring_send")}, is_optional=True,
                          who=(*EVERYBODY, MEMBER), contained=SECCOMP,
                          peers="watchers of system calls" if how == "plain" else "")


def _handed():
    why = "a socket keeps the control group that it was born in, and what it sends later is nobody's call"
    his = "what another process does is that one's"
    both = ("user", MEMBER)
    for kind in ("stream", "datagram", "connected", "open", "corked"):
        is_later, gate = kind == "corked", LATER if kind == "corked" else HANDOVER
        fields = {"needs": "helper", "has_control": False, "closed_by": "later" if is_later else "", "open": why if is_later else "",
                  "counts": "marker" if kind in ("open", "corked") else "both"}  # the other process connects
        yield Attempt(f"a socket passed in: {kind}", "passed", gate, {"kind": kind}, **fields)
        yield Attempt(f"a socket taken by pidfd_getfd: {kind}", "taken", f"{FILTER}; {gate}", {"kind": kind}, who=both, is_optional=True,
                      contained=SECCOMP, **fields)
    yield Attempt("a socket passed in over an abstract unix socket", "passed", f"{HANDOVER}; {DOMAIN}, since 6.12; {UNIX}", {"kind": "datagram"},
                  needs="abstract helper", who=both, has_control=False, contained=6)
    yield Attempt("memory of another process, which sends", "written_into", f"{DOMAIN}, since 5.19; {ACCESS}; else Yama", needs="helper",
                  who=both, has_control=False, is_optional=True, contained=2, open=his, closed_by="handover")
    yield Attempt("another process asked to send", "delegated", f"{UNIX}: unix_sockets", needs="unlisted helper", has_control=False, open=his,
                  closed_by="unix_sockets")
    yield Attempt("another process asked to send over an abstract unix socket", "delegated", f"{DOMAIN}, since 6.12; {UNIX}",
                  needs="abstract helper", who=both, has_control=False, contained=6, open=his, closed_by="handover")
    yield Attempt("a command typed into another's terminal, TIOCSTI", "typed", f"{FILTER}; {IOCTL}; else, since 6.2, a setting", needs="helper", who=both,
                  has_control=False, is_optional=True, contained=SECCOMP, open=his, closed_by="handover")
    yield Attempt("the user's service manager asked to send, as by systemd-run --user", "delegated", f"`run`: hidden sockets; {UNIX}", needs="manager",
                  who=both, has_control=False, contained=SECCOMP, open=his, closed_by="handover")
    yield Attempt("a socket of the scope used from outside", "given_away", DATA, needs="helper")


ATTEMPTS = [*_tcp(), *_udp(), *_options(), *_kinds(), *_processes(), *_handed()]
OF_SESSIONS = [Attempt("TCP and UDP all the time", "hammer", "all", kind="v4", has_control=False)]


def table(attempts):
    """The rows for the README, in Markdown."""
    lines = ["| attempt | who tries | what stops it | known to get past |", "|---|---|---|---|"]
    for attempt in attempts:
        stops = attempt.gate
        if attempt.open:
            free = [who for who in attempt.who if who in attempt.open_for and not (who == "user" and attempt.contained)]
            whom = f" for {', '.join(free)}" if free != list(attempt.who) else ""
            text = f"**open**{' where the kernel lacks that' if attempt.closed_by else ''}{whom}: {attempt.open}"
            stops = text if attempt.gate.startswith("none") or not (whom or attempt.closed_by) else f"{stops}; {text}"
        lines.append(f"| {attempt.name} | {', '.join(attempt.who)} | {stops} | {attempt.peers} |")
    return "\n".join(lines)
