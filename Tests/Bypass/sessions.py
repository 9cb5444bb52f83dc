# SPDX-License-Identifier: Apache-2.0
"""Attempts that need an agent of their own: what happens to it, other policies, several at once, groups below."""

import concurrent.futures
import dataclasses
import json
import os
import signal
import subprocess
import threading
import time

import attempts
import expect
import scopes
import world
from settings import agent_path, scaled

FEW = ("TCP connect, IPv4", "TCP connect, IPv6", "TCP reconnect after AF_UNSPEC, IPv4", "UDP sendto, IPv4", "UDP sendto, IPv6",
       "UDP connect and send, IPv4", "UDP connect and send, IPv6", "MPTCP, IPv4", "ping socket, IPv4", "IPv4 source route by option",
       "accept from who may not, IPv4", "data in a multicast join: mreq6, group6", "fork")
HAMMERED = ("TCP and UDP all the time",)
SPELLINGS = ("TCP connect, IPv4-mapped", "TCP connect, NAT64", "UDP sendto, IPv4-mapped", "UDP sendto, NAT64", "UDP connect and send, IPv4-mapped",
             "TCP connect to 0.0.0.0", "UDP sendto 0.0.0.0", "TCP connect to ::", "TCP connect to 127.0.0.1", "UDP sendto ::")


def _rows(prefix, names, **changes):
    return [dataclasses.replace(attempt, name=f"{prefix}: {attempt.name}", who=("user",), **changes)
            for attempt in (*attempts.ATTEMPTS, *attempts.OF_SESSIONS) if attempt.name in names]


BELOW = _rows("from a group below", FEW)
RELOADED = _rows("policy reloaded all the time", (*FEW, *HAMMERED))
STOPPED = _rows("agent stopped", FEW)
KILLED = _rows("agent killed", FEW)
NOW = _rows("agent killed meanwhile", HAMMERED)
FIRST = _rows("two agents, the first", FEW)
SECOND = _rows("two agents, the second, with the policy turned round", FEW)
PERMITTING = [
    *_rows("a permitting default", (*FEW, *SPELLINGS)),
    *_rows("a permitting default", ("TCP connect, NAT64 for local use", "TCP connect, 6to4"), gate="connect4/6: preset:transition-addresses"),
]
ROWS = [*BELOW, *RELOADED, *STOPPED, *NOW, *KILLED, *FIRST, *SECOND, *PERMITTING]


class Reloads:
    """Has a policy put in force again and again while the block lasts; a rule that no attempt meets comes and goes."""

    LEAST = 10

    def __init__(self, session, policy):
        self.session, self.policy = session, policy
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        text, number = self.policy.read_text(), 0
        new = self.policy.with_name("new")
        while not self.is_over.wait(0.005):
            number += 1
            new.write_text(text.replace("rules:\n", "rules:\n  - {action: allow, match: 10.79.0.1}\n") if number % 2 else text)
            os.replace(new, self.policy)
            self.session.signal(signal.SIGHUP)

    def _generation(self):
        instances = json.loads(subprocess.run([agent_path(), "status", "--json"], capture_output=True, timeout=scaled(20), check=True).stdout)["instances"]
        return next(instance["generation"] for instance in instances if instance["name"] == self.session.folder.name)

    def __enter__(self):
        self.before = self._generation()
        self.thread.start()

    def __exit__(self, *_):
        until = time.monotonic() + scaled(10)  # where a few were tried only
        while self._generation() - self.before < self.LEAST and time.monotonic() < until:
            time.sleep(0.05)
        self.is_over.set()
        self.thread.join()
        reloads = self._generation() - self.before
        expect.true(reloads >= self.LEAST, f"{reloads} reloads only, while everything was tried")


class Session:
    """An agent of its own with a client, beside one outside."""

    def __init__(self, place, bench, policy, is_turned=False, others=()):
        """`others`: who else is in the scope."""
        self.inside = place.inside(policy)
        group = world.ScopeOf(self.inside)
        self.folder = group.folder
        self.outside = place.join("user")
        parties = {"user": (self.inside, self.outside), **{who: (place.join(who, group), place.join(who)) for who in others}}
        self.others = [party for who in others for party in parties[who]]
        self.bench = bench(place, parties, place.helper_path, is_turned)

    def end(self):
        for party in (*self.others, self.outside):
            party.end()
        if self.inside.program.poll() is None:
            self.inside.end()

    def signal(self, number):
        self.inside.program.send_signal(number)
        if number == signal.SIGKILL:
            self.inside.program.wait()


def _of_agents(place, bench, chosen):
    """One agent: groups below its scope, then its policy reloaded all the time, then the agent stopped, then killed."""
    policy = place.policy()
    session = Session(place, bench, policy)
    below = place.join("user", world.ScopeOf(session.inside, "below/deeper"))
    parties = session.bench.parties
    session.bench.parties = {"user": (below, session.outside)}
    results = session.bench.run(chosen(BELOW))
    below.end()
    session.bench.parties = parties
    if chosen(RELOADED):
        with Reloads(session, policy):
            results += session.bench.run(chosen(RELOADED))
    session.signal(signal.SIGSTOP)
    results += session.bench.run(chosen(STOPPED))
    session.signal(signal.SIGCONT)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        tried = pool.submit(session.bench.try_all, chosen(NOW))
        time.sleep(scaled(1.2))  # outside it tries for 0.8 s, then inside
        session.signal(signal.SIGKILL)
        results += session.bench.judge(tried.result())
    results += session.bench.run(chosen(KILLED))
    session.end()
    return results


def _of_two(place, bench, chosen):
    """Two at the same time: what the one may, the other may not."""
    turned = ("10.78.128.0/17", '"fd78:0:b::/48"', '"ff15:78::/32"')
    sessions = [Session(place, bench, place.policy()), Session(place, bench, place.policy(turned), is_turned=True)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        tried = list(pool.map(lambda entry: entry[0].bench.try_all(chosen(entry[1])), zip(sessions, (FIRST, SECOND))))
    results = sessions[0].bench.judge([entry for entries in tried for entry in entries])
    for session in sessions:
        session.end()
    return results


def _of_permitting(place, bench, chosen):
    """Rules that block beneath a default that permits."""
    refused = ("10.78.128.0/17", '"fd78:0:b::/48"', "127.0.0.0/8", '"::1"', '"ff15:78::/32"')
    session = Session(place, bench, scopes.policy(*[f"block {match}" for match in refused], default="allow",
                                                more=("resolvers: [192.0.2.53]", "inherit: preset:transition-addresses")))
    results = session.bench.run(chosen(PERMITTING))
    session.end()
    return results


def run(place, bench, pattern):
    def chosen(rows):
        return [row for row in rows if pattern in row.name]

    results = []
    parts = [(_of_agents, BELOW + RELOADED + STOPPED + NOW + KILLED)]
    if not scopes.INHERITED:  # these have policies of their own
        parts += [(_of_two, FIRST + SECOND), (_of_permitting, PERMITTING)]
    for part, rows in parts:
        if chosen(rows):
            results += part(place, bench, chosen)
    return results
