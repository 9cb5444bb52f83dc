# SPDX-License-Identifier: Apache-2.0
"""Runs the agent and looks into its stream."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import cleanup
import expect
import schema
from settings import LOOK_AGAIN, agent_path, scaled

TRAFFIC = ("connect", "accept", "close", "sni", "dns")


def limit(seconds):
    """Marks a test that may take longer than the usual 30 s."""
    def mark(function):
        function.limit = seconds
        return function
    return mark


def each_guest(function):
    """Marks a test that every guest runs, in a module whose tests the guests share (`GUESTS_SHARE`; see run.py)."""
    function.each_guest = True
    return function


def matches(event, kind=None, pid=None, port=None, protocol=None, **values):
    """`kind`: one type or several. `pid`: one or several. `port`: of either side. The rest: as in expect.holds."""
    if kind is not None and event["type"] not in ([kind] if isinstance(kind, str) else kind):
        return False
    if pid is not None and expect.get(event, "process.pid") not in ([pid] if isinstance(pid, int) else pid):
        return False
    if port is not None and port not in (expect.get(event, "source.port"), expect.get(event, "destination.port")):
        return False
    if protocol is not None and event.get("protocol", protocol) != protocol:
        return False
    return all(expect.get(event, path.replace("__", ".")) == value for path, value in values.items())


class Agent:
    """A running `trustrun-agent monitor`, or another command whose stream is the same.

    Its stdout is a pipe, as it would be with a SIEM's shipper; `cat` empties it into a file, so that no test ever
    holds the agent up by not looking. `paused=True` leaves the pipe to the test (see `resume`).
    """

    command = "monitor"

    def __init__(self, *options, paused=False, start_limit=20, environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="trustrun-test-")
        cleanup.later(self.folder.cleanup)
        self.output = pathlib.Path(self.folder.name, "events.jsonl")
        self.errors = pathlib.Path(self.folder.name, "stderr")
        self.output.touch()
        self.events, self.offset, self.rest = [], 0, b""
        self.since = 0
        self.settled = set()  # source ports of its own connections
        self.checker = schema.Checker()
        self.reader = None
        self.pipe, write_end = os.pipe()
        cleanup.later(self.close_pipe)
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [agent_path(), self.command, *options], stdin=subprocess.DEVNULL, stdout=write_end, stderr=errors,
                env={**os.environ, **(environment or {})})
        os.close(write_end)
        cleanup.later(self.kill)
        self.pid = self.process.pid
        if not paused:
            self.resume()
            self.wait(lambda: self.events, "its first line", start_limit)

    def resume(self):
        """Begins to read what the agent writes."""
        with open(self.output, "ab") as output:
            self.reader = subprocess.Popen(["cat"], stdin=self.pipe, stdout=output)
        self.close_pipe()
        cleanup.later(_end, self.reader)

    def close_pipe(self):
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def read(self):
        """Takes in the lines written since the last look."""
        with open(self.output, "rb") as file:
            file.seek(self.offset)
            data = file.read()
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                expect.fail(f"not a line of JSON: {line[:300]!r}")
            self.events.append(event)
            self.checker(event)

    def check_lines(self):
        """Fails if a line was not as the schema says; called when the session is over, for it concerns no one test."""
        lines = [f"    {error}\n        in {event}" for error, event in self.checker.violations.items()]
        if lines:
            expect.fail("\n".join(["lines that are not as docs/events.schema.json says:", *lines]))

    def wait(self, condition, what, timeout=10):
        """Reads until `condition()` is true; fails with `what` after the timeout or when the agent is gone."""
        deadline = time.monotonic() + scaled(timeout)
        while True:
            gone = self.process.poll() is not None and (self.reader is None or self.reader.poll() is not None)
            self.read()
            if condition():
                return
            if gone:
                expect.fail(f"the agent ended ({self.process.returncode}) before {what}: {self.stderr()}")
            if time.monotonic() > deadline:
                expect.fail(f"no sign of {what} within {scaled(timeout):g} s; it wrote", self.events[self.since:])
            time.sleep(LOOK_AGAIN)

    def mark(self):
        """From here on, `find` looks only at what comes."""
        self.read()
        self.since = len(self.events)

    def look_back(self, when):
        """`find` looks at what happened since then, in nanoseconds since 1970."""
        self.read()
        self.since = next((index for index, event in enumerate(self.events) if expect.time_ns(event) >= when),
                          len(self.events))

    def find(self, kind=None, **where):
        return [event for event in self.events[self.since:] if matches(event, kind, **where)]

    def wait_for(self, kind, count=1, timeout=10, **where):
        """The first `count` such events (the event itself for one)."""
        found, looked = [], self.since

        def enough():
            nonlocal looked
            found.extend(event for event in self.events[looked:] if matches(event, kind, **where))
            looked = len(self.events)
            return len(found) >= count

        try:
            self.wait(enough, f"{count} x {kind} {where}", timeout)
        except expect.Failure as failure:
            related = self.find(**{key: where[key] for key in ("pid", "port") if key in where})
            expect.fail(str(failure).splitlines()[0] + "; what there is about them:", related)
        return found[0] if count == 1 else found[:count]

    def exactly(self, kinds, timeout=10, **where):
        """The events of these types, in this order of types and then of time; fails if there are others.

        Waits until they are there, then until the agent has told all that happened up to now.
        """
        wanted = kinds.split()
        for kind in dict.fromkeys(wanted):
            self.wait_for(kind, wanted.count(kind), timeout, **where)
        self.settle()
        found = sorted(self.find(TRAFFIC, **where), key=lambda event: event["time"])
        if sorted(event["type"] for event in found) != sorted(wanted):
            expect.fail(f"wanted {kinds or 'nothing'} for {where}, and no more:", found)
        return [[event for event in found if event["type"] == kind][wanted[:index].count(kind)]
                for index, kind in enumerate(wanted)]

    def only(self, pids, **where):
        """Fails if anybody else is in the events that match; connections of `settle` may have any port."""
        found = [event for event in self.find(TRAFFIC, **where)
                 if expect.get(event, "process.pid") not in pids and expect.get(event, "source.port") not in self.settled]
        if found:
            expect.fail(f"events of strangers (ours are {sorted(pids)}):", found)

    def settle(self, timeout=10):
        """Makes a connection and waits until its end was told: whatever happened before it has been told too."""
        port = loopback_connection()
        self.settled.add(port)
        self.wait_for("close", 2, timeout, source__port=port, pid=os.getpid())

    def stop(self, number=signal.SIGINT, timeout=10):
        """Ends the agent by a signal and hands back its last line."""
        self.process.send_signal(number)
        return self.finish(timeout)

    def finish(self, timeout=10, status=0):
        """Waits until the agent ended by itself; its last line must be the summary."""
        try:
            self.process.wait(scaled(timeout))
            if self.reader:
                self.reader.wait(scaled(timeout))
        except subprocess.TimeoutExpired:
            expect.fail("the agent does not end")
        self.read()
        expect.equal(self.rest, b"", "an unfinished last line")
        expect.equal(self.process.returncode, status, f"exit status (stderr: {self.stderr()})")
        expect.true(self.events, "the agent wrote nothing")
        last = self.events[-1]
        expect.holds(last, type="session", phase="end")
        self.check_lines()
        return last

    def kill(self):
        _end(self.process)

    def stderr(self):
        return self.errors.read_text(errors="replace").strip()


def _end(process):
    if process.poll() is None:
        process.kill()
        process.wait()


def loopback_connection():
    """Makes a TCP connection within this process and ends it; hands back the source port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            server, (_, port) = listener.accept()
            client.shutdown(socket.SHUT_WR)
            server.recv(1)
            server.close()
            client.recv(1)
    return port
