# SPDX-License-Identifier: Apache-2.0
"""Copies of libssl that appear after the agent's start, in a mount namespace of their own."""

import os
import pathlib
import shutil
import subprocess

import expect
import tls_servers
from children import Program
from harness import limit
from settings import scaled
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
    """The first process that maps it may be too quick for SSL_ctrl; the wire names it all the same."""
    root = folder()
    program = os.path.realpath(expect.which("openssl"))
    copy_with_libraries(program, root)
    (root / "dev").mkdir()
    (root / "etc").mkdir()
    server = tls_servers.PythonTls()
    for attempt in range(3):
        name = f"root{attempt}.example.test"
        client = Program(program, "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", name,
                         before=lambda: private_root(str(root).encode()))
        client.result(text="Q\n")
        sni = agent.wait_for("sni", pid=client.pid)
        agent.settle()
        expect.equal(len(agent.find("sni", pid=client.pid)), 1, "number of sni events")
        expect.holds(sni, sni__name=name, process__executable=program)
        expect.true("wire" in sni["sni"]["sources"], "not seen on the wire", sni)
    expect.equal(sorted(sni["sni"]["sources"]), ["ssl_ctrl", "wire"], "sources", sni)
