#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tries every known way around the gates: run.py [-k PATTERN] [-v] [--json] [--strict]. As root, with a built agent and built workloads; or by
`trustrun-agent attack`, which brings all of it.

Each attempt is made outside of the scope, where it must arrive; inside, where nothing of it may; and inside to where the
policy lets it go, where it must. What arrived is read from the canary's wire. Exit status 1 if something got through that
should not, or a control did not.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
CARRIED = os.environ.get("TRUSTRUN_ATTACK_FOLDER")  # what `attack` unpacked, to be removed
USAGE, MISSING = 64, 69  # sysexits
sys.path.insert(0, str(HERE.parent / "Kernel"))

import attempts
import children
import cleanup
import expect
import names
import resolver
import scopes
import server_names
import sessions
import world
from settings import SCALE, agent_path, scaled

COLOURS = {"refused": "\033[32m", "open": "\033[33m", "n/a": "\033[2m", "GOT THROUGH": "\033[31m", "CONTROL": "\033[31m"}
PLAIN = "\033[0m"
LIMIT = 4


ROWS = [*attempts.ATTEMPTS, *sessions.ROWS, *names.ROWS, names.RACE, *server_names.ROWS]


class Trial:
    """One run of one attempt by one party."""

    def __init__(self, attempt, where, to, via, answer, marker):
        self.attempt, self.where, self.to, self.via, self.answer, self.marker = attempt, where, to, via, answer, marker

    def arrived(self, found):
        """The evidence, or nothing."""
        if self.attempt.counts == "answer":
            return self.answer if self.answer in ("made", "ok") else None
        wanted = []
        if self.attempt.counts != "address":
            wanted.append(self.marker.encode())
        if self.attempt.counts != "marker":
            wanted.append(_packed(self.to))
        return next((found[token.hex()] for token in wanted if token.hex() in found), None)

    def fulfilled(self, found):
        """A control wants its payload to have come, not only a packet."""
        return self.marker.encode().hex() in found if self.attempt.counts == "both" else self.arrived(found)


def _packed(address):
    text = address.partition("%")[0]
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


class Result:
    def __init__(self, attempt, who, verdict, detail=""):
        self.attempt, self.who, self.verdict, self.detail = attempt, who, verdict, detail

    def is_failure(self):
        return self.verdict in ("GOT THROUGH", "CONTROL")


class Bench:
    """Runs attempts by parties: {who: (inside, outside)}."""

    def __init__(self, place, parties, helper, is_turned=False):
        """`is_turned`: a policy that allows what the usual one refuses, and the other way round."""
        self.world, self.parties, self.helper, self.is_turned = place, parties, helper, is_turned

    def arguments_of(self, attempt, to, via):
        given = dict(attempt.arguments)
        code = world.WAYS_WITH_VIA
        if attempt.way in code:
            given["via"] = via
        if attempt.needs == "caller":
            given["here"] = self.world.cable.left6 if ":" in to else self.world.cable.left4
            given["caller"] = self.world.caller_path
        elif attempt.needs in ("helper", "abstract helper"):
            given["helper"] = ("\0" if "abstract" in attempt.needs else "") + self.helper
        elif attempt.needs == "unlisted helper":
            given["helper"] = self.world.unlisted_path
        elif attempt.needs == "manager":
            given["helper"] = self.world.manager_path
        elif attempt.needs == "pins":
            given["folder"] = self.world.pins_of(self.parties["user"][0])
        elif attempt.needs == "resolver":
            given["resolver"] = resolver.ADDRESS
        elif attempt.needs == "root group":
            root = world.cgroups.mount_point()
            given["path" if attempt.way == "leave" else "folder"] = str(root / "cgroup.procs" if attempt.way == "leave" else root)
        return given

    def trial(self, attempt, party, where):
        places = self.world.places
        kind = attempt.kind
        is_by_name = attempt.needs == "resolver"  # then no rule of addresses lets it through
        to = places.next(kind, (where == "allowed" and not is_by_name) != self.is_turned)
        via = places.next(kind if kind in ("v4", "v6") else "v4", not self.is_turned)
        marker = secrets.token_hex(12)
        given = {"port": world.canary.PORT, **self.arguments_of(attempt, to, via)}
        if is_by_name and where == "allowed":
            given["is_control"] = True
        answer = party.step(attempt.way, scaled(LIMIT), to=to, marker=marker, **given)
        return Trial(attempt, where, to, via, answer, marker)

    def run(self, attempts):
        """Tries them all, then looks at what arrived."""
        with concurrent.futures.ThreadPoolExecutor(len(self.parties)) as pool:
            tried = list(pool.map(lambda who: self.try_all(attempts, who), self.parties))
        results = self.judge([entry for entries in tried for entry in entries])
        return [self._again(result) if result.verdict == "CONTROL" else result for result in results]

    def _again(self, result):
        """On a busy machine a control may come too late: the whole attempt once more, by itself."""
        attempt = dataclasses.replace(result.attempt, who=(result.who,))
        return self.judge(self.try_all([attempt], result.who))[0]

    def judge(self, tried):
        found = self.world.evidence()
        return [_judge(attempt, who, trials, found) for attempt, who, trials in tried]

    def try_all(self, attempts, who="user"):
        inside, outside = self.parties[who]
        tried = []
        for attempt in attempts:
            if who in attempt.who and _is_made(attempt):
                trials = [self.trial(attempt, outside, "outside"), self.trial(attempt, inside, "inside")]
                if attempt.has_control and not attempt.is_contained(who):
                    trials.append(self.trial(attempt, inside, "allowed"))
                tried.append((attempt, who, trials))
        return tried


def _judge(attempt, who, trials, found):
    outside, inside = trials[0], trials[1]
    evidence = inside.arrived(found)
    if evidence:
        if attempt.is_open(who):
            return Result(attempt, who, "open", attempt.open)
        return Result(attempt, who, "GOT THROUGH", f"{inside.answer} to {inside.to}: {evidence}")
    if not outside.fulfilled(found):
        if attempt.is_optional and outside.answer not in ("ok", "made", "timeout", "no end", "died"):
            return Result(attempt, who, "n/a", f"outside of the scope: {outside.answer}")
        if attempt.is_optional and outside.marker.encode().hex() in found:
            return Result(attempt, who, "n/a", "outside of the scope: it goes elsewhere")
        return Result(attempt, who, "CONTROL", f"outside of the scope it did not arrive either: {outside.answer} to {outside.to}")
    if inside.answer.startswith("no answer"):
        return Result(attempt, who, "CONTROL", inside.answer)
    if len(trials) > 2 and not trials[2].fulfilled(found):
        return Result(attempt, who, "CONTROL", f"to where one may send it did not arrive: {trials[2].answer} to {trials[2].to}")
    return Result(attempt, who, "refused", str(inside.answer))


def show(results, verbose):
    """A line an attempt, a column for each who, and what stops it; details of what is not as usual."""
    columns = (*attempts.EVERYBODY, attempts.MEMBER)
    print(f"{'':78}" + "".join(f"{who:14}" for who in columns) + "gate")
    by_attempt = {}
    for result in results:
        by_attempt.setdefault(result.attempt.name, {})[result.who] = result
    for name, found in by_attempt.items():
        cells = ""
        for who in columns:
            verdict = found[who].verdict if who in found else "-"
            cells += COLOURS.get(verdict, "") * sys.stdout.isatty() + f"{verdict:14}" + PLAIN * sys.stdout.isatty()
        print(f"{name[:77]:78}{cells}{next(iter(found.values())).attempt.gate}")
        details = {}
        for result in found.values():
            if result.is_failure() or verbose or result.verdict in ("open", "n/a"):
                details.setdefault((result.verdict, result.detail), []).append(result.who)
        for (verdict, detail), who in details.items():
            if verdict not in ("open", "n/a") or verbose:
                print(f"    {verdict} ({', '.join(who)}): {detail}")


def summary(results):
    """What is open and what does not apply, once; then the counts."""
    for verdict, title in (("open", "gets through, and is known to"), ("n/a", "not applicable")):
        reasons = {}
        for result in results:
            if result.verdict == verdict:
                reasons.setdefault(result.detail, {}).setdefault(result.attempt.name, []).append(result.who)
        for reason, names in reasons.items():
            listed = "; ".join(f"{name} ({', '.join(who)})" for name, who in names.items())
            print(f"{title}: {reason}: {listed}")
    counts = {}
    for result in results:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))


def status_of(results, is_strict):
    """1 if anything got through that should not, or nothing was refused."""
    failures = [result for result in results if result.is_failure() or (is_strict and result.verdict == "open")]
    return 1 if failures or not any(result.verdict == "refused" for result in results) else 0


def write_json(results, status, seconds):
    words = {"GOT THROUGH": "got_through", "CONTROL": "not_shown", "open": "known", "n/a": "not_applicable"}
    table = [{"attempt": result.attempt.name, "who": result.who, "gate": result.attempt.gate, "result": words.get(result.verdict, result.verdict),
              **({"detail": result.detail} if result.verdict != "refused" else {})} for result in results]
    version = subprocess.run([agent_path(), "--version"], capture_output=True, text=True).stdout.strip()
    print(json.dumps({"schema": "trustrun.attack.v1", "version": version, "kernel": platform.release(), "policy": scopes.INHERITED or "the suite's own",
                      "seconds": round(seconds, 1), "status": status, "attempts": table}))


def _for_this_machine(attempt):
    """Where machines are emulated and slow, uid 0 tries a few attempts, and those that depend on who tries."""
    if SCALE <= 1 or attempt.is_optional or attempt.open or attempt.name in sessions.FEW:
        return attempt
    return dataclasses.replace(attempt, who=attempt.who[:1])


def _prepare():
    """What the carried suite needs of this machine: programs that make calls which Python has not, where there is a compiler."""
    if not shutil.which("ip"):
        print("trustrun-agent: attack needs the program `ip`: install iproute2", file=sys.stderr)
        sys.exit(MISSING)
    folder, sources = pathlib.Path(os.environ["TRUSTRUN_WORKLOADS"]), HERE.parent / "Kernel" / "workloads"
    for source in sources.glob("*.c"):
        if shutil.which("cc"):
            subprocess.run(["cc", "-O1", "-pthread", "-I", sources, "-o", folder / source.stem, source], capture_output=True)


def _is_made(attempt):
    """Whether the program is here that it needs."""
    program = attempt.arguments.get("program") or next(iter(attempt.arguments.get("ring", ())), None)
    return program is None or os.path.exists(program)


def _parties(place):
    helper = children.Program(scopes.PYTHON, "-B", HERE / "helper.py", place.helper_path, place.unlisted_path, place.manager_path, namespace=place.left, **world.WHO["user"])
    expect.equal(helper.stdout.readline(), "ready\n", "the helper")
    inside = place.inside(place.policy())
    parties = {"user": (inside, place.join("user"))}
    group = world.ScopeOf(inside)
    for who in ("root", "container", attempts.MEMBER):
        parties[who] = (place.join(who, group), place.join(who))
    return parties


def _end(parties):
    """The scope's own client last: with it the scope ends."""
    for who in ("root", "container", attempts.MEMBER, "user"):
        for party in parties[who]:
            status, errors = party.end()
    inside = parties["user"][0]
    return inside.program.returncode, errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="PATTERN", default="", help="only attempts whose name contains this")
    parser.add_argument("-v", action="store_true", help="the answers as well")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--strict", action="store_true", help="known ways out count as failures")
    parser.add_argument("--table", action="store_true", help="print the README's table and end")
    options = parser.parse_args()
    if options.table:
        print(attempts.table(ROWS))
        return 0
    if os.geteuid() != 0:
        sys.exit("run.py: the attempts need root for their network namespaces: run `sudo make test-bypass`")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        status = _attack(options)
    except world.NotEnforced as error:
        print(error, file=sys.stderr)
        status = MISSING
    finally:
        if CARRIED:
            shutil.rmtree(CARRIED, ignore_errors=True)
    return status


def _attack(options):
    if CARRIED:
        _prepare()
    if not options.json:
        print(f"kernel {platform.release()}, agent {agent_path()}, time scale {SCALE:g}", flush=True)
    started = time.monotonic()
    if not any(options.k in row.name for row in ROWS):
        print(f"trustrun-agent: no attempt has `{options.k}` in its name", file=sys.stderr)
        return USAGE
    lacking = [row for row in ROWS if options.k in row.name and not _is_made(row)]
    results = [Result(row, who, "n/a", "its program needs a C compiler, which is not here") for row in lacking for who in row.who]
    try:
        place = world.World()
        chosen = [_for_this_machine(attempt) for attempt in attempts.ATTEMPTS if options.k in attempt.name]
        if chosen:
            parties = _parties(place)
            results += Bench(place, parties, place.helper_path).run(chosen)
            _end(parties)
        results += sessions.run(place, Bench, options.k)
        results += names.run(place, Bench, Result, options.k)
        results += server_names.run(place, Bench, options.k)
        if not options.json:
            show(results, options.v)
    finally:
        for scope in ("test", "module", "run"):
            cleanup.end(scope)
    left = [group for group in world.groups if os.path.exists(group)]
    status = status_of(results, options.strict)
    if left:
        print(f"groups left behind: {left}", file=sys.stderr)
        status = 1
    if options.json:
        write_json(results, status, time.monotonic() - started)
        return status
    summary(results)
    print(f"{time.monotonic() - started:.1f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
