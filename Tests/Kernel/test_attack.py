# SPDX-License-Identifier: Apache-2.0
"""`trustrun-agent attack`: the suite that the agent carries."""

import glob
import json
import subprocess

import expect
import scopes
from harness import each_guest
from settings import SCALE, agent_path, scaled
from test_enforce_handover import is_refused_here

GUESTS_SHARE = True

FOLDERS = "/tmp/trustrun-attack-*"


def attack(*options):
    before = set(glob.glob(FOLDERS))
    done = subprocess.run([agent_path(), "attack", *map(str, options)], capture_output=True, text=True, timeout=scaled(60), cwd="/")
    expect.equal(set(glob.glob(FOLDERS)) - before, set(), "folders left behind")
    return done


def results(done):
    """Of each attempt by each party, once it is known that all of stdout is one object."""
    told = json.loads(done.stdout)
    expect.holds(told, schema="trustrun.attack.v1", status=done.returncode)
    return told, {(row["attempt"], row["who"]): row for row in told["attempts"]}


@each_guest
def test_under_a_policy_of_its_own_and_one_of_the_users():
    mine = scopes.write("name: mine\nrules:\n  - {match: '*.openai.example', action: allow}\ndefaults: {action: block}\n")
    for options in ([], ["--policy", mine])[SCALE > 1:]:  # in an emulated machine one will do
        done = attack("-k", "UDP connect, w", "--json", *options)
        expect.equal((done.returncode, done.stderr), (0, ""), "status and stderr")
        told, found = results(done)
        expect.equal(told["policy"], str(mine) if options else "the suite's own", "the policy")
        expect.equal({row["result"] for row in found.values()}, {"refused"}, f"results: {found}")
        expect.true({("UDP connect, write", "user"), ("UDP connect, writev", "user")} <= set(found), f"attempts: {list(found)}")


@each_guest
def test_under_a_policy_that_lists_unix_sockets():
    """What the attempts need of them is listed besides; where they cannot be refused, nothing is tried."""
    listing = scopes.write("name: mine\nrules: []\nunix_sockets: [/dev/log]\ndefaults: {action: block}\n")
    for pattern in ("another process asked to send", "a socket of the scope used from outside"):
        done = attack("-k", pattern, "--json", "--policy", listing)
        if not is_refused_here():
            expect.equal((done.returncode, done.stdout), (69, ""), f"status and stdout; {done.stderr}")
            return expect.true("the policy has `unix_sockets`" in done.stderr and "Traceback" not in done.stderr, done.stderr)
        expect.equal((done.returncode, done.stderr), (0, ""), "status and stderr")
        expect.equal({row["result"] for row in results(done)[1].values()}, {"refused"}, pattern)


def test_what_gets_through_fails():
    lax = scopes.write("name: lax\nrules: []\ndefaults: {action: alert}\n")
    done = attack("-k", "UDP connect, writev", "--policy", lax)
    expect.equal(done.returncode, 1, f"status: {done.stdout}")
    expect.true("GOT THROUGH" in done.stdout, done.stdout)
    for options, status in (([], 0), (["--strict"], 1))[SCALE > 1:]:
        done = attack("-k", "name: another name in", "--json", *options)
        expect.equal(done.returncode, status, f"status with {options}, where one way is known")
        expect.equal(results(done)[1]["name: another name in what is encrypted", "user"]["result"], "known", "a way that is known")


def test_bad_input():
    wrong = scopes.write("name: wrong\nrules:\n  - {match: any, action: deny}\n")
    for options, status, text in ((["--policy", "/nowhere.yaml"], 66, "/nowhere.yaml"), (["--policy", wrong], 65, "unknown action"),
                                  (["--nothing"], 64, "nothing"), (["-k", "no attempt has this name"], 64, "no attempt")):
        done = attack(*options)
        expect.equal(done.returncode, status, f"status for {options}: {done.stderr}")
        expect.true(text in done.stderr, f"`{text}` is not in {done.stderr}")
    done = subprocess.run(["setpriv", "--reuid", str(scopes.USER), "--clear-groups", agent_path(), "attack"], capture_output=True, text=True)
    expect.equal((done.returncode, "root" in done.stderr), (77, True), f"as an ordinary user: {done.stderr}")
