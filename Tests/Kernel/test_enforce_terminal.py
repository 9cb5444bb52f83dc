# SPDX-License-Identifier: Apache-2.0
"""A command under `run` that somebody sits before: it has a terminal of its own."""

import fcntl
import os
import re
import select
import signal
import struct
import termios
import time

import children
import cleanup
import expect
import scopes
from harness import each_guest
from settings import agent_path, scaled
from test_enforce_run import ALLOWED

GUESTS_SHARE = True


class Outer:
    """A terminal with `run` in the foreground of its session, as in a shell."""

    def __init__(self, *command, before="", rows=33, columns=99):
        self.master, slave = os.openpty()
        self.name = os.ttyname(slave)
        self.shown = ""
        self.resize(rows, columns)
        self.settings = termios.tcgetattr(slave)
        self.slave = slave
        cleanup.later(os.close, self.master)
        cleanup.later(os.close, slave)
        # The agent is not the session's leader, as it is not in a shell.
        shell = f'{before} "$@"; echo "status $?"'
        words = [agent_path(), "run", "--policy", scopes.policy(ALLOWED), "--enforce", "--", *command]
        self.program = children.Program("sh", "-c", shell, "sh", *words, stdin=slave, stdout=slave, stderr=slave, before=self._take,
                                        env={**os.environ, "SUDO_UID": str(scopes.USER), "SUDO_GID": str(scopes.USER), "TERM": "vt100"})

    @staticmethod
    def _take():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, pattern, seconds=10):
        """What matches, of what was shown since the last match."""
        deadline = time.monotonic() + scaled(seconds)
        while not (found := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                expect.fail(f"{pattern!r} is not shown: {self.shown!r}")
            self.shown += os.read(self.master, 4096).decode(errors="replace")
        self.shown = self.shown[found.end():]
        return found

    def end(self, status=0):
        """Waits for the end; the terminal is as it was."""
        self.wait_for(f"status {status}\r\n")
        expect.equal(self.program.wait(scaled(10)), 0, "the shell's status")
        expect.equal(termios.tcgetattr(self.slave), self.settings, "the terminal's settings afterwards")
        expect.equal(scopes.left_behind(), [], "groups left behind")


@each_guest
def test_it_has_a_terminal_of_its_own():
    outer = Outer("sh", "-c", "echo tty $(tty) $(stty size) $(cut -d' ' -f6 /proc/$$/stat) $$; read line; echo size $(stty size) of $line; exit 7")
    found = outer.wait_for(r"tty (/dev/pts/\d+) 33 99 +(\d+) (\d+)\r\n")
    expect.true(found[1] != outer.name, f"its terminal is {found[1]}, the one outside {outer.name}")
    expect.equal(found[2], found[3], "its session")
    outer.resize(44, 111)
    time.sleep(scaled(0.2))
    outer.type("typed\n")
    outer.wait_for(r"typed\r\nsize 44 111 of typed\r\n")
    outer.wait_for("enforced test, proven: .*\r\n")
    outer.end(7)


def test_keys_are_for_the_command():
    outer = Outer("sh", "-c", "trap 'echo got INT' INT; trap 'echo got QUIT; exit 3' QUIT; echo ready; while :; do sleep 0.05; done")
    outer.wait_for("ready\r\n")
    outer.type("\x03")
    outer.wait_for("got INT\r\n")
    outer.type("\x1c")
    outer.wait_for("got QUIT\r\n")
    outer.end(3)


def test_a_shell_has_job_control():
    outer = Outer("bash", "--norc", "--noprofile", "-i")
    outer.type("PS1='pro''mpt '\n")
    outer.wait_for("prompt ")
    outer.type("sleep 1000\n")
    time.sleep(scaled(0.3))
    outer.type("\x1a")
    outer.wait_for("Stopped +sleep 1000")
    outer.type("jobs; fg\n")
    outer.wait_for("sleep 1000\r\n.*sleep 1000\r\n")
    time.sleep(scaled(0.3))
    outer.type("\x03")
    outer.wait_for("prompt ")
    outer.type("exit 5\n")
    outer.end(5)


def test_a_full_screen_editor():
    outer = Outer("busybox", "vi", "/tmp/never-written")
    outer.wait_for("never-written")
    outer.type("itext\x1b")
    outer.wait_for("text")
    outer.type(":q!\n")
    outer.end()
    expect.true(not os.path.exists("/tmp/never-written"), "the file was written")


def test_a_terminal_that_others_use_is_not_taken():
    """Behind a pipe there may be a pager that reads the keys."""
    outer = Outer("sh", "-c", "echo from $(tty)", before="piped() { \"$@\" | sed 's/^/piped: /'; }; piped")
    shown = outer.wait_for(r"(?s)(.*)status 0\r\n")[1]
    for line in (f"piped: from {outer.name}\r\n", "contained without a terminal of its own"):
        expect.true(line in shown, f"{line!r} is not shown: {shown!r}")
    expect.equal(termios.tcgetattr(outer.slave), outer.settings, "the terminal's settings afterwards")


def test_a_terminal_that_goes_ends_the_command():
    outer = Outer("sh", "-c", "trap 'exit 0' HUP; echo pid $$; while :; do sleep 0.05; done")
    pid = int(outer.wait_for(r"pid (\d+)\r\n")[1])
    with open(f"/proc/{outer.program.pid}/task/{outer.program.pid}/children") as file:
        agent = int(file.read())
    os.kill(agent, signal.SIGHUP)  # as from a person: the agent reads its policy again
    outer.wait_for("generation 2.*\r\n")
    fcntl.ioctl(outer.slave, 0x5437)  # TIOCVHANGUP
    deadline = time.monotonic() + scaled(10)
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)
    expect.true(not os.path.exists(f"/proc/{pid}"), "the command runs on")
    while scopes.left_behind() and time.monotonic() < deadline:
        time.sleep(0.05)
    expect.equal(scopes.left_behind(), [], "groups left behind")
