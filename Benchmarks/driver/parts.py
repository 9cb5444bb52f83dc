# SPDX-License-Identifier: Apache-2.0
"""What is measured, part by part. Each returns rows of the table."""

import collections
import filecmp
import json
import os
import statistics
import subprocess
import tempfile
import time

import machine

PAIRS = max(9, int(os.environ.get("BENCH_PAIRS", "11")))

Row = collections.namedtuple("Row", "what measured spread bar is_ok")


def info(what, measured, spread=""):
    return Row(what, measured, spread, "", None)


def median(values, form="{:.2f}"):
    return form.format(statistics.median(values))


def spread(values, form="{:.2f}"):
    """The middle half of the values, and how many there are."""
    low, _, high = statistics.quantiles(values, n=4)
    return f"{form.format(low)} to {form.format(high)} (n={len(values)})"


def in_turns(measure):
    """Pairs of results, without the agent and with it; who begins changes from pair to pair."""
    pairs = []
    measure()
    for index in range(PAIRS):
        results = {}
        for is_attached in (False, True) if index % 2 == 0 else (True, False):
            machine.wait_until_quiet()
            if is_attached:
                with machine.Agent():
                    results[True] = measure()
            else:
                results[False] = measure()
        pairs.append((results[False], results[True]))
    return pairs


def pipeline():
    """Lines of outbound connections: two (connect, close) for three records (connect, established, close)."""
    bpf_object = os.path.join(machine.BUILT, "records.bpf.o")
    with tempfile.TemporaryDirectory() as folder:
        outputs = [os.path.join(folder, name) for name in ("c.jsonl", "agent.jsonl")]
        machine.run("release/pipeline-bench", bpf_object, 1, *outputs)
        is_same = filecmp.cmp(*outputs, shallow=False)
        with open(outputs[0], "rb") as lines:
            count = sum(1 for _ in lines)
    machine.wait_until_quiet()
    rounds = machine.run("release/pipeline-bench", bpf_object, PAIRS)
    preload = dict(os.environ, LD_PRELOAD=os.path.join(machine.BUILT, "allocations.so"))
    counted = machine.run("release/pipeline-bench", bpf_object, PAIRS, env=preload)
    ratios = [entry["swift"]["ns"] / entry["c"]["ns"] for entry in rounds]
    allocations = statistics.median(entry["swift"]["allocations"] for entry in counted)
    worst = max(entry["swift"]["allocations"] for entry in counted)
    judging = [entry["judged"]["ns"] / entry["swift"]["ns"] for entry in rounds]
    judging_allocations = statistics.median(entry["judged"]["allocations"] for entry in counted)
    c, swift, judged = ([entry[side]["ns"] for entry in rounds] for side in ("c", "swift", "judged"))
    return [
        Row("pipeline: same bytes as the C consumer", f"{count} lines", "", "identical", is_same and count > 0),
        info("pipeline: C, ns a line", median(c, "{:.0f}"), spread(c, "{:.0f}")),
        info("pipeline: agent, ns a line", median(swift, "{:.0f}"), spread(swift, "{:.0f}")),
        Row("pipeline: agent / C", median(ratios), spread(ratios), "<= 2.00", statistics.median(ratios) <= 2),
        Row("pipeline: allocations a line", f"{allocations:.4f}", f"at most {worst:.4f}", "< 0.001", allocations < 0.001),
        info("pipeline: agent with 1000 rules, ns a line", median(judged, "{:.0f}"), spread(judged, "{:.0f}")),
        Row("pipeline: with a policy / without", median(judging), spread(judging), "<= 1.25",
            statistics.median(judging) <= 1.25),
        Row("pipeline: allocations a line, with a policy", f"{judging_allocations:.4f}", "", "< 0.001",
            judging_allocations < 0.001),
    ]


def policy():
    """Policies of 1000 and 100 000 rules, asked 4096 different questions in random order, half of which a rule answers; 65536 questions reach
    further than a processor's cache."""
    machine.wait_until_quiet()
    taken = collections.defaultdict(list)
    for entry in machine.run("release/policy-bench", PAIRS):
        taken[entry["kind"], entry["rules"], entry["questions"]].append(entry)
    rows = []
    for kind, bar in (("name", 60), ("ipv4", 20), ("ipv6", 20)):
        times = {}
        for rules in (1000, 100_000):
            times[rules] = [entry["ns"] for entry in taken[kind, rules, 4096]]
            time = statistics.median(times[rules])
            rows.append(
                Row(f"policy: {kind}, {rules} rules", f"{time:.1f} ns", spread(times[rules], "{:.1f}"), f"<= {bar} ns", time <= bar)
            )
        ratio = statistics.median(times[100_000]) / statistics.median(times[1000])
        rows.append(Row(f"policy: {kind}, 100000 rules / 1000", f"{ratio:.2f}", "", "<= 1.50", ratio <= 1.5))
        wide = [entry["ns"] for entry in taken[kind, 100_000, 65536]]
        rows.append(info(f"policy: {kind}, 65536 questions", f"{statistics.median(wide):.1f} ns", spread(wide, "{:.1f}")))
        compiled = [entry["compile"] for entry in taken[kind, 100_000, 4096]]
        time = statistics.median(compiled)
        rows.append(Row(f"policy: compile 100000 rules, {kind}", f"{time:.3f} s", spread(compiled, "{:.3f}"), "<= 0.300 s", time <= 0.3))
    return rows


def start_clients(clients, count):
    words = [os.path.join(machine.BUILT, "connect_loop"), str(count)]
    running = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for _ in range(clients)]
    return [client.wait() for client in running]


def rate():
    """Connections as fast as the clients can; the agent's own lines must tell of each, and its summary of no loss."""
    rows = []
    for clients in (1, 2):
        count = 20000
        machine.wait_until_quiet()
        with open(os.path.join(machine.BUILT, "rate.jsonl"), "w+b") as output:  # stays, to look into what is missing
            with machine.Agent("--pid", str(os.getpid()), "--types", "connect,accept,close", stdout=output):
                begin = time.monotonic()
                statuses = start_clients(clients, count)
                seconds = time.monotonic() - begin
                time.sleep(1)
            output.seek(0)
            counts = collections.Counter()
            for line in output:
                event = json.loads(line)
                if event.get("process", {}).get("name") == "connect_loop":
                    counts[event["type"]] += 1
            lost = event["summary"]["lost"]
        total = clients * count
        expected = {"connect": total, "accept": total, "close": 2 * total}
        is_whole = not any(statuses) and lost == 0 and dict(counts) == expected
        missing = sum(expected.values()) - sum(counts.values())
        measured = f"{total / seconds:,.0f} connections/s"
        rows.append(
            Row(f"rate: {total} connections, {clients} client{'s' * (clients > 1)}", measured,
                f"lost {lost}, missing {missing}", "lost 0, all told", is_whole)
        )
    return rows


def connect():
    """A client whose peer is not on this machine; and a program that connects to itself, accepts and closes both ends."""
    away = in_turns(lambda: machine.run("connect_away", 50000)[0])
    loop = in_turns(lambda: machine.run("connect_loop", 50000)[0])

    def ratios(pairs, key):
        return [attached[key] / alone[key] for alone, attached in pairs]

    def both(pairs, key):
        return " -> ".join(f"{statistics.median(pair[side][key] for pair in pairs) / 1000:.1f}" for side in (0, 1))

    wall, both_ends = ratios(away, "wall"), ratios(loop, "wall")
    return [
        Row("connect+close: attached / not", median(wall, "{:.3f}"), spread(wall, "{:.3f}"), "<= 1.050",
            statistics.median(wall) <= 1.05),
        info("connect+close: us, not -> attached", both(away, "wall"), f"CPU {both(away, 'cpu')}"),
        info("connect(2): us, not -> attached", f"p50 {both(away, 'p50')}", f"p99 {both(away, 'p99')}"),
        info("both ends on loopback: attached / not", median(both_ends, "{:.3f}"), spread(both_ends, "{:.3f}")),
        info("both ends: us, not -> attached", both(loop, "wall"), f"CPU {both(loop, 'cpu')}"),
    ]


def stream():
    """One TCP stream on loopback."""
    pairs = in_turns(lambda: machine.run("stream", 1000)[0]["rate"])
    ratios = [attached / alone for alone, attached in pairs]
    gigabits = [statistics.median(pair[side] for pair in pairs) * 8 / 1e9 for side in (0, 1)]
    return [
        Row("stream: attached / not", median(ratios, "{:.3f}"), spread(ratios, "{:.3f}"), ">= 0.970",
            statistics.median(ratios) >= 0.97),
        info("stream: Gbit/s, not -> attached", f"{gigabits[0]:.1f} -> {gigabits[1]:.1f}"),
    ]


GATE_RULES = 100_000
GATE_CALLS = 20_000
# Of enum bpf_attach_type (<linux/bpf.h>): BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET4_CONNECT.
INGRESS, EGRESS, CONNECT4 = 0, 1, 10


def gate_turns(scope, words, value):
    """As `in_turns`, for a program in a scope without a policy in force there, and with one."""
    pairs = []
    scope.run(words)
    for index in range(PAIRS):
        results = {}
        for is_enforced in (False, True) if index % 2 == 0 else (True, False):
            machine.wait_until_quiet()
            if is_enforced:
                with machine.Gates(scope, "address", GATE_RULES):
                    results[True] = value(json.loads(scope.run(words)))
            else:
                results[False] = value(json.loads(scope.run(words)))
        pairs.append((results[False], results[True]))
    return [enforced / alone for alone, enforced in pairs]


def gate_run(scope, gate, destinations):
    """Nanoseconds that a run of the connect gate takes, and one of the root's program, which keeps members to their own sockets."""
    calls = os.path.join(machine.ROOT, "Benchmarks/Programs/gate_calls.py")
    with machine.Statistics():
        before = gate.runs()[CONNECT4]
        scope.run(["/usr/bin/python3", "-B", calls, destinations, GATE_CALLS])
        return gate.taken(before, gate.runs()[CONNECT4], GATE_CALLS)


def dns_run(scope, gate):
    """Nanoseconds that the gates take for a query as it leaves, and for its answer as it comes."""
    program = ["/usr/bin/python3", "-B", os.path.join(machine.ROOT, "Benchmarks/Programs/gate_answers.py")]
    with machine.Statistics(), subprocess.Popen([*program, "serve"], stdout=subprocess.PIPE) as server:
        try:
            if not server.stdout.readline():
                raise RuntimeError("the resolver of the benchmark did not start: is port 53 of 127.0.0.1 in use?")
            before = gate.runs()
            scope.run([*program, "ask", GATE_CALLS])
            after = gate.runs()
        finally:
            server.kill()
    return [sum(gate.taken(before[kind], after[kind], GATE_CALLS)) for kind in (EGRESS, INGRESS)]


def gates():
    """The gates of an enforced scope with a policy of 100 000 rules. Most of any addresses are refused, which the gate counts for each."""
    taken, loaded, asked = {"allowed": [], "any": []}, {"address": [], "name": []}, []
    with machine.Scope() as scope:
        for _ in range(PAIRS):
            for kind, times in loaded.items():
                machine.wait_until_quiet()
                with machine.Gates(scope, kind, GATE_RULES) as gate:
                    times.append(gate.times["load"])
                    if kind == "address":
                        for destinations, runs in taken.items():
                            runs.append(gate_run(scope, gate, destinations))
                    else:
                        asked.append(dns_run(scope, gate))
        away = gate_turns(scope, [os.path.join(machine.BUILT, "connect_away"), 50000], lambda got: got["wall"])
        rate = gate_turns(scope, [os.path.join(machine.BUILT, "stream"), 1000], lambda got: got["rate"])
    own = {kind: [run[0] for run in runs] for kind, runs in taken.items()}
    members = [run[1] for runs in taken.values() for run in runs]
    return [
        *(Row(f"connect gate: a run, {kind} destinations", median(runs, "{:.0f}") + " ns", spread(runs, "{:.0f}"), "<= 400 ns",
              statistics.median(runs) <= 400) for kind, runs in own.items()),
        info("members: a run", median(members, "{:.0f}") + " ns", spread(members, "{:.0f}")),
        Row("DNS gate: an answer, 100000 names", median([run[1] / 1000 for run in asked], "{:.1f}") + " us",
            spread([run[1] / 1000 for run in asked], "{:.1f}"), "<= 8.0 us", statistics.median(run[1] for run in asked) <= 8000),
        info("DNS gate: a query", median([run[0] / 1000 for run in asked], "{:.1f}") + " us"),
        *(Row(f"gates: load 100000 rules, {kind}", median(times, "{:.3f}") + " s", spread(times, "{:.3f}"), "<= 1.000 s",
              statistics.median(times) <= 1) for kind, times in loaded.items()),
        Row("connect+close: enforced / not", median(away, "{:.3f}"), spread(away, "{:.3f}"), "<= 1.060",
            statistics.median(away) <= 1.06),
        Row("stream: enforced / not", median(rate, "{:.3f}"), spread(rate, "{:.3f}"), ">= 0.970",
            statistics.median(rate) >= 0.97),
    ]


HTTPS_POLICY = """name: bench
resolvers: [10.9.0.53]
rules:
  - { match: bench.example, ports: 8443, action: allow }
defaults: { action: block }
"""


def https():
    """Requests to a server that a name opens, by a client under `run --enforce` and by one that is not: over one connection, and each over a new one."""
    rows = []
    with machine.Site("bench.example", "10.9.0.2", HTTPS_POLICY) as site:
        for kind, count, bar in (("kept", 20000, 1.02), ("new", 2000, 1.05)):
            pairs = []
            site.ask(False, count, kind)
            for index in range(PAIRS):
                results = {}
                for is_enforced in (False, True) if index % 2 == 0 else (True, False):
                    machine.wait_until_quiet()
                    results[is_enforced] = site.ask(is_enforced, count, kind)["wall"]
                pairs.append((results[False], results[True]))
            ratios = [enforced / alone for alone, enforced in pairs]
            what = "a request over a kept connection" if kind == "kept" else "a new connection and a request"
            times = " -> ".join(f"{statistics.median(pair[side] for pair in pairs) / 1000:.1f}" for side in (0, 1))
            rows.append(Row(f"https: {what}, enforced / not", median(ratios, "{:.3f}"), spread(ratios, "{:.3f}"), f"<= {bar:.3f}",
                            statistics.median(ratios) <= bar))
            rows.append(info(f"https: {what}, us", times))
    return rows


def memory():
    """Resident memory of `monitor`, five seconds after its start and at 5000 connections a second."""
    with machine.Agent() as agent:
        time.sleep(5 - machine.READY_SECONDS)
        rest = agent.megabytes()
        client = subprocess.Popen(
            [os.path.join(machine.BUILT, "connect_loop"), "50000", "5000"], stdout=subprocess.DEVNULL
        )
        peak = (0, 0)
        while client.poll() is None:
            time.sleep(0.25)
            peak = max(peak, agent.megabytes())
    return [
        Row(f"memory: anonymous {when}", f"{anonymous:.1f} MB", f"{resident:.1f} MB resident", "<= 25 MB", anonymous <= 25)
        for when, (anonymous, resident) in (("at rest", rest), ("at 5000 connections/s", peak))
    ]


def idle():
    """CPU of `monitor` while nothing happens."""
    machine.wait_until_quiet()
    with machine.Agent() as agent:
        time.sleep(2)
        before, begin = agent.cpu_seconds(), time.monotonic()
        time.sleep(20)
        share = (agent.cpu_seconds() - before) / (time.monotonic() - begin) * 100
    return [Row("idle: CPU of one core", f"{share:.2f} %", "over 20 s", "< 0.50 %", share < 0.5)]


def first_lines(agent, begin):
    """Seconds until the first line, and until the line of a connection that began after the agent."""
    first = None
    for line in agent.process.stdout:
        elapsed = time.monotonic() - begin
        first = first or elapsed
        event = json.loads(line)
        if event["type"] in ("connect", "accept") and not event.get("existing"):
            return first, elapsed
    raise RuntimeError("the agent ended without an event")


def start():
    """From exec to the first line, and to the first event, while a client connects every 2 ms."""
    client = subprocess.Popen(
        [os.path.join(machine.BUILT, "connect_loop"), "1000000", "500"], stdout=subprocess.DEVNULL
    )
    lines, events = [], []
    try:
        for _ in range(PAIRS):
            machine.wait_until_quiet()
            begin = time.monotonic()
            with machine.Agent(stdout=subprocess.PIPE, is_waiting=False) as agent:
                first, event = first_lines(agent, begin)
                agent.process.terminate()
                agent.process.stdout.read()
            lines.append(first)
            events.append(event)
    finally:
        client.kill()
        client.wait()
    return [
        info("start: to the first line", median(lines) + " s", spread(lines)),
        Row("start: to the first event", median(events) + " s", spread(events), "<= 0.30 s",
            statistics.median(events) <= 0.3),
    ]


ALL = {part.__name__: part for part in (pipeline, policy, gates, https, rate, connect, stream, memory, idle, start)}
