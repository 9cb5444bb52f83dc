# SPDX-License-Identifier: Apache-2.0
"""Which name a connection gets, on what evidence, and when none."""

import pathlib
import tempfile

import client_hello
import expect
import netns
import tls_servers
from children import LIBC, Program, check
from dns_site import RESOLVER, site
from dns_server import UNASKED_ADDRESS
from harness import TRAFFIC


def connections(agent, child, addresses, pid=None):
    """The TCP connects of the process to these addresses, and their closes; each close has the connect's ends."""
    port = site().port
    connects = agent.wait_for("connect", len(addresses), pid=pid or child.pid, destination__port=port)
    closes = agent.wait_for("close", len(addresses), pid=pid or child.pid, destination__port=port)
    agent.settle()
    found = agent.find(TRAFFIC, pid=pid or child.pid, destination__port=port)
    connects, closes = [connects, closes] if len(addresses) > 1 else [[connects], [closes]]
    expect.equal(len([event for event in found if event["type"] == "connect"]), len(addresses), "connects", *found)
    expect.equal([event["destination"]["address"] for event in connects], addresses, "addresses", *found)
    return connects, closes


def check_named(agent, child, address, name, source="dns", pid=None):
    (connect,), (close,) = connections(agent, child, [address], pid)
    for event in (connect, close):
        expect.holds(event, destination__name=name, destination__name_source=source, destination__names=None)
    return connect, close


def test_the_resolved_name(agent):
    child = site().client(["resolve", "plain.example.test"], ["connect", "10.77.0.11"])
    child.result()
    check_named(agent, child, "10.77.0.11", "plain.example.test")


def test_the_hint_at_who_is_behind_it(agent):
    """The name's registrable domain; and of an address within a published range, whose it is. All of it stays in the namespace."""
    site().namespace.add_address("160.79.104.77/32")
    child = site().client(
        ["resolve", "plain.example.test"], ["connect", "10.77.0.11"], ["connect", "10.77.0.12"], ["connect", "160.79.104.77"])
    child.result()
    connects, closes = connections(agent, child, ["10.77.0.11", "10.77.0.12", "160.79.104.77"])
    for named, nameless, published in (connects, closes):
        expect.equal(named["destination"]["organisation"], {"hint": True, "domain": "example.test"}, "the name's hint")
        expect.true("organisation" not in nameless["destination"], f"a hint from nothing: {nameless}")
        hint = published["destination"]["organisation"]
        expect.equal((hint["hint"], hint["name"]), (True, "Anthropic"), "the address's hint")
        expect.true(hint["source"].startswith("published ranges 20"), f"its source: {hint}")


def test_ipv6(agent):
    child = site().client(["resolve", "six.example.test", {"kind": 28}], ["connect", "fd77::24"])
    child.result()
    check_named(agent, child, "fd77::24", "six.example.test")


def test_over_tcp(agent):
    child = site().client(["tcp", "plain.example.test", "second.example.test"], ["connect", "10.77.0.12"])
    child.result()
    check_named(agent, child, "10.77.0.12", "second.example.test")


def test_split_over_segments(agent):
    child = site().client(["tcp", "split.example.test"], ["connect", "10.77.0.19"])
    child.result()
    check_named(agent, child, "10.77.0.19", "split.example.test")


def test_truncated_then_tcp(agent):
    child = site().client(
        ["resolve", "truncated.example.test"], ["tcp", "truncated.example.test"], ["connect", "10.77.0.20"])
    child.result()
    check_named(agent, child, "10.77.0.20", "truncated.example.test")


def test_an_alias_chain_gives_the_queried_name(agent):
    child = site().client(["resolve", "www.example.test"], ["connect", "10.77.0.13"])
    child.result()
    check_named(agent, child, "10.77.0.13", "www.example.test")


def test_each_of_several_addresses(agent):
    addresses = ["10.77.0.16", "10.77.0.14", "10.77.0.15"]
    child = site().client(["resolve", "several.example.test"], *(["connect", address] for address in addresses))
    child.result()
    for event in sum(connections(agent, child, addresses), []):
        expect.holds(event, destination__name="several.example.test", destination__name_source="dns")


def test_the_last_of_64_addresses(agent):
    child = site().client(["resolve", "many.example.test", {"with_edns": True}], ["connect", "10.77.1.64"])
    child.result()
    check_named(agent, child, "10.77.1.64", "many.example.test")


def test_a_short_life_names_what_follows_at_once(agent):
    child = site().client(["resolve", "brief.example.test"], ["connect", "10.77.0.18"])
    child.result()
    check_named(agent, child, "10.77.0.18", "brief.example.test")


def _use_test_resolver(file):
    """Gives the calling process a resolv.conf of its own."""
    netns.unshare(netns.CLONE_NEWNS)
    private_all, bind = 0x40000 | 0x4000, 0x1000
    check(LIBC.mount(None, b"/", None, private_all, None), "mount private")
    check(LIBC.mount(file.encode(), b"/etc/resolv.conf", None, bind, None), "mount bind")


def test_libc_and_curl(agent):
    """The whole way, as programs go it: getaddrinfo (both families at once), connect, handshake."""
    pathlib.Path("/etc/resolv.conf").touch()
    server = tls_servers.PythonTls("10.77.0.12", namespace=site().namespace)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"nameserver {RESOLVER}\n")
        file.flush()
        curl = Program("curl", "-sk", "--noproxy", "*", f"https://second.example.test:{server.port}/",
                       namespace=site().namespace, before=lambda: _use_test_resolver(file.name))
        expect.equal(curl.result(), "hello", "curl's output")
    close = agent.wait_for("close", pid=curl.pid, destination__port=server.port)
    connect = agent.wait_for("connect", pid=curl.pid, destination__port=server.port)
    sni = agent.wait_for("sni", pid=curl.pid)
    for event, source in ((connect, "dns"), (sni, "dns+sni"), (close, "dns+sni")):
        expect.holds(event, destination__name="second.example.test", destination__name_source=source,
                     destination__address="10.77.0.12", connection=connect["connection"])
    asked = {event["dns"]["query_type"] for event in agent.find("dns", pid=curl.pid, dns__phase="query")}
    expect.equal(asked, {"A", "AAAA"}, "types asked for")


def test_two_names_on_one_address_are_both_told(agent):
    child = site().client(["resolve", "one.example.test"], ["resolve", "two.example.test"], ["connect", "10.77.0.17"])
    child.result()
    (connect,), (close,) = connections(agent, child, ["10.77.0.17"])
    for event in (connect, close):
        expect.holds(event, destination__name=None, destination__name_source="dns",
                     destination__names=["two.example.test", "one.example.test"])


def _with_hello(agent, name, *resolved):
    """Resolves, connects to the address that both names have, sends a ClientHello for `name`."""
    hello = client_hello.hello(name).hex()
    child = site().client(*(["resolve", other] for other in resolved), ["connect", "10.77.0.17", hello])
    child.result()
    connects, (close,) = connections(agent, child, ["10.77.0.17"])
    sni = agent.wait_for("sni", pid=child.pid)
    expect.equal(len(agent.find("sni", pid=child.pid)), 1, "number of sni events")
    expect.holds(sni, connection=connects[0]["connection"], sni__name=name, sni__sources=["wire"])
    return sni, close


def test_the_server_name_decides_between_two(agent):
    for event in _with_hello(agent, "one.example.test", "one.example.test", "two.example.test"):
        expect.holds(event, destination__name="one.example.test", destination__name_source="dns+sni",
                     destination__names=None)


def test_server_name_and_answer_agree(agent):
    for event in _with_hello(agent, "one.example.test", "one.example.test"):
        expect.holds(event, destination__name="one.example.test", destination__name_source="dns+sni")


def test_a_server_name_without_an_answer_is_a_claim(agent):
    for event in _with_hello(agent, "one.example.test"):
        expect.holds(event, destination__name="one.example.test", destination__name_source="sni")


def test_a_server_name_for_another_address_is_a_claim(agent):
    """The process did resolve that name, but to another address."""
    for event in _with_hello(agent, "plain.example.test", "plain.example.test", "one.example.test"):
        expect.holds(event, destination__name="plain.example.test", destination__name_source="sni")


def _nameless(agent, child, address, pid=None):
    (connect,), (close,) = connections(agent, child, [address], pid)
    for event in (connect, close):
        expect.holds(event, destination__name=None, destination__names=None, destination__name_source="none")


def test_another_processs_answer_names_nothing(agent):
    other = site().client(["resolve", "plain.example.test"])
    other.result()
    child = site().client(["connect", "10.77.0.11"])
    child.result()
    _nameless(agent, child, "10.77.0.11")


def test_a_childs_answer_does_not_name_its_parents_connection(agent):
    child = site().client(["fork", ["resolve", "plain.example.test"]], ["connect", "10.77.0.11"])
    child.result()
    _nameless(agent, child, "10.77.0.11")


def test_a_child_inherits_its_parents_answer(agent):
    child = site().client(["resolve", "plain.example.test"], ["fork", ["connect", "10.77.0.11"]])
    heir = child.result()[1][0]
    check_named(agent, child, "10.77.0.11", "plain.example.test", pid=heir)


def test_an_address_that_was_not_in_the_answer(agent):
    child = site().client(["resolve", "plain.example.test"], ["connect", "10.77.0.12"])
    child.result()
    _nameless(agent, child, "10.77.0.12")


def test_an_answer_with_another_id_names_nothing(agent):
    child = site().client(["resolve", "wrongid.example.test"], ["connect", "10.77.0.21"])
    child.result()
    _nameless(agent, child, "10.77.0.21")


def test_an_answer_from_an_impostor_names_nothing(agent):
    child = site().client(["resolve", "spoofed.example.test"], ["connect", "10.77.0.22"])
    child.result()
    _nameless(agent, child, "10.77.0.22")


def test_an_answer_to_another_question_names_nothing(agent):
    child = site().client(["resolve", "extra.example.test"], ["connect", UNASKED_ADDRESS])
    child.result()
    _nameless(agent, child, UNASKED_ADDRESS)


def test_a_refused_name_names_nothing(agent):
    child = site().client(["resolve", "absent.example.test"], ["connect", "10.77.0.11"])
    child.result()
    _nameless(agent, child, "10.77.0.11")
