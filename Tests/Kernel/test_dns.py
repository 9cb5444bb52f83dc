# SPDX-License-Identifier: Apache-2.0
"""DNS questions and answers as events: both transports, aliases, EDNS, errors, and answers that nobody asked for."""

import clients
import expect
import servers
from children import Child
from dns_site import IMPOSTOR, LOCAL_RESOLVER, RESOLVER, site
from dns_server import UNASKED


def messages(agent, child, count, **where):
    """The dns events of a process, in time order; fails if there are others."""
    agent.wait_for("dns", count, pid=child.pid, **where)
    agent.settle()
    found = sorted(agent.find("dns", pid=child.pid, **where), key=lambda event: event["time"])
    expect.equal(len(found), count, "number of dns events", *found)
    return found


def check_pair(agent, child, name, addresses, transport="udp", resolver=RESOLVER, **answered):
    query, answer = messages(agent, child, 2)
    for event in (query, answer):
        expect.holds(event, dns__name=name, dns__transport=transport, dns__resolver__address=resolver,
                     dns__resolver__port=53, dns__unsolicited=None)
    expect.holds(query, dns__phase="query")
    expect.holds(answer, dns__phase="answer", dns__id=query["dns"]["id"],
                 dns__query_type=query["dns"]["query_type"],
                 **{"dns__response_code": "NOERROR", **answered})
    seen = [record["address"] for record in answer["dns"].get("answers", [])]
    expect.equal(seen, addresses, "addresses", answer)
    expect.between(answer["dns"]["duration_ns"], 1, 5e9, "duration", answer)
    return query, answer


def test_query_and_answer(agent):
    child = site().client(["resolve", "plain.example.test"])
    child.result()
    query, answer = check_pair(agent, child, "plain.example.test", ["10.77.0.11"])
    expect.holds(query, dns__query_type="A")
    expect.equal(answer["dns"]["answers"], [{"address": "10.77.0.11", "ttl": 60}], "answers", answer)


def test_ipv6_address(agent):
    child = site().client(["resolve", "plain.example.test", {"kind": 28}])
    child.result()
    query, _ = check_pair(agent, child, "plain.example.test", ["fd77::11"])
    expect.holds(query, dns__query_type="AAAA")


def test_resolver_on_loopback(agent):
    child = site().client(["resolve", "plain.example.test", {"resolver": LOCAL_RESOLVER}])
    child.result()
    check_pair(agent, child, "plain.example.test", ["10.77.0.11"], resolver=LOCAL_RESOLVER)


def test_aliases(agent):
    child = site().client(["resolve", "www.example.test"])
    child.result()
    check_pair(agent, child, "www.example.test", ["10.77.0.13"], dns__cnames=["a.cdn.test", "edge.cdn.test"])


def test_edns(agent):
    child = site().client(["resolve", "plain.example.test", {"with_edns": True}])
    child.result()
    check_pair(agent, child, "plain.example.test", ["10.77.0.11"])


def test_a_large_answer(agent):
    child = site().client(["resolve", "many.example.test", {"with_edns": True}])
    expect.equal(len(child.result()[0]), 64, "addresses that the client read")
    check_pair(agent, child, "many.example.test", [f"10.77.1.{last}" for last in range(1, 65)])


def test_a_long_name(agent):
    name = "x" * 60 + "." + "y" * 60 + "." + "z" * 60 + ".example.test"
    child = site().client(["resolve", name])
    child.result()
    check_pair(agent, child, name, ["10.77.0.25"])


def test_letters_in_either_case_are_one_name(agent):
    child = site().client(["resolve", "pLaIn.ExAmPlE.tEsT"])
    child.result()
    check_pair(agent, child, "plain.example.test", ["10.77.0.11"])


def test_no_such_name(agent):
    child = site().client(["resolve", "absent.example.test"])
    child.result()
    check_pair(agent, child, "absent.example.test", [], dns__response_code="NXDOMAIN")


def test_a_name_without_an_address(agent):
    child = site().client(["resolve", "empty.example.test", {"kind": 16}])
    child.result()
    query, _ = check_pair(agent, child, "empty.example.test", [])
    expect.holds(query, dns__query_type="TXT")


def test_no_answer(agent):
    child = site().client(["resolve", "silent.example.test"])
    child.result()
    query, = messages(agent, child, 1)
    expect.holds(query, dns__phase="query", dns__name="silent.example.test")


def test_over_tcp(agent):
    child = site().client(["tcp", "plain.example.test"])
    child.result()
    check_pair(agent, child, "plain.example.test", ["10.77.0.11"], "tcp")


def test_an_answer_over_several_segments(agent):
    child = site().client(["tcp", "split.example.test"])
    child.result()
    check_pair(agent, child, "split.example.test", ["10.77.0.19"], "tcp")


def test_two_messages_in_one_segment(agent):
    child = site().client(["tcp", "plain.example.test", "second.example.test"])
    child.result()
    found = messages(agent, child, 4)
    for name, address in (("plain.example.test", "10.77.0.11"), ("second.example.test", "10.77.0.12")):
        query, answer = [event for event in found if event["dns"]["name"] == name]
        expect.holds(query, dns__phase="query", dns__transport="tcp")
        expect.holds(answer, dns__phase="answer", dns__id=query["dns"]["id"], dns__unsolicited=None)
        expect.equal(answer["dns"]["answers"], [{"address": address, "ttl": 60}], "answers", answer)


def test_a_truncated_answer(agent):
    child = site().client(["resolve", "truncated.example.test"], ["tcp", "truncated.example.test"])
    child.result()
    found = messages(agent, child, 4)
    expect.holds(found[1], dns__phase="answer", dns__truncated=True, dns__transport="udp")
    expect.equal(found[1]["dns"].get("answers", []), [], "answers", found[1])
    expect.holds(found[3], dns__phase="answer", dns__truncated=None, dns__transport="tcp")
    expect.equal(found[3]["dns"]["answers"], [{"address": "10.77.0.20", "ttl": 60}], "answers", found[3])


def _unsolicited(agent, child, name, **wanted):
    """The answer that nobody asked for; its process may be unknown, but not somebody else's."""
    answer = agent.wait_for("dns", dns__name=name, dns__phase="answer", dns__unsolicited=True)
    expect.true(expect.get(answer, "process.pid") in (None, child.pid), "somebody else's", answer)
    expect.holds(answer, dns__duration_ns=None, **wanted)
    agent.settle()
    others = agent.find("dns", dns__name=name, dns__phase="answer", dns__unsolicited=None)
    expect.equal(others, [], "answers that were asked for", *others)


def test_an_answer_with_another_id_is_unsolicited(agent):
    child = site().client(["resolve", "wrongid.example.test"])
    child.result()
    query, = messages(agent, child, 1, dns__phase="query")
    _unsolicited(agent, child, "wrongid.example.test", dns__id=query["dns"]["id"] ^ 1)


def test_an_answer_from_another_address_is_unsolicited(agent):
    child = site().client(["resolve", "spoofed.example.test"])
    child.result()
    query, = messages(agent, child, 1, dns__phase="query")
    _unsolicited(agent, child, "spoofed.example.test", dns__id=query["dns"]["id"], dns__resolver__address=IMPOSTOR)


def test_an_answer_to_another_question_is_unsolicited(agent):
    child = site().client(["resolve", "extra.example.test"], ["wait"])
    child.receive()
    _unsolicited(agent, child, UNASKED)
    child.send()
    child.result()
    answer, = messages(agent, child, 1, dns__name="extra.example.test", dns__phase="answer")
    expect.holds(answer, dns__unsolicited=None)


def test_an_answer_that_points_at_itself_harms_nobody(agent):
    child = site().client(["resolve", "plain.example.test"], ["wait"], ["resolve", "second.example.test"])
    child.receive()
    looping = site().client(["resolve", "loop.example.test"])
    looping.wait()
    child.send()
    child.result()
    found = messages(agent, child, 4)
    expect.holds(found[3], dns__name="second.example.test", dns__unsolicited=None)


def test_garbage_on_port_53_is_no_dns(agent):
    space = site().namespace
    server = servers.UdpEcho("10.77.0.29", 53, namespace=space)
    child = Child(clients.datagrams, "10.77.0.29", server.port, [b"\xff" * 40, b"x", bytes(12)], 3, namespace=space)
    child.result()
    agent.exactly("connect close", pid=child.pid)
