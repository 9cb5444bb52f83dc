# SPDX-License-Identifier: Apache-2.0
"""Assertions whose failures say what was seen instead."""

import calendar
import json
import os
import shutil
import time


class Failure(AssertionError):
    pass


class Skip(Exception):
    """The kernel or the machine lacks what this test is about, or it could cut this machine off. Nothing else is a reason to skip."""


def may_pass_over():
    """Tracepoints of this kernel can be preempted, and then it passes over programs: what that costs is told, not prevented."""
    return tuple(int(number) for number in os.uname().release.split(".")[:2]) >= (6, 19)


def told_lost(agent):
    """Records that the kernel passed over or had no room for, by the agent's own account."""
    return sum(entry["count"] for event in agent.find("loss") for entry in event["lost"] if entry["stage"] == "kernel")


def fail(message, events=()):
    lines = [message[:3000], *(f"    {summary(event)}" for event in events[:25])]
    if len(events) > 25:
        lines.append(f"    ... and {len(events) - 25} more")
    raise Failure("\n".join(lines))


def summary(event):
    """The event in short, for messages."""
    kept = {key: value for key, value in event.items() if key not in ("schema", "host", "cgroup", "type", "time")}
    if isinstance(kept.get("process"), dict):
        process = kept["process"]
        kept["process"] = f"{process.get('pid')} {process.get('name')} {process.get('executable')}"
    for end in ("source", "destination"):
        if isinstance(kept.get(end), dict):
            rest = {key: value for key, value in kept[end].items() if key not in ("address", "port")}
            place = f"{kept[end].get('address')} {kept[end].get('port')}"
            kept[end] = f"{place} {rest}" if rest else place
    return f"{event.get('type')} {json.dumps(kept, ensure_ascii=False)}"[:700]


def true(condition, message, *events):
    if not condition:
        fail(message, events)


def equal(seen, wanted, what, *events):
    if seen != wanted:
        fail(f"{what}: {seen!r}, wanted {wanted!r}", events)


def between(seen, low, high, what, *events):
    if not isinstance(seen, (int, float)) or not low <= seen <= high:
        fail(f"{what}: {seen!r}, wanted {low} to {high}", events)


def holds(event, **wanted):
    """The event has these values; `__` steps into objects: `process__pid=7`. None means the key is absent."""
    for path, value in wanted.items():
        equal(get(event, path.replace("__", ".")), value, path.replace("__", "."), event)


def get(event, path):
    """The value at a dotted path, None where a key is absent."""
    for key in path.split("."):
        if not isinstance(event, dict):
            return None
        event = event.get(key)
    return event


def time_ns(event, path="time"):
    """The nanoseconds since 1970 of an RFC 3339 time."""
    text = get(event, path)
    second, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(second, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction.ljust(9, "0"))


def boot_offset():
    """What turns a time since boot into one since 1970: of several readings the one that took least, since this process may lose its CPU in between."""
    readings = []
    for _ in range(5):
        before, wall, after = (time.clock_gettime_ns(clock) for clock in (time.CLOCK_BOOTTIME, time.CLOCK_REALTIME, time.CLOCK_BOOTTIME))
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]


def start_ticks(event):
    """The process's start time in clock ticks since boot, as field 22 of /proc/PID/stat has it."""
    return (time_ns(event, "process.start_time") - boot_offset()) // (10**9 // os.sysconf("SC_CLK_TCK"))


def which(program):
    path = shutil.which(program)
    true(path, f"{program} is not installed")
    return path
