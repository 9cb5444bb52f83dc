# SPDX-License-Identifier: Apache-2.0
"""Programs of every day work under `run`, with what contains them."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import zipfile

import children
import cleanup
import expect
import scopes
import servers
from settings import scaled, workload
from test_enforce_run import ALLOWED
from tls_servers import PythonTls


def folder():
    """One of the user's own."""
    made = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(made.cleanup)
    os.chown(made.name, scopes.USER, scopes.USER)
    return pathlib.Path(made.name)


def needs(program):
    if not shutil.which(str(program)):
        raise expect.Skip(f"{program} is not installed")


def output_of(*command, home=None, **environment):
    """What a program prints under `run`."""
    needs(command[0])
    home = str(home or folder())
    program = scopes.start(scopes.policy(ALLOWED), *command, cwd=home, environment={"HOME": home, "LC_ALL": "C", **environment})
    output, errors = program.communicate(timeout=scaled(60))
    expect.equal(program.returncode, 0, f"status; {output} {errors}")
    return output


def serving(path):
    """The port of an HTTP server of those files."""
    code = ("import functools, http.server as h, sys; s = h.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(h.SimpleHTTPRequestHandler, directory=sys.argv[1])); "
            "print(s.server_port, flush=True); s.serve_forever()")
    return int(children.Program(scopes.PYTHON, "-c", code, path, stderr=subprocess.DEVNULL).stdout.readline())


def test_curl():
    expect.equal(output_of("curl", "-sS", "--noproxy", "*", f"http://127.0.0.1:{servers.Http().port}/"), "hello", "output")


def test_git():
    needs("git")
    home = folder()
    script = ("set -e; git init -q a; cd a; git config user.email a@example.test; git config user.name a; echo one > one; mkdir below; git add .; git commit -qm one; "
              "git mv one below/two; git commit -qm two; git gc -q; git clone -q . ../b; cd ..; git -C b log --format=%s; git -C a update-server-info")
    expect.equal(output_of("sh", "-c", script, home=home), "two\none\n", "commits of the clone")
    port = serving(home)
    expect.equal(output_of("sh", "-c", f"git clone -q http://127.0.0.1:{port}/a/.git c && ls c/below"), "two\n", "files of a clone over HTTP")


def test_pip():
    home = folder()
    with zipfile.ZipFile(home / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "print('tiny runs')\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    if subprocess.run([scopes.PYTHON, "-m", "pip", "--version"], capture_output=True).returncode:
        raise expect.Skip("pip is not installed")
    port = serving(home)
    words = f"-q --disable-pip-version-check --no-index --target here --find-links http://127.0.0.1:{port}/ --trusted-host 127.0.0.1 tiny"
    expect.equal(output_of("sh", "-c", f"{scopes.PYTHON} -m pip install {words} && PYTHONPATH=here {scopes.PYTHON} -m tiny"), "tiny runs\n", "output")


def test_apt():
    home = folder()
    repository = home / "repository"
    repository.mkdir()
    (repository / "Packages").write_text("Package: tiny\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <a@example.test>\nFilename: ./tiny.deb\nSize: 1\n"
                                         "SHA256: " + "0" * 64 + "\nDescription: tiny\n\n")
    for name in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "etc/trusted.gpg.d"):
        os.makedirs(home / name)
    (home / "status").write_text("")
    (home / "sources.list").write_text(f"deb [trusted=yes] http://127.0.0.1:{serving(repository)}/ ./\n")
    for path in (home, *home.rglob("*")):
        os.chown(path, scopes.USER, scopes.USER)
    options = [f"-oDir::State={home}/state", f"-oDir::State::status={home}/status", f"-oDir::Cache={home}/cache", f"-oDir::Etc={home}/etc",
               f"-oDir::Etc::sourcelist={home}/sources.list", "-oAcquire::http::Proxy=DIRECT", "-oAPT::Sandbox::User="]
    output_of("apt-get", "-q", *options, "update", home=home)
    expect.true("Candidate: 1.0" in output_of("apt-cache", *options, "policy", "tiny", home=home), "the package is known")


def test_python():
    code = ("import asyncio, multiprocessing, os, subprocess, sys\n"
            "async def fetch(port):\n"
            "    reader, writer = await asyncio.open_connection('127.0.0.1', port)\n"
            "    writer.write(b'GET / HTTP/1.0\\r\\n\\r\\n'); text = await reader.read(); writer.close(); return text[-5:].decode()\n"
            "async def all_of(port): return await asyncio.gather(*[fetch(port) for _ in range(20)])\n"
            "def square(number): return number * number\n"
            "if __name__ == '__main__':\n"
            "    print(set(asyncio.run(all_of(int(sys.argv[1])))))\n"
            "    for how in ('fork', 'spawn', 'forkserver'):\n"
            "        with multiprocessing.get_context(how).Pool(3) as pool: print(pool.map(square, range(4)))\n"
            "    print(subprocess.run(['id', '-u'], capture_output=True, text=True).stdout, end='')\n")
    home = folder()
    (home / "program.py").write_text(code)
    squares = "[0, 1, 4, 9]\n" * 3
    expect.equal(output_of(scopes.PYTHON, "program.py", str(servers.Http().port), home=home), f"{{'hello'}}\n{squares}{scopes.USER}\n", "output")


def test_node():
    code = ("const [http, fs, cp, wt] = ['http', 'fs', 'child_process', 'worker_threads'].map(require);"
            "fs.promises.readFile('/etc/hostname').then(() => http.get('http://127.0.0.1:' + process.argv[1], r => { let t = ''; r.on('data', d => t += d); r.on('end', () => {"
            "const w = new wt.Worker('require(\"worker_threads\").parentPort.postMessage(1 + 1)', {eval: true});"
            "w.on('message', m => console.log(t, m, cp.execSync('echo child').toString().trim())); }); }));")
    expect.equal(output_of("node", "-e", code, str(servers.Http().port)), "hello 2 child\n", "output")


def test_go():
    server = PythonTls()
    output_of(workload("go_tls_client"), f"127.0.0.1:{server.port}", "www.example.test")


def test_ssh():
    """As far as a server is not needed: it reaches one that is none, and says so."""
    needs("ssh")
    home = folder()
    program = scopes.start(scopes.policy(ALLOWED), "ssh", "-F", "none", "-o", "BatchMode=yes", "-p", str(servers.Http().port), "127.0.0.1", "true", cwd=home,
                           environment={"HOME": str(home)})
    _, errors = program.communicate(timeout=scaled(30))
    expect.true("enforced test, proven: 1 let through, 0 refused" in errors and "kex_exchange_identification" in errors, f"stderr: {errors}")
