# SPDX-License-Identifier: Apache-2.0
"""What the kernel's verifier pays for each program that enforces: instructions and states, held against what was seen last.

A million instructions are the limit (BPF_COMPLEXITY_LIMIT_INSNS), on each kernel by its own count. `verifier.json` holds the figures by kernel; after
a change that is meant, `TRUSTRUN_VERIFIER=write` writes those of this kernel there.
"""

import ctypes
import json
import os
import pathlib
import platform
import re
import struct

import expect
from settings import HERE

FIGURES = HERE / "verifier.json"
STATISTICS = 4  # BPF_LOG_STATS (include/linux/bpf_verifier.h)
LIMIT = 1_000_000
SLACK = 1.05
OBJECTS = ("enforce", "member")
LATER = "sock_send_length"  # a tracepoint since 6.3, which the agent does without where there is none
LINE = re.compile(rb"processed (\d+) insns.* total_states (\d+) peak_states (\d+)")


def _library():
    """libbpf, as the agent has it."""
    library = ctypes.CDLL("libbpf.so.1", use_errno=True)
    for name in ("bpf_object__open_file", "bpf_object__next_program", "bpf_object__find_map_by_name"):
        getattr(library, name).restype = ctypes.c_void_p
    library.bpf_program__name.restype = ctypes.c_char_p
    return library


def _costs(path):
    """By program: instructions that were looked at, and states at the most."""
    library = _library()
    item = library.bpf_object__open_file(os.fsencode(path), None)
    expect.true(item, f"{path} cannot be opened")
    held = ctypes.c_void_p(item)
    config = struct.pack("2IQ2I", 0, 1, 1, 0, 0)  # tr_gate_config: no signals, records, the root
    found = ctypes.c_void_p(library.bpf_object__find_map_by_name(held, b".rodata.config"))
    expect.equal(library.bpf_map__set_initial_value(found, config, ctypes.c_size_t(len(config))), 0, "setting .rodata.config")
    logs, program = {}, None
    has_later = f"\0btf_trace_{LATER}\0".encode() in pathlib.Path("/sys/kernel/btf/vmlinux").read_bytes()
    while program := library.bpf_object__next_program(held, ctypes.c_void_p(program)):
        if LATER in library.bpf_program__name(ctypes.c_void_p(program)).decode() and not has_later:
            library.bpf_program__set_autoload(ctypes.c_void_p(program), False)
            continue
        log = ctypes.create_string_buffer(1 << 16)
        logs[library.bpf_program__name(ctypes.c_void_p(program)).decode()] = log
        library.bpf_program__set_log_buf(ctypes.c_void_p(program), log, ctypes.c_size_t(len(log)))
        library.bpf_program__set_log_level(ctypes.c_void_p(program), STATISTICS)
    result = library.bpf_object__load(held)
    library.bpf_object__close(held)
    expect.equal(result, 0, f"loading {path}")
    costs = {}
    for name, log in logs.items():
        line = LINE.search(log.value)
        expect.true(line, f"no statistics of {name}: {log.value[-200:]}")
        costs[name] = {"instructions": int(line[1]), "states": int(line[3])}
    return costs


def test_what_the_gates_cost():
    costs = {f"{item}: {name}": cost for item in OBJECTS for name, cost in _costs(HERE / f"../../BPF/Objects/{item}.bpf.o").items()}
    kernel = ".".join(platform.release().split(".")[:2])
    for name, cost in sorted(costs.items()):
        print(f"      {name}: {cost['instructions']} instructions ({100 * cost['instructions'] / LIMIT:.1f} % of the limit), {cost['states']} states")
        expect.true(cost["instructions"] < LIMIT / 2, f"{name} takes {cost['instructions']} instructions: other kernels may not take it")
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if os.environ.get("TRUSTRUN_VERIFIER") == "write":
        FIGURES.write_text(json.dumps({**figures, kernel: costs}, indent=1, sort_keys=True) + "\n")
        return
    known = figures.get(kernel)
    if known is None:
        raise expect.Skip(f"verifier.json has no figures of kernel {kernel}: {json.dumps(costs)}")
    expect.equal(sorted(costs), sorted(known), "programs")
    for name, cost in costs.items():
        for what, value in cost.items():
            expect.true(value <= known[name][what] * SLACK + 16, f"{name}: {value} {what}, {known[name][what]} when it was last seen on {kernel}")
