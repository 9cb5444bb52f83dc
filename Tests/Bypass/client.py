# SPDX-License-Identifier: Apache-2.0
"""Who tries, inside of the scope or outside: takes steps on stdin, each in a fork of its own, answers on stdout.

A step is {"way": NAME, "limit": SECONDS, ...}; the answer is "ok", the name of an errno, or words. A program of its own.
"""

import errno
import json
import os
import select
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Kernel"))

import ways_dns
import ways_handed
import ways_inet
import ways_kinds
import ways_options
import ways_process
import ways_tls

WAYS = {name: function for module in (ways_dns, ways_inet, ways_options, ways_kinds, ways_process, ways_handed, ways_tls)
        for name, function in vars(module).items() if callable(function) and not name.startswith("_")}


def attempt(step):
    arguments = {key: value for key, value in step.items() if key not in ("way", "limit")}
    try:
        return WAYS[step["way"]](**arguments) or "ok"
    except OSError as error:
        if isinstance(error, TimeoutError) and not error.errno:
            return "timeout"
        return errno.errorcode.get(error.errno, repr(error))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def take(step):
    """The step in a fork, which is killed when its time is up."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.setsid()
        try:
            os.write(write, json.dumps(attempt(step)).encode())
        finally:
            os._exit(0)
    os.close(write)
    ready = select.select([read], [], [], step["limit"])[0]
    answer = os.read(read, 65536) if ready else b'"no end"'
    os.close(read)
    try:
        os.killpg(child, signal.SIGKILL)
    except OSError:
        pass
    os.waitpid(child, 0)
    return json.loads(answer or b'"died"')


def main():
    line = socket.socket(fileno=os.dup(0))
    file = line.makefile("rw")
    with open("/proc/self/cgroup") as groups:
        group = next(text[3:].strip() for text in groups if text.startswith("0::"))
    with open("/proc/self/status") as status:
        capabilities = next(text.split()[1] for text in status if text.startswith("CapEff"))
    print(json.dumps({"pid": os.getpid(), "group": group, "uid": os.getuid(), "capabilities": capabilities}), file=file, flush=True)
    for text in file:
        started = time.monotonic()
        answer = take(json.loads(text))
        print(json.dumps({"answer": answer, "seconds": time.monotonic() - started}), file=file, flush=True)


if __name__ == "__main__":
    main()
