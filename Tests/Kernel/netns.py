# SPDX-License-Identifier: Apache-2.0
"""Network namespaces and the cables between them.

A namespace here has no name in the file system: it lives as long as the process that holds it, which dies with the
test or, whatever happens, with the runner. So nothing can be left behind.
"""

import os

import children
import expect

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
CLONE_NEWPID = 0x20000000


def unshare(flags):
    children.check(children.LIBC.unshare(flags), "unshare")


def _hold(parent):
    unshare(CLONE_NEWNET)
    parent.send("ready")
    parent.receive()


class Namespace:
    def __init__(self):
        self.holder = children.Child(_hold)
        expect.equal(self.holder.receive(), "ready", "the namespace's holder")
        self.path = f"/proc/{self.holder.pid}/ns/net"
        self.inode = os.stat(self.path).st_ino
        self.set("net.ipv6.conf.default.accept_dad", 0)  # addresses are usable at once
        self.ip("link set lo up")

    def enter(self):
        """Moves the calling process in."""
        fd = os.open(self.path, os.O_RDONLY)
        children.check(children.LIBC.setns(fd, CLONE_NEWNET), "setns")
        os.close(fd)

    def run(self, *command):
        return children.Program(*command, namespace=self).result()

    def ip(self, arguments):
        return self.run("ip", *arguments.split())

    def set(self, name, value):
        """Sets a sysctl of the namespace."""
        children.Child(_write, "/proc/sys/" + name.replace(".", "/"), str(value), namespace=self).result()

    def add_address(self, address, device="lo"):
        """Adds `address/length`; IPv6 ones are usable at once."""
        self.ip(f"address add {address} dev {device}" + (" nodad" if ":" in address else ""))


def _write(parent, path, text):
    with open(path, "w") as file:
        file.write(text)


class Cable:
    """A veth pair between two namespaces: `veth0` in both, 10.77.NUMBER.1 and fd77:NUMBER::1 left, .2 and ::2 right."""

    def __init__(self, left, right, number, device="veth0"):
        self.left, self.right, self.device = left, right, device
        left.ip(f"link add {device} type veth peer name {device} netns {right.holder.pid}")
        for namespace in (left, right):
            namespace.ip(f"link set {device} up")
        for end, namespace in ((1, left), (2, right)):
            namespace.add_address(f"10.77.{number}.{end}/24", device)
            namespace.add_address(f"fd77:{number}::{end}/64", device)
        self.left4, self.right4 = f"10.77.{number}.1", f"10.77.{number}.2"
        self.left6, self.right6 = f"fd77:{number}::1", f"fd77:{number}::2"
        self.subnet = f"10.77.{number}"

    def swallow(self, address):
        """Packets from the left to this address leave and are never answered: nobody has that link-layer address."""
        self.left.ip(f"neighbour replace {address} lladdr 02:00:00:00:de:ad nud permanent dev {self.device}")

    def deliver(self, address):
        """Undoes `swallow`."""
        self.left.ip(f"neighbour delete {address} dev {self.device}")

