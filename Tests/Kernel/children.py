# SPDX-License-Identifier: Apache-2.0
"""Processes that a test starts: forked Python functions and programs. All end with their test, and by their pid."""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import time
import traceback

import cleanup
import expect
from settings import scaled

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def start_time(pid):
    """Field 22 of /proc/PID/stat: clock ticks since boot."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def _enter(namespace, cgroup, user):
    """Makes the calling process what a test wants it to be. Runs after fork."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if cgroup is not None:
        cgroup.enter()
    if namespace is not None:
        namespace.enter()
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user clears it


class Line:
    """One JSON value a line over a socket: how a child and its test talk."""

    def __init__(self, end):
        self.end = end
        self.pending = b""

    def send(self, value):
        self.end.sendall(json.dumps(value).encode() + b"\n")

    def receive(self, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self.pending:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self.end], [], [], left)[0]:
                    raise TimeoutError("no word from the child")
            got = self.end.recv(65536)
            if not got:
                raise EOFError("the other end is gone")
            self.pending += got
        line, _, self.pending = self.pending.partition(b"\n")
        return json.loads(line)


class Child:
    """A fork of this process that runs `function(parent, *arguments)` and hands back what it returns.

    `parent` is a Line: the function may wait for the test (`parent.receive()`) and tell it things (`parent.send`).
    """

    def __init__(self, function, *arguments, namespace=None, cgroup=None, user=None):
        mine, theirs = socket.socketpair()
        self.line = Line(mine)
        self.pid = os.fork()
        if self.pid == 0:
            mine.close()
            self._run(Line(theirs), function, arguments, namespace, cgroup, user)
        theirs.close()
        self.status = None
        cleanup.later(self.kill)

    @staticmethod
    def _run(parent, function, arguments, namespace, cgroup, user):
        code = 1
        try:
            for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            _enter(namespace, cgroup, user)
            parent.send({"result": function(parent, *arguments)})
            code = 0
        except BaseException:
            try:
                parent.send({"error": traceback.format_exc()})
            except OSError:
                pass
        finally:
            os._exit(code)

    def send(self, value=None):
        self.line.send(value)

    def receive(self, timeout=10):
        """The next thing that the function sends."""
        value = self.line.receive(scaled(timeout))
        if isinstance(value, dict) and "error" in value:
            expect.fail(f"the child process failed:\n{value['error']}")
        return value

    def result(self, timeout=10):
        """What the function returned; the process is gone then."""
        value = self.receive(timeout)
        self.wait(timeout)
        return value["result"]

    def wait(self, timeout=10):
        if self.status is None:
            end = os.pidfd_open(self.pid)
            try:
                if not select.select([end], [], [], scaled(timeout))[0]:
                    raise TimeoutError(f"process {self.pid} does not end")
            finally:
                os.close(end)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def kill(self, number=signal.SIGKILL):
        if self.status is None:
            os.kill(self.pid, number)
            if number == signal.SIGKILL:
                self.wait()
                self.line.end.close()


class Program(subprocess.Popen):
    """A program under test conditions; stdin, stdout and stderr are pipes."""

    def __init__(self, *command, namespace=None, cgroup=None, user=None, before=None, **options):
        def prepare():
            _enter(namespace, cgroup, user)
            if before:
                before()

        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        super().__init__([str(part) for part in command], preexec_fn=prepare, text=True, **options)
        cleanup.later(self.end)

    def result(self, timeout=20, status=0, text=""):
        """Its output, after it ended as wanted."""
        try:
            output, errors = self.communicate(text, timeout=scaled(timeout))
        except subprocess.TimeoutExpired:
            expect.fail(f"{self.args[0]} does not end")
        if status is not None and self.returncode != status:
            expect.fail(f"{' '.join(self.args)}: exit status {self.returncode}\n{output}\n{errors}")
        return output

    def end(self):
        if self.poll() is None:
            self.kill()
            self.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe:
                pipe.close()
