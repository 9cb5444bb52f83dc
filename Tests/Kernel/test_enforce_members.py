# SPDX-License-Identifier: Apache-2.0
"""A process of a scope stays one, wherever it moves itself, and sends by no sockets that were made elsewhere."""

import cgroups
import expect
import scopes
from test_enforce import EPERM, everywhere
from test_enforce_life import agent, wait_until
from test_enforce_scopes import Client, held

ALLOWED, REFUSED = ("tcp", "10.1.1.1", 443), ("tcp", "10.2.2.2", 443)


def _procs(group=None):
    return str((group.folder if group else cgroups.mount_point()) / "cgroup.procs")


def test_who_leaves_gets_no_sockets():
    group, other, namespace = cgroups.Group("a"), cgroups.Group("other"), everywhere()
    one, late = (Client(group, namespace, user=None) for _ in range(2))
    stranger = Client(other, namespace, user=None)
    keeper = held(scopes.policy("allow 10.1.1.1"), group)
    born = Client(group, namespace, user=None)
    keeper.mark()
    expect.equal([client.ask(*step) for client in (one, born) for step in (ALLOWED, REFUSED)], ["ok", EPERM] * 2, "in the scope")
    for client, way in ((one, _procs()), (born, _procs(other))):
        expect.equal(client.ask("leave", way), "ok", "control: nothing keeps uid 0 from leaving")
        for step in (ALLOWED, REFUSED, ("in_thread", *ALLOWED), ("in_fork", *ALLOWED), ("in_orphan", *ALLOWED), ("sendto", "10.1.1.1", 53)):
            expect.equal(client.ask(*step), EPERM, f"{step} of who left by {way}")
    expect.equal(stranger.ask(*REFUSED), "ok", "who was never in the scope")
    for event in keeper.wait_for("violation", 4, verdict__gate="leaving", pid=one.pid)[:3]:
        expect.holds(event, attempt__kind="leaving", attempt__protocol=6, attempt__type=1, verdict__action="block", cgroup__path="/")

    keeper.process.kill()
    keeper.process.wait()
    expect.equal(late.ask("leave", _procs()), "ok", "control: without an agent too")
    expect.equal([client.ask(*ALLOWED) for client in (one, born, late)], [EPERM] * 3, "without an agent")
    # Whoever comes back is held as before.
    expect.equal(one.ask("leave", _procs(group)), "ok", "coming back")
    expect.equal((one.ask(*ALLOWED), one.ask(*REFUSED)), ("ok", EPERM), "back in the scope")
    (name,) = keeper.instances
    expect.equal(agent("release", name).returncode, 0, "`release`")
    wait_until(lambda: [client.ask(*REFUSED) for client in (one, born, late)] == ["ok"] * 3, "everybody to be let go")


def test_sockets_are_the_scopes_that_they_were_made_in():
    group, namespace = cgroups.Group("a"), everywhere()
    held(scopes.policy("allow 10.1.1.1"), group)
    for way in ("connects", "sends"):
        inside, outside = Client(group, namespace, user=None), Client(None, namespace, user=None)
        expect.equal(inside.ask("moves_with_a_socket", _procs(), way, "10.2.2.2"), EPERM, f"a socket of the scope {way} outside")
        expect.equal(inside.ask("moves_with_a_socket", _procs(group), way, "10.1.1.1"), EPERM, "control: who left makes no socket")
        expect.equal(outside.ask("moves_with_a_socket", _procs(group), way, "10.1.1.1"), EPERM, f"a socket that was made outside {way} in the scope")
        expect.equal(outside.ask(*ALLOWED), "ok", "control: one that was made inside")


def test_who_is_moved_out_by_others_is_let_go():
    group, namespace = cgroups.Group("a"), everywhere()
    one = Client(group, namespace)
    held(scopes.policy("allow 10.1.1.1"), group)
    expect.equal(one.ask(*REFUSED), EPERM, "in the scope")
    with open(_procs(), "w") as file:
        file.write(str(one.pid))
    expect.equal((one.ask(*REFUSED), one.ask("in_fork", *REFUSED)), ("ok", "ok"), "who was moved out")
