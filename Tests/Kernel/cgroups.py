# SPDX-License-Identifier: Apache-2.0
"""Fresh groups in the cgroup v2 hierarchy, wherever it is mounted."""

import functools
import os
import pathlib
import time

import cleanup
from settings import scaled


@functools.cache
def mount_point():
    with open("/proc/self/mountinfo") as file:
        for line in file:
            fields, _, rest = line.partition(" - ")
            if rest.split()[0] == "cgroup2":
                return pathlib.Path(fields.split()[4])
    raise SystemExit("no cgroup2 mount in /proc/self/mountinfo")


class Group:
    """The group `/trustrun-test-PID/PATH`, with the groups above it; removed with its test."""

    def __init__(self, path):
        self.path = f"/trustrun-test-{os.getpid()}/{path}"
        self.folder = mount_point() / self.path[1:]
        cleanup.later(remove, mount_point() / self.path.split("/")[1])
        self.folder.mkdir(parents=True)
        self.id = self.folder.stat().st_ino

    def enter(self):
        """Moves the calling process in."""
        (self.folder / "cgroup.procs").write_text("0")


def remove(folder):
    """Removes a group and the empty ones below it; a dying process may hold it for a moment."""
    deadline = time.monotonic() + scaled(5)
    while folder.exists():
        for below in sorted(_below(folder), reverse=True):
            _try_remove(below)
        if _try_remove(folder) or time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _below(folder):
    try:
        return [path for path in folder.rglob("*") if path.is_dir()]
    except OSError:  # whoever made it removes it too
        return []


def _try_remove(folder):
    try:
        folder.rmdir()
        return True
    except OSError:
        return False
