// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents

@testable import TrustRunPolicy

@Suite struct PolicyTestTests {
    private static let policy = """
        rules:
          - { match: api.example.com, ports: [443], action: allow, reason: The API }
          - { match: "*.example.com", action: alert, process: /usr/bin/curl }
          - { match: 10.0.0.0/8, action: kill }
          - { match: 192.0.2.0/24, action: allow }
          - { match: any, ports: [25], action: kill }
        defaults: { action: block }
        """

    private func test(_ text: String, path: String = "tests/t.yaml") throws -> PolicyTest {
        try PolicyTest(path: path, bytes: Array(text.utf8))
    }

    private func outcomes(_ expectations: String) throws -> [PolicyTest.Outcome] {
        let compiled = try CompiledPolicy(try Documents(["p.yaml": Self.policy]).load("p.yaml"))
        return try test("expect:\n" + expectations).run(on: compiled)
    }

    @Test func readsEveryKey() throws {
        let test = try test(
            """
            policy: [../p.yaml, "preset:azure-openai(resource=contoso)", /etc/p.yaml]
            expect:
              - destination: API.Example.com@[2001:db8::1]:443
                process: /usr/bin/python3
                protocol: udp
                direction: inbound
                action: kill
                rule: p.yaml#2
              - { destination: 10.0.0.1, action: allow }
            """)
        #expect(test.policies == ["p.yaml", "preset:azure-openai(resource=contoso)", "/etc/p.yaml"])
        let first = try #require(test.expectations.first)
        #expect(first.question.name?.description == "api.example.com")
        #expect(first.question.address?.description == "2001:db8::1")
        #expect(first.question.port == 443)
        #expect(first.question.transport == .udp)
        #expect(first.question.direction == .inbound)
        #expect(first.question.executable == "/usr/bin/python3")
        #expect(first.action == .kill)
        #expect(first.rule == "p.yaml#2")
        #expect((first.line, first.column) == (3, 5))
        let second = try #require(test.expectations.last)
        #expect(second.question.transport == .tcp)
        #expect(second.question.direction == .outbound)
        #expect(second.question.port == nil)
        #expect(second.rule == nil)
        #expect((second.line, second.column) == (9, 5))
        #expect(try self.test("expect: [{ destination: a.b, action: block }]").policies.isEmpty)
    }

    @Test(arguments: [
        ("", "1:1: the document is empty; expected keys such as `name` and `rules`"),
        ("policy: p.yaml", "1:1: a file without `expect`; expected a list of destinations and actions"),
        ("expect: []", "1:9: 0 expectations; expected 1 to 65536"),
        ("expect: {}", "1:9: a mapping; expected a list of expectations"),
        ("rules: []", "1:1: unknown key `rules` in a file of expectations; expected one of policy, expect"),
        ("expect: [{ action: block }]", "1:10: an expectation without `destination` or `action`; expected both"),
        ("expect: [{ destination: a.b }]", "1:10: an expectation without `destination` or `action`; expected both"),
        (
            "expect: [{ destination: a.b, action: deny }]",
            "1:38: unknown action `deny`; expected one of allow, alert, block, kill"
        ),
        (
            "expect: [{ destination: a.b, action: block, port: 443 }]",
            """
            1:45: unknown key `port` in an expectation; expected one of destination, action, rule, process, protocol, direction
            """
        ),
        (
            "expect: [{ destination: a.b, action: block, protocol: sctp }]",
            "1:55: unknown protocol `sctp`; expected one of tcp, udp"
        ),
        (
            "expect: [{ destination: a.b, action: block, direction: up }]",
            "1:56: unknown direction `up`; expected one of outbound, inbound"
        ),
        (
            "expect: [{ destination: a.b, action: block, process: curl }]",
            "1:54: process `curl` is no whole path; expected one such as /usr/bin/curl"
        ),
        ("expect: [{ destination: \"a.b:0\", action: block }]", "1:25: port `0` of `a.b:0`; expected 1 to 65535"),
        (
            "expect: [{ destination: \"a.b:https\", action: block }]",
            "1:25: port `https` of `a.b:https`; expected 1 to 65535"
        ),
        (
            "expect: [{ destination: \"a.b:65536\", action: block }]",
            "1:25: port `65536` of `a.b:65536`; expected 1 to 65535"
        ),
        (
            "expect: [{ destination: \"*.a.b\", action: block }]",
            "1:25: `*.a.b` is no host; expected HOST, ADDRESS or HOST@ADDRESS, with :PORT or without"
        ),
        (
            "expect: [{ destination: any, action: block }]",
            "1:25: `any` is no host; expected HOST, ADDRESS or HOST@ADDRESS, with :PORT or without"
        ),
        (
            "expect: [{ destination: 10.0.0.0/8, action: block }]",
            "1:25: `10.0.0.0/8` is no host; expected HOST, ADDRESS or HOST@ADDRESS, with :PORT or without"
        ),
        (
            "expect: [{ destination: \"a.b@c.d\", action: block }]",
            "1:25: `c.d` is no address; expected HOST, ADDRESS or HOST@ADDRESS, with :PORT or without"
        ),
        (
            "policy: \"preset:\"\nexpect: []",
            "1:9: \"preset:\" is no preset; expected preset:NAME or preset:NAME(parameter=value,...)"
        ),
    ])
    func saysWhereAFileIsWrong(_ text: String, _ problem: String) {
        let error = #expect(throws: PolicyError.self) { try test(text, path: "t.yaml") }
        #expect(error?.description == "t.yaml:" + problem)
    }

    @Test(
        arguments: [
            ("a.example", "a.example", nil, nil), ("A.Example.:80", "a.example", nil, 80),
            ("10.0.0.1", nil, "10.0.0.1", nil),
            ("10.0.0.1:65535", nil, "10.0.0.1", 65535), ("2001:db8::1", nil, "2001:db8::1", nil),
            ("[2001:db8::1]", nil, "2001:db8::1", nil), ("[2001:db8::1]:53", nil, "2001:db8::1", 53),
            ("::1", nil, "::1", nil),
            ("a.b@10.0.0.1", "a.b", "10.0.0.1", nil), ("a.b@10.0.0.1:1", "a.b", "10.0.0.1", 1),
            ("a.b@::1", "a.b", "::1", nil),
            ("a.b@[::1]:2", "a.b", "::1", 2), ("bücher.example:443", "xn--bcher-kva.example", nil, 443),
        ] as [(String, String?, String?, UInt16?)])
    func readsDestinations(_ text: String, _ name: String?, _ address: String?, _ port: UInt16?) throws {
        let destination = try DestinationText(text)
        #expect(destination.name?.description == name)
        #expect(destination.address?.description == address)
        #expect(destination.port == port)
    }

    @Test(arguments: [
        "", ":", ":443", "@", "a.b@", "@10.0.0.1", "a.b:", "[::1", "[::1]x", "[::1]:", "[a.b]:1", "a.b@[10.0.0.1",
        "a..b", "a b",
        "a.b:+1", "a.b: 1", "10.0.0", "10.0.0.1.2", "2001:db8::1::2", "a.b@10.0.0.1@10.0.0.2", "https://a.b", "a.b:1:2",
    ])
    func refusesWhatIsNoDestination(_ text: String) {
        #expect(throws: ReferenceError.self) { try DestinationText(text) }
    }

    @Test(arguments: [
        ("{ destination: \"api.example.com:443\", action: allow, rule: p.yaml#1 }", true),
        ("{ destination: \"api.example.com:443\", action: allow }", true),
        ("{ destination: \"api.example.com:443\", action: allow, rule: p.yaml#2 }", false),
        ("{ destination: \"api.example.com:443\", action: alert }", false),
        ("{ destination: \"b.example.com:443\", process: /usr/bin/curl, action: alert, rule: p.yaml#2 }", true),
        ("{ destination: \"b.example.com:443\", action: alert }", false),
        ("{ destination: \"b.example.com:443\", action: block, rule: default }", true),
        ("{ destination: \"api.example.com@10.0.0.1:443\", action: kill, rule: p.yaml#3 }", true),
        ("{ destination: \"api.example.com@10.0.0.1:443\", action: allow }", false),
        ("{ destination: \"192.0.2.1:25\", direction: inbound, action: allow, rule: p.yaml#4 }", true),
        ("{ destination: \"api.example.com:443\", direction: inbound, action: block, rule: default }", true),
    ])
    func holdsWhereActionAndRuleAreAsExpected(_ expectation: String, _ holds: Bool) throws {
        #expect(try outcomes("  - \(expectation)").map(\.holds) == [holds])
    }

    @Test func tellsWhatCameInstead() throws {
        let policy = try Documents(["p.yaml": Self.policy]).load("p.yaml")
        let outcomes = try outcomes(
            """
              - { destination: "api.example.com:443", action: block, process: /usr/bin/wget }
              - { destination: "api.example.com@10.0.0.1:443", action: allow, rule: p.yaml#1 }
              - { destination: "x.example.com:443", action: alert, rule: q.yaml#2, protocol: udp }
              - { destination: "192.0.2.7:80", action: kill, direction: inbound }
              - { destination: "192.0.3.7:25", action: allow }
            """)
        #expect(
            outcomes.flatMap { outcome in outcome.difference(in: policy, label: "t.yaml") } == [
                "t.yaml:2:5: api.example.com:443 tcp, process /usr/bin/wget",
                "  expected  block",
                "  got       allow by p.yaml#1 (p.yaml:2: The API)",
                "  because   of the rules that match the name and take part, this one is the most specific, or the first of such",
                "t.yaml:3:5: api.example.com@10.0.0.1:443 tcp",
                "  expected  allow by p.yaml#1",
                "  got       kill by p.yaml#3 (p.yaml:4)",
                "  because   the longest prefix that matches the address refuses, and that goes before names",
                "t.yaml:4:5: x.example.com:443 udp",
                "  expected  alert by q.yaml#2, which the policy does not have",
                "  got       block by default",
                "  because   no rule takes part",
                "t.yaml:5:5: 192.0.2.7:80 tcp, inbound",
                "  expected  kill",
                "  got       allow by p.yaml#4 (p.yaml:5)",
                "  because   no name rule takes part, and this prefix is the longest that matches the address",
                "t.yaml:6:5: 192.0.3.7:25 tcp",
                "  expected  allow",
                "  got       kill by p.yaml#5 (p.yaml:6)",
                "  because   no name or address rule takes part",
            ])
    }

    /// Nothing in a document turns around, clears or adds a line of what a terminal shows.
    @Test func escapesWhatATerminalWouldObey() throws {
        let text = "rules: [{ match: any, action: block, reason: \"a\\nb\\u202e\" }]"
        let policy = try Documents(["p.yaml": text]).load("p.yaml")
        let outcomes = try test("expect: [{ destination: a.example, action: allow, rule: \"p\\u200b\" }]")
            .run(on: try CompiledPolicy(policy))
        #expect(
            outcomes.first?.difference(in: policy, label: "t.yaml").dropFirst().prefix(2) == [
                "  expected  allow by p\\u200b, which the policy does not have",
                "  got       block by p.yaml#1 (p.yaml:1: a\\u000ab\\u202e)",
            ])
    }
}
