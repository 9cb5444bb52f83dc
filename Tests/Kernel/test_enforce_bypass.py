# SPDX-License-Identifier: Apache-2.0
"""Ways around the connect gate, each with a control that gets through."""

import socket

import cgroups
import children
import expect
import scopes
from settings import workload
from test_enforce import EPERM, everywhere, expect_answers

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


def test_other_sockets_are_not_made():
    namespace = everywhere()
    namespace.set("net.ipv4.ping_group_range", "0 2147483647")
    inet, inet6, stream, datagram, raw, packets = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET
    others = [(stream, 262), (datagram, 136), (datagram, 1), (stream, 132), (packets, 132), (raw, 255), (raw, 1), (6, 33)]
    # What this kernel has at all, and an ordinary user may make, outside of the scope.
    possible = [(family, *other) for family in (inet, inet6) for other in others
                if children.Child(_can_make, family, *other, namespace=namespace, user=scopes.USER).result()]
    expect.true((inet, datagram, 1) in possible, f"kinds that can be made: {possible}")
    table = [("ok", "make_socket", family, kind, 0) for family in (inet, inet6) for kind in (stream, datagram)]
    table += [("ok", "make_socket", socket.AF_UNIX, stream, 0), ("ok", "make_socket", 16, raw, 0)]
    table += [(EPERM, "make_socket", *kind) for kind in possible]
    # Root of a user namespace of its own may make raw sockets in a network namespace of its own.
    table += [(EPERM, "unshared", CLONE_NEWUSER | CLONE_NEWNET, "make_socket", inet, raw, 255)]
    expect_answers(scopes.policy("allow 10.1.0.0/16"), table, namespace)


def _can_make(parent, family, kind, protocol):
    try:
        socket.socket(family, kind, protocol).close()
        return True
    except OSError:
        return False


def test_options_that_change_the_route_are_refused():
    inet, inet6, stream, datagram = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
    header = "0000040000000000"
    table = [(EPERM, "set_option", inet, stream, 0, 4, "01010101"), (EPERM, "set_option", inet, datagram, 0, 4, "01010101"),
             (EPERM, "set_option", inet, stream, 1, 60, "01000000"), (EPERM, "set_option", inet6, stream, 6, 31, "736d63")]
    table += [(EPERM, "set_option", inet6, kind, 41, option, header) for kind in (stream, datagram) for option in (6, 54, 55, 57, 59)]
    table += [("ok", "set_option", inet, stream, 6, 1, "01000000"), ("ok", "set_option", inet, stream, 1, 9, "01000000"),
              ("ok", "set_option", inet6, stream, 41, 26, "01000000"), ("ok", "set_option", inet6, datagram, 41, 49, "01000000")]
    # Not the gate's business however long: the kernel's own answer.
    table += [(None, "set_long_option", size) for size in (8, 4096, 5000, 70000)]
    expect_answers(scopes.policy("allow 10.1.0.0/16"), table)


def test_packets_with_extension_headers_do_not_leave():
    there = ["fd00:1::1", 443]
    hop = bytes([0, 2, 4, 1, 0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, "fd00:2::1")
    table = [
        (None, "sendmsg_with", 41, 57, hop.hex(), *there),  # IPV6_RTHDR: the kernel or the gate refuses, see below
        ("ok", "sendto", *there),
        ("ok", "sendmsg_with", 0, 1, "10000000", "10.1.1.1", 443),  # IP_TOS
        (EPERM, "sendmsg_with", 0, 7, "01010101", "10.1.1.1", 443),  # IP_RETOPTS
        # IPV6_DSTOPTS and IPV6_RTHDRDSTOPTS: privileged, IPV6_RTHDR of type 4 is not where it is known
    ]
    answers = scopes.attempts(scopes.policy('allow "fd00:1::/32"', "allow 10.1.1.1"), *[list(row[1:]) for row in table], namespace=everywhere())
    expect.equal(answers[1:], [row[0] for row in table[1:]], "answers")
    expect.true(answers[0] != "ok", "a packet with a routing header left")


def test_port_53_is_not_for_the_scope():
    namespace = everywhere()
    namespace.set("net.ipv4.ip_unprivileged_port_start", 0)
    stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    table = [(EPERM, "bind", kind, address, 53) for kind in (stream, datagram) for address in ("127.0.0.1", "::1", "0.0.0.0", "::")]
    table += [("ok", "bind", kind, address, port) for kind in (stream, datagram) for address in ("127.0.0.1", "::1") for port in (0, 54, 5353)]
    expect_answers(scopes.policy("allow 127.0.0.0/8"), table, namespace)


def test_namespaces_do_not_help():
    table = []
    for flags in (CLONE_NEWUSER, CLONE_NEWUSER | CLONE_NEWNET):
        # In a network namespace of its own there is no route where the gate lets it through.
        table += [(None, "unshared", flags, "tcp", "10.1.1.1", 443), (EPERM, "unshared", flags, "tcp", "10.2.1.1", 443),
                  (EPERM, "unshared", flags, "sendto", "10.2.1.1", 443)]
    expect_answers(scopes.policy("allow 10.1.0.0/16"), table)


def test_the_scope_cannot_be_left():
    root = cgroups.mount_point() / "cgroup.procs"
    answers = scopes.attempts(scopes.policy("allow 10.1.0.0/16"), ["leave", str(root)], ["tcp", "10.1.1.1", 443], ["tcp", "10.2.1.1", 443],
                              namespace=everywhere())
    expect.equal((answers[0], answers[1] == EPERM, answers[2]), ("EACCES", False, EPERM), "leaving, a control, what is refused")


def _by_io_uring(how):
    steps = [["run", workload("io_uring_connect"), how, "127.0.0.1", str(port)] for port in (4600, 4601)]
    answers = scopes.attempts_of_member(scopes.policy("allow 127.0.0.1, ports: 4600"), *steps, namespace=everywhere())
    if answers[0][0] == 77:
        raise expect.Skip("io_uring is not there or switched off")
    # Nobody listens.
    for answer, wanted in zip(answers, ("Connection refused", "Operation not permitted")):
        expect.true(wanted in answer[1], f"io_uring's connect, {how}: {answer}, wanted {wanted}")


def test_io_uring():
    _by_io_uring("plain")


def test_io_uring_by_kernel_workers():
    _by_io_uring("async")


def test_io_uring_by_the_polling_thread():
    _by_io_uring("sqpoll")
