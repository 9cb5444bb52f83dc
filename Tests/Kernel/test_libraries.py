# SPDX-License-Identifier: Apache-2.0
"""Copies of libssl that appear after the agent's start: in a mount namespace of their own, and broken ones."""

import mmap
import os
import pathlib
import shutil
import ssl  # noqa: F401: maps libssl
import struct
import subprocess
import time

import clients
import expect
import servers
import tls_servers
from children import Child, Program
from harness import limit
from settings import agent_path, scaled
from test_process import folder, private_root

LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")


def copy_with_libraries(program, root):
    """Copies a program and the shared objects that it needs to the same places below `root`."""
    loader = next(path for path in LOADERS if os.path.exists(path))
    listed = subprocess.run([loader, "--list", program], capture_output=True, text=True, timeout=scaled(10), check=True)
    needed = {word for line in listed.stdout.splitlines() for word in line.split() if word.startswith("/")}
    for path in {program, loader, *needed}:
        target = pathlib.Path(root, path[1:])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


@limit(60)
def test_a_library_in_another_root(agent):
    """The first processes that map it may be too quick for SSL_ctrl; the wire names them all the same."""
    root = folder()
    program = os.path.realpath(expect.which("openssl"))
    copy_with_libraries(program, root)
    (root / "dev").mkdir()
    (root / "etc").mkdir()
    server = tls_servers.PythonTls()
    for attempt in range(20):
        name = f"root{attempt}.example.test"
        client = Program(program, "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", name,
                         before=lambda: private_root(str(root).encode()))
        client.result(text="Q\n")
        sni = agent.wait_for("sni", pid=client.pid)
        agent.settle()
        expect.equal(len(agent.find("sni", pid=client.pid)), 1, "number of sni events")
        expect.holds(sni, sni__name=name, process__executable=program)
        expect.true("wire" in sni["sni"]["sources"], "not seen on the wire", sni)
        if "ssl_ctrl" in sni["sni"]["sources"]:
            break
        time.sleep(scaled(0.1))  # the agent looks at new mappings at each tick
    expect.equal(sorted(sni["sni"]["sources"]), ["ssl_ctrl", "wire"], "sources", sni)


def ssl_library():
    """The libssl that this interpreter runs on."""
    with open("/proc/self/maps") as maps:
        return next(line.split()[-1] for line in maps if "/libssl" in line)


def without_entry_sizes(path):
    """An ELF file's bytes whose symbol tables claim to have entries of no size."""
    data = bytearray(pathlib.Path(path).read_bytes())
    first, = struct.unpack_from("<Q", data, 40)  # e_shoff
    size, count = struct.unpack_from("<HH", data, 58)
    for index in range(count):
        struct.pack_into("<Q", data, first + index * size + 56, 0)  # sh_entsize
    return data


def mapped_to_run(parent, path):
    with open(path, "rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
        parent.send("mapped")
        parent.receive()
        mapping.close()


def test_a_library_that_is_not_what_it_says(agent):
    """Anybody can map a file of that name: whatever is in it, the agent goes on, and so does `doctor`."""
    path = folder() / "libssl.so.3"
    path.write_bytes(without_entry_sizes(ssl_library()))
    child = Child(mapped_to_run, str(path))
    child.receive()
    time.sleep(scaled(0.5))  # the agent looks at new mappings at each tick
    server = servers.Echo()
    client = Child(clients.exchange, "127.0.0.1", server.port)
    client.result()
    agent.wait_for("close", pid=client.pid)
    report = subprocess.run([agent_path(), "doctor", "--json"], capture_output=True, text=True, timeout=scaled(20))
    expect.true(report.returncode in (0, 1), f"doctor ended with {report.returncode}: {report.stderr}")
    child.send("end")
    child.result()
