# SPDX-License-Identifier: Apache-2.0
"""Counts the BPF programs, maps and links that the kernel holds, through bpf(2) itself."""

import ctypes
import errno
import platform

from children import LIBC

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
NEXT_ID = {"programs": 11, "maps": 12, "links": 31}


class _Attributes(ctypes.Structure):
    _fields_ = [("start_id", ctypes.c_uint32), ("next_id", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("padding", ctypes.c_uint8 * 108)]


def identifiers(kind):
    """The ids of all `programs`, `maps` or `links` there are."""
    found, attributes = set(), _Attributes()
    while True:
        result = LIBC.syscall(SYS_BPF, NEXT_ID[kind], ctypes.byref(attributes), ctypes.sizeof(attributes))
        if result < 0:
            error = ctypes.get_errno()
            if error == errno.ENOENT:
                return found
            raise OSError(error, f"bpf({kind})")
        found.add(attributes.next_id)
        attributes.start_id = attributes.next_id


def all_of_them():
    return {(kind, ident) for kind in NEXT_ID for ident in identifiers(kind)}
