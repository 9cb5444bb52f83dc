#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the kernel tests: run.py [-k PATTERN] [--share I/N] [--passed FILE] [--list]. As root, with a built agent and built workloads.

A test is a function `test_*` in a module `test_*`. One that takes `agent` gets a running agent that it shares with
the other tests of its kind; the runner ends it in between and holds it to having lost nothing.

A module with `GUESTS_SHARE = True` is about what the agent, and its programs once they are loaded, make of what every
kernel hands them alike. Of N guests with different kernels each runs one in N of its tests (`--share`), and all of them run
those marked with `harness.each_guest`. This machine's own kernel sees every test.
"""

import argparse
import importlib
import inspect
import os
import platform
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True

import cleanup
import expect
import harness
from settings import HERE, SCALE, agent_path, scaled

RED, GREEN, YELLOW, PLAIN = ("\033[31m", "\033[32m", "\033[33m", "\033[0m") if sys.stdout.isatty() else ("",) * 4


class TimeIsUp(BaseException):
    """A BaseException, so that no test swallows it."""


class SharedAgent:
    """The agent of the tests that take `agent`."""

    def __init__(self):
        self.agent = None

    def get(self):
        if self.agent and self.agent.process.poll() is not None:
            self.agent = None
        if self.agent is None:
            with cleanup.scope("run"):
                self.agent = harness.Agent()
        self.agent.mark()
        return self.agent

    def end(self):
        agent, self.agent = self.agent, None
        if agent:
            agent.since = 0
            agent.stop()
            lost = [entry for event in agent.find("loss") for entry in event["lost"] if entry["stage"] != "decode"]
            # Some tests send what cannot be decoded.
            if lost and expect.may_pass_over():
                print(f"{YELLOW}NOTE  this kernel passed over records, and the agent told so: {lost}{PLAIN}", flush=True)
            else:
                expect.equal(lost, [], "lost in a session of ordinary tests")


class Runner:
    def __init__(self, earlier, others):
        self.earlier = earlier  # how many passed before this start
        self.others = others  # how many other guests run
        self.shared = SharedAgent()
        self.passed, self.failed, self.skipped = [], [], []

    def run(self, name, function, *makers):
        """Runs one test with what the makers make, and prints its line."""
        start = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, scaled(getattr(function, "limit", 30)))
        outcome, colour, message = "ok", GREEN, ""
        try:
            try:
                function(*(make() for make in makers))
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                cleanup.end("test")
        except expect.Skip as skip:
            outcome, colour, message = "SKIP", YELLOW, str(skip)
        except expect.Failure as failure:
            outcome, colour, message = "FAIL", RED, f"{failure}\n    at {_place(failure)}"
        except TimeIsUp as up:
            outcome, colour, message = "FAIL", RED, f"took longer than it may, at {_place(up)}"
        except Exception:
            outcome, colour, message = "FAIL", RED, traceback.format_exc()
        {"ok": self.passed, "FAIL": self.failed, "SKIP": self.skipped}[outcome].append((name, message))
        print(f"{colour}{outcome:5}{PLAIN} {name} ({time.monotonic() - start:.2f} s)", flush=True)
        if message:
            print("      " + message.strip().replace("\n", "\n      "), flush=True)

    def run_all(self, tests):
        previous = None
        for name, function in tests:
            if function.__module__ != previous:
                cleanup.end("module")
                previous = function.__module__
            if "agent" in inspect.signature(function).parameters:
                self.run(name, function, self.shared.get)
            else:
                self.end_shared()
                self.run(name, function)
        cleanup.end("module")
        self.end_shared()

    def end_shared(self):
        if self.shared.agent:
            self.run("run.shared_session_lost_nothing", self.shared.end)

    def report(self):
        if self.skipped:
            print(f"{YELLOW}skipped, because this kernel or machine lacks what they are about, or they are not for a machine that somebody uses:{PLAIN}")
        for name, reason in self.skipped:
            print(f"{YELLOW}  {name}: {reason}{PLAIN}")
        if self.failed:
            print(f"{RED}failed:{PLAIN} " + " ".join(name for name, _ in self.failed))
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        earlier = f" ({self.earlier} of them before this start)" if self.earlier else ""
        others = f", {self.others} left to other guests" if self.others else ""
        print(f"{len(self.passed) + self.earlier} passed{earlier}, {len(self.failed)} failed{skipped}{others}")
        return 1 if self.failed or not (self.passed or self.earlier) else 0


def _place(error):
    """The line of the test that failed, not that of a helper."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if os.path.basename(frame.filename).startswith("test_")] or frames
    return f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}"


def find_tests(pattern):
    tests = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for key, function in vars(module).items():
            if key.startswith("test_") and inspect.isfunction(function) and function.__module__ == path.stem:
                name = f"{path.stem[5:]}.{key[5:]}"
                if pattern in name:
                    tests.append((name, function))
    # Those that share an agent first: it is started once.
    return sorted(tests, key=lambda test: "agent" not in inspect.signature(test[1]).parameters)


def own_share(tests, share):
    """The tests of guest I of N, by "I/N", and how many are left to the others."""
    own, guests = map(int, share.split("/"))
    shared = [test for test in tests
              if getattr(sys.modules[test[1].__module__], "GUESTS_SHARE", False) and not hasattr(test[1], "each_guest")]
    others = {name for index, (name, _) in enumerate(shared) if index % guests != own - 1}
    return [test for test in tests if test[0] not in others], len(others)


def leave_out(tests, path):
    """Without the tests that a file names, and how many those are."""
    passed = set(open(path).read().split()) if path else set()
    left = [test for test in tests if test[0] not in passed]
    return left, len(tests) - len(left)


def _alarm(*_):
    raise TimeIsUp


def _terminate(*_):
    raise SystemExit(143)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="PATTERN", default="", help="only tests whose name contains this")
    parser.add_argument("--share", metavar="I/N", default="1/1", help="the tests of the I-th of N guests")
    parser.add_argument("--passed", metavar="FILE", help="names, a line each, of tests that have passed already")
    parser.add_argument("--list", action="store_true", help="print the names of the tests")
    options = parser.parse_args()
    tests, others = own_share(find_tests(options.k), options.share)
    tests, earlier = leave_out(tests, options.passed)
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    if os.geteuid() != 0:
        sys.exit("run.py: the kernel tests need root: run `sudo make test-kernel`")
    print(f"kernel {platform.release()}, agent {agent_path()}, time scale {SCALE:g}", flush=True)
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGTERM, _terminate)
    runner = Runner(earlier, others)
    try:
        runner.run_all(tests)
    finally:
        for scope in ("test", "module", "run"):
            cleanup.end(scope)
    return runner.report()


if __name__ == "__main__":
    sys.exit(main())
