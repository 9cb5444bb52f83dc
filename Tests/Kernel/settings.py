# SPDX-License-Identifier: Apache-2.0
"""Where things are and how patient to be: the few facts that differ between the host and a VM."""

import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
SCALE = float(os.environ.get("TRUSTRUN_TIME_SCALE", "1"))
NOBODY = 1000  # the ordinary user that tests run programs as


def scaled(seconds):
    """A time limit, longer on slow machines. Never used for times that the agent promises."""
    return seconds * SCALE


LOOK_AGAIN = 0.005 * SCALE  # between two looks at what is waited for: a look takes time from what it looks at


def first_existing(what, variable, *candidates):
    named = os.environ.get(variable)
    for candidate in [pathlib.Path(named)] if named else candidates:
        if candidate.exists():
            return candidate.resolve()
    tried = named or ", ".join(str(candidate) for candidate in candidates)
    raise SystemExit(f"no {what}: tried {tried} (set {variable})")


def agent_path():
    return first_existing(
        "agent", "TRUSTRUN_AGENT",
        HERE / "../../.build/release/trustrun-agent", pathlib.Path("/trustrun/trustrun-agent"))


def workload(name):
    folder = first_existing(
        "workloads", "TRUSTRUN_WORKLOADS",
        HERE / "../../.build/workloads", pathlib.Path("/trustrun/workloads"))
    return str(folder / name)


def schema_path():
    return HERE.parent.parent / "docs" / "events.schema.json"
