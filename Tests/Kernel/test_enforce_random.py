# SPDX-License-Identifier: Apache-2.0
"""Random policies and destinations: the kernel says what the agent's own evaluator says."""

import ipaddress
import json
import os
import random

import children
import cleanup
import expect
import scopes
from dns_server import DnsServer
import test_enforce_process
from harness import limit
from settings import SCALE, agent_path
from test_enforce import EPERM, everywhere

GUESTS_SHARE = True

POLICIES = max(3, int(30 / SCALE ** 1.5))  # each starts an agent
DESTINATIONS = 60
PORTS = (1, 80, 442, 443, 444, 500, 600, 601, 7999, 8000, 8999, 65535)


def _rounds(least, tally, share):
    """Numbers of policies: so many, and more as long as one of both answers was too rare to show anything, up to four times as many."""
    for number in range(least * 4):
        if number < least or min(tally.values()) <= sum(tally.values()) * share:
            yield number
    expect.true(min(tally.values()) > sum(tally.values()) * share, f"refused and let through: {tally}")


def _address(dice):
    """Few bits in few places, so that matches, ties and nesting are common."""
    bits = dice.getrandbits(8)
    kind = dice.randrange(20)
    if kind == 0:
        return ipaddress.ip_address(0x7f000001 | bits & 1)
    if kind == 1:
        return ipaddress.IPv6Address(1)
    if kind < 12:
        return ipaddress.ip_address(0x0a000000 | bits & 3 | (bits & 0xc) << 6 | (bits & 0x30) << 12)
    high = 0xfd00_0db8 << 32 | bits & 3 | (bits & 4) << 14
    return ipaddress.IPv6Address(high << 64 | (bits & 0x18) >> 3 | (bits & 0x60) << 57 | 4)


def _network(dice):
    address = _address(dice)
    length = dice.choice((0, 1, 8, 15, 16, 17, 24, 30, 31, 32) if address.version == 4 else (0, 1, 32, 48, 63, 64, 65, 96, 127, 128))
    network = ipaddress.ip_network((address, length), strict=False)
    if network.version == 4 and dice.randrange(8) == 0:
        return f"::ffff:{network.network_address}/{96 + network.prefixlen}"
    return str(network)


@cleanup.once("module")
def programs():
    """Copies of Python: the one that asks without being executed again comes first."""
    folder = test_enforce_process.programs("client", "a*b?c", "sub/a/client", "sub/a*b")
    (folder / "link").symlink_to("sub/a/client")
    return [os.path.realpath(scopes.PYTHON), *(str(folder / name) for name in ("client", "a*b?c", "sub/a/client", "sub/a*b", "link"))]


def _process(dice):
    """Mostly a glob that is like one of the programs' paths."""
    path = dice.choice(programs())
    for _ in range(dice.randrange(3)):
        start = dice.randrange(1, len(path))
        path = path[:start] + dice.choice("*?") + path[start + dice.choice((0, 1, 1, 4)):]
    return path


def _policy(dice):
    lines = ["name: random", "dns: open", "resolvers: [10.0.1.1, \"fd00:db8::7\"]", "rules:"]
    many = dice.randrange(10) == 0
    for _ in range(dice.randrange(100, 200) if many else dice.randrange(1, 16)):
        matches = [f'"{_network(dice)}"' if dice.randrange(10) else "any" for _ in range(dice.randrange(1, 4))]
        rule = f"match: [{', '.join(matches)}], action: {dice.choice(('allow', 'alert', 'block', 'block'))}"
        if dice.randrange(2):
            rule += ", ports: " + dice.choice(("443", "[444, 443, 80]", "1-1024", "[8000-8999, 443]", "[400-500, 443-600]", "1-65535"))
        if dice.randrange(3) == 0:
            rule += f", protocol: {dice.choice(('tcp', 'udp'))}"
        if dice.randrange(3) == 0:
            rule += f", process: '{_process(dice)}'"
        lines.append(f"  - {{{rule}}}")
    return "\n".join([*lines, f"defaults: {{action: {dice.choice(('allow', 'alert', 'block', 'block'))}}}"]) + "\n"


def _destination(dice, text):
    """Mostly at an end of one of the policy's prefixes, or just beyond."""
    address = _address(dice)
    networks = [word.strip('"') for word in text.replace("[", " ").replace("]", " ").replace(",", " ").split()
                if "/" in word and "'" not in word]
    if networks and dice.randrange(3):
        network = ipaddress.ip_network(dice.choice(networks))
        number = int(network.network_address) + dice.choice((0, -1, network.num_addresses, network.num_addresses - 1, 1))
        number = max(0, min(number, 2 ** network.max_prefixlen - 1))
        address = ipaddress.ip_address(number) if network.version == 4 else ipaddress.IPv6Address(number)
    text = str(address)
    if address.version == 4:
        number = int(address)
        text = dice.choice((text, text, f"::ffff:{text}", f"64:ff9b::{number >> 16:x}:{number & 0xffff:x}"))
    return text, 53 if dice.randrange(10) == 0 else dice.choice(PORTS)


def _verdicts(policy, questions):
    """The evaluator's actions."""
    lines = []
    for index, (executable, transport, address, port, *names) in enumerate(questions):
        names = {"names": names[0], "name_source": "dns"} if names and names[0] else {"name_source": "none"}
        if len(names.get("names", ())) == 1:
            names["name"] = names.pop("names")[0]
        lines.append(json.dumps({
            "schema": "trustrun.event.v1", "time": "2026-01-01T00:00:00.000000000Z", "type": "connect", "host": "test",
            "process": {"pid": 9, "start_time": "2026-01-01T00:00:00.000000000Z", "name": "client", "executable": executable, "ppid": 1, "uid": 1, "gid": 1},
            "connection": f"{index:x}.1", "direction": "outbound", "protocol": transport,
            "source": {"address": "10.0.0.9", "port": 40000},
            "destination": {"address": address, "port": port, **names}}))
    output = children.Program(agent_path(), "policy", "eval", "--policy", policy).result(text="\n".join(lines) + "\n")
    events = [json.loads(line) for line in output.splitlines()]
    actions = [event["verdict"]["action"] for event in events if event["type"] == "connect"]
    expect.equal(len(actions), len(questions), "verdicts")
    return actions


@limit(240)
def test_kernel_and_evaluator_agree():
    seed = int(os.environ.get("TRUSTRUN_SEED", random.SystemRandom().randrange(1 << 32)))
    dice = random.Random(seed)
    namespace = everywhere()
    tally = {True: 0, False: 0}
    for number in _rounds(POLICIES, tally, 1 / 12):
        text = _policy(dice)
        policy = scopes.write(text)
        questions, asked = [], {path: [] for path in programs()}
        for address, port in (_destination(dice, text) for _ in range(DESTINATIONS)):
            path = dice.choice(programs())
            for way, transport in (("tcp", "tcp"), ("sendto", "udp"), ("connected", "udp")):
                asked[path].append([way, address, port])
        for path, tried in asked.items():
            questions += [(os.path.realpath(path), "tcp" if way == "tcp" else "udp", address, port) for way, address, port in tried]
        steps, others = asked[programs()[0]], [["as_program", "exec", path, *tried] for path, tried in asked.items()][1:]
        answers = scopes.attempts(policy, *steps, *others, namespace=namespace)
        answers = answers[:len(steps)] + [answer for one in answers[len(steps):] for answer in one]
        steps = [step for tried in asked.values() for step in tried]
        for step, action, answer in zip(steps, _verdicts(policy, questions), answers):
            if step[0] == "connected" and isinstance(answer, list):
                # No route, no broadcast: connect() itself is refused by others than the gate.
                answer = answer[1] if answer[0] == "ok" else answer[0]
            is_refused = answer == EPERM
            tally[is_refused] += 1
            if is_refused != (action in ("block", "kill")) and not _never_sent(step, answer):
                expect.fail(f"seed {seed}, policy {number}: {step} got {answer!r}, and the evaluator says {action}:\n{text}")
    print(f"      seed {seed}: {tally[True]} refused, {tally[False]} let through")


def _never_sent(step, answer):
    """connect() of UDP to what is no destination: the datagram that would be judged cannot be sent."""
    return step[0] == "connected" and answer not in ("ok", EPERM, "ECONNREFUSED")


LABELS = ("a", "b", "ab", "a-b", "b-a", "x1", "test", "long" * 15)
ADDRESSES = [f"10.0.0.{last}" for last in range(4)] + ["fd00:db8::1", "fd00:db8::2"]


def _name(dice):
    return ".".join(dice.choice(LABELS) for _ in range(dice.randrange(1, 5))) + dice.choice((".test", ".b.test", ".a-b.test"))


def _pattern(dice, names):
    """Mostly one that matches some of the names."""
    labels = (dice.choice(names) if dice.randrange(6) else _name(dice)).split(".")
    kind = dice.randrange(4)
    if kind == 1:
        return ".".join(["*", *labels[dice.randrange(1, len(labels)):]])
    for _ in range(dice.randrange(1, 3) if kind > 1 else 0):
        place = dice.randrange(len(labels) - 1)
        label = labels[place]
        cut = dice.randrange(len(label) + 1)
        labels[place] = label[:cut] + "*" + label[min(len(label), cut + dice.randrange(3)):]
    return ".".join((["*"] if kind == 3 else []) + labels)


def _policy_of_names(dice, names):
    lines = ["name: random", "dns: open", "resolvers: [10.1.0.53]", "rules:"]
    for _ in range(dice.randrange(2, 24)):
        match = f'"{_pattern(dice, names)}"' if dice.randrange(5) else f'"{_network(dice)}"'
        rule = f"match: {match}, action: {dice.choice(('allow', 'allow', 'alert', 'block'))}"
        if dice.randrange(3) == 0:
            rule += ", ports: " + dice.choice(("443", "[444, 443, 80]", "1-1024"))
        if dice.randrange(4) == 0:
            rule += f", protocol: {dice.choice(('tcp', 'udp'))}" + dice.choice(("", ", verify: address"))
        lines.append(f"  - {{{rule}}}")
    return "\n".join([*lines, f"defaults: {{action: {dice.choice(('alert', 'block', 'block'))}}}"]) + "\n"


@limit(240)
def test_kernel_and_evaluator_agree_on_names():
    seed = int(os.environ.get("TRUSTRUN_SEED", random.SystemRandom().randrange(1 << 32)))
    dice = random.Random(seed)
    tally = {True: 0, False: 0}
    for number in _rounds(max(2, int(12 / SCALE)), tally, 1 / 10):
        names = sorted({_name(dice) for _ in range(14)})
        zone = {name: [(1 if "." in address else 28, 60, address) for address in dice.sample(ADDRESSES, dice.randrange(1, 4))] for name in names}
        namespace = everywhere()
        DnsServer("10.1.0.53", "10.1.0.54", zone, namespace)
        text = _policy_of_names(dice, names)
        policy = scopes.write(text)
        steps = [["ask", name, kind, "10.1.0.53", dice.choice(("sendto", "connected", "tcp")), {}] for name in names for kind in (1, 28)]
        asked, questions = len(steps), []
        for address in ADDRESSES:
            bound = [name for name in names if any(record[2] == address for record in zone[name])]
            for port in (80, 443, 8000):
                for way, transport in (("tcp", "tcp"), ("sendto", "udp")):
                    steps.append([way, address, port])
                    questions.append((scopes.PYTHON, transport, address, port, bound))
        answers = scopes.attempts(policy, *steps, namespace=namespace)
        for step, answer in zip(steps, answers[:asked]):
            expect.equal(sorted(answer), sorted(record[2] for record in zone[step[1]] if record[0] == step[2]), f"seed {seed}, policy {number}: {step}")
        for step, question, action, answer in zip(steps[asked:], questions, _verdicts(policy, questions), answers[asked:]):
            tally[answer == EPERM] += 1
            if (answer == EPERM) != (action in ("block", "kill")):
                expect.fail(f"seed {seed}, policy {number}: {step} got {answer!r}, and the evaluator says {action} with {question[3]}:\n{text}")
    print(f"      seed {seed}: {tally[True]} refused, {tally[False]} let through")
