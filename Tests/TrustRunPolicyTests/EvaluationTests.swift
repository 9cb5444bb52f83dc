// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

/// What a policy says of a destination, clause by clause; each row is also explained, and held against the reference.
@Suite struct EvaluationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let clause: String
        /// `ACTION MATCH[|MATCH...] [ports=80,8000-8999] [tcp|udp] [process=GLOB] [verify=address]`, numbered from 1.
        let rules: [String]
        /// `DESTINATION [udp] [by=PATH] [inbound]`.
        let asked: String
        /// `ACTION address|name|any NUMBER`, or `ACTION defaults`.
        let expected: String
        var defaults = PolicyAction.block

        init(_ clause: String, _ rules: [String], _ asked: String, _ expected: String, defaults: PolicyAction = .block)
        {
            (self.clause, self.rules, self.asked, self.expected) = (clause, rules, asked, expected)
            self.defaults = defaults
        }

        var testDescription: String { "\(clause): \(asked)" }
    }

    static let steps: [Case] = [
        // 1. The longest matching address prefix, if it says block or kill and is longer than /0.
        Case(
            "a refusing prefix comes before a name", ["allow a.com", "block 10.0.0.0/8"], "a.com@10.1.2.3",
            "block address 2"),
        Case("so does one that kills", ["allow a.com", "kill 10.1.2.3"], "a.com@10.1.2.3", "kill address 2"),
        Case(
            "so does one of IPv6", ["allow a.com", "block 2001:db8::/32"], "a.com@[2001:db8::1]:1", "block address 2"),
        Case("a /1 is longer than /0", ["allow a.com", "block 0.0.0.0/1"], "a.com@10.1.2.3", "block address 2"),
        Case("a /0 is not", ["allow a.com", "block 0.0.0.0/0"], "a.com@10.1.2.3", "allow name 1"),
        Case("nor is ::/0", ["allow a.com", "kill ::/0"], "a.com@2001:db8::1", "allow name 1"),
        Case(
            "only the longest prefix counts", ["allow a.com", "block 10.0.0.0/8", "alert 10.1.0.0/16"],
            "a.com@10.1.2.3",
            "allow name 1"),
        Case(
            "the longest that fits", ["allow a.com", "block 10.0.0.0/8", "alert 10.1.0.0/16 ports=80"],
            "a.com@10.1.2.3:443",
            "block address 2"),
        // 2. Else the best matching name rule.
        Case(
            "a name comes before a permitting prefix", ["alert 10.1.2.3", "allow a.com"], "a.com@10.1.2.3",
            "allow name 2"),
        Case("also to refuse", ["allow 10.1.2.3", "block a.com"], "a.com@10.1.2.3", "block name 2"),
        Case("a name comes before any", ["block any", "allow a.com"], "a.com", "allow name 2"),
        Case("exact first", ["block *.b.a.com", "allow c.b.a.com", "block c*.b.a.com"], "c.b.a.com", "allow name 2"),
        Case(
            "then more literal labels from the right",
            ["allow *.com", "block *.a.com", "allow aaaaaaaaaaaaaaaaa*.*.com"],
            "aaaaaaaaaaaaaaaaaa.a.com", "block name 2"),
        Case(
            "labels left of a star do not count", ["allow b.c.d.*.com", "block *.a.com"], "b.c.d.a.com", "block name 2"),
        Case(
            "then more literal bytes", ["allow *.a.com", "block x*.a.com", "allow *x*.a.com"], "xyx.a.com",
            "block name 2"),
        Case("bytes left of a star count", ["allow *.b*.com", "block c*.b*.com"], "cc.bb.com", "block name 2"),
        // 3. Else the longest matching address prefix; then any; then defaults.
        Case(
            "the longest prefix", ["block 0.0.0.0/0", "alert 10.0.0.0/8", "allow 10.1.0.0/16"], "a.com@10.1.2.3",
            "allow address 3"),
        Case("a /0 too", ["allow any", "block 0.0.0.0/0"], "10.1.2.3", "block address 2"),
        Case("then any", ["alert any", "block a.com", "block 10.0.0.0/8"], "b.com@11.0.0.1", "alert any 1"),
        Case("then defaults", ["allow a.com", "allow 10.0.0.0/8"], "b.com@11.0.0.1", "kill defaults", defaults: .kill),
        // Ties.
        Case("a tie of names", ["alert *.a.com", "block *.a.com"], "b.a.com", "alert name 1"),
        Case("a tie of exact names", ["alert a.com", "block a.com"], "a.com", "alert name 1"),
        Case("a tie of globs", ["alert a*.com", "block *a.com"], "aa.com", "alert name 1"),
        Case("a tie of prefixes", ["alert 10.0.0.0/8", "block 10.0.0.0/8"], "10.1.2.3", "alert address 1"),
        Case("a tie of any", ["alert any", "block any"], "10.1.2.3", "alert any 1"),
        Case("order is no more than that", ["alert *.com", "block *.a.com"], "b.a.com", "block name 2"),
    ]

    static let fits: [Case] = [
        Case("ports do not fit", ["allow a.com ports=443", "alert *.com"], "b.com:80", "alert name 2"),
        Case(
            "the next best does", ["block a.com ports=443", "allow a.com ports=80,8000-8999"], "a.com:8999",
            "allow name 2"),
        Case("ports fit at both ends", ["allow a.com ports=8000-8999"], "a.com:8000", "allow name 1"),
        Case("and not beyond", ["allow a.com ports=8000-8999"], "a.com:9000", "block defaults"),
        Case("an unknown port", ["allow a.com ports=1-65535", "alert any"], "a.com", "alert any 2"),
        Case("the protocol does not fit", ["kill 10.0.0.0/8 udp", "allow 10.0.0.0/8"], "10.1.2.3", "allow address 2"),
        Case(
            "the process fits", ["allow a.com process=/usr/bin/python3*"], "a.com by=/usr/bin/python3.11",
            "allow name 1"),
        Case("a star crosses slashes", ["allow a.com process=/usr/*3"], "a.com by=/usr/bin/python3", "allow name 1"),
        Case(
            "the process does not fit", ["allow a.com process=/usr/bin/python3*", "alert any"], "a.com by=/bin/sh",
            "alert any 2"),
        Case("an unknown process", ["allow a.com process=*", "alert *.com"], "a.com", "alert name 2"),
        Case("also for any", ["allow any process=*", "alert any"], "a.com", "alert any 2"),
        Case(
            "a refusing prefix that does not fit", ["allow a.com", "block 10.0.0.0/8 process=/bin/sh"],
            "a.com@10.1.2.3", "allow name 1"),
        Case("no address", ["block 10.0.0.0/8", "allow a.com"], "a.com", "allow name 2"),
        Case("no name", ["allow a.com", "alert 10.0.0.0/8"], "10.1.2.3", "alert address 2"),
        Case("one of several patterns", ["allow b.com|10.0.0.0/8|*.a.com"], "x.a.com", "allow name 1"),
        Case("a rule's best pattern counts", ["block *.com", "allow *.com|*.a.com"], "b.a.com", "allow name 2"),
    ]

    static let texts: [Case] = [
        Case("letters' case", ["allow API.OpenAI.com"], "api.openai.COM", "allow name 1"),
        Case("a trailing dot", ["allow a.com."], "a.com.", "allow name 1"),
        Case("a leading star is one label", ["allow *.a.com"], "b.a.com", "allow name 1"),
        Case("or more", ["allow *.a.com"], "d.c.b.a.com", "allow name 1"),
        Case("but not none", ["allow *.a.com"], "a.com", "block defaults"),
        Case("nor part of one", ["allow *.a.com"], "ba.com", "block defaults"),
        Case("a star within a label", ["allow a*b.a.com"], "a--b.a.com", "allow name 1"),
        Case("stands for nothing too", ["allow a*b.a.com"], "ab.a.com", "allow name 1"),
        Case("and stays within it", ["allow a*b.a.com"], "a.b.a.com", "block defaults"),
        Case("a star alone in the middle", ["allow a.*.com"], "a.b.com", "allow name 1"),
        Case("is one label", ["allow a.*.com"], "a.b.c.com", "block defaults"),
        Case("a star last", ["allow a.*"], "a.net", "allow name 1"),
        Case("both kinds", ["allow *.eu-*.a.com"], "c.b.eu-1.a.com", "allow name 1"),
        Case("need a label more", ["allow *.eu-*.a.com"], "eu-1.a.com", "block defaults"),
        Case("two stars first", ["allow *.*.com"], "c.b.com", "allow name 1"),
        Case("need two labels", ["allow *.*.com"], "b.com", "block defaults"),
        Case("an inner glob loses to a longer end", ["allow *-x.com", "block *.b-x.com"], "a.b-x.com", "block name 2"),
        Case("IPv4-mapped", ["allow 10.0.0.0/8"], "::ffff:10.1.2.3", "allow address 1"),
        Case("NAT64", ["allow 10.0.0.0/8", "block ::/0"], "64:ff9b::a01:203", "allow address 1"),
        Case("0.0.0.0 is loopback", ["allow 127.0.0.0/8"], "0.0.0.0", "allow address 1"),
        Case(":: is loopback", ["allow ::1"], "::", "allow address 1"),
        Case("loopback is not implied", ["allow a.com"], "127.0.0.1", "block defaults"),
        Case("0.0.0.0/0 is IPv4 only", ["allow 0.0.0.0/0"], "2001:db8::1", "block defaults"),
        Case("::/0 is IPv6 only", ["allow ::/0"], "10.1.2.3", "block defaults"),
        Case("a whole IPv6 address", ["block ::/0", "allow 2001:db8::1"], "2001:db8::1", "allow address 2"),
        Case(
            "within a /64", ["block 2001:db8::/64", "allow 2001:db8::8000:0:0:0/65"], "2001:db8::9000:0:0:1",
            "allow address 2"),
    ]

    static let udp: [Case] = [
        Case("a name does not permit it", ["allow a.com"], "a.com:443 udp", "block defaults"),
        Case("on any port", ["allow a.com ports=53"], "a.com:53 udp", "block defaults"),
        Case("not with the protocol alone", ["allow a.com udp"], "a.com udp", "block defaults"),
        Case("nor with verify alone", ["alert a.com verify=address"], "a.com udp", "block defaults"),
        Case("with both it does", ["allow a.com udp verify=address"], "a.com udp", "allow name 1"),
        Case("a name refuses it", ["kill a.com", "allow any"], "a.com udp", "kill name 1"),
        Case(
            "a wider name that refuses is left", ["allow a.com", "block *.com", "allow any"], "a.com udp",
            "block name 2"),
        Case("if it matches", ["allow a.com", "block *.a.com", "allow any"], "a.com udp", "allow any 3"),
        Case("an address permits it", ["allow a.com", "alert 10.0.0.0/8"], "a.com@10.1.2.3 udp", "alert address 2"),
        Case("any permits it", ["alert a.com", "allow any"], "a.com udp", "allow any 2"),
        Case("a default that permits", ["allow a.com"], "a.com udp", "alert defaults", defaults: .alert),
        Case("TCP is not concerned", ["allow a.com"], "a.com:443", "allow name 1"),
    ]

    static let inbound: [Case] = [
        Case("an address", ["allow 10.0.0.0/8"], "10.1.2.3 inbound", "allow address 1"),
        Case("no name", ["allow a.com"], "a.com@10.1.2.3 inbound", "block defaults"),
        Case(
            "no rule with ports", ["allow 10.0.0.0/8 ports=1-65535", "alert 0.0.0.0/0"], "10.1.2.3:80 inbound",
            "alert address 2"),
        Case("any without ports", ["kill any ports=80", "allow any"], "10.1.2.3:80 inbound", "allow any 2"),
        Case("the protocol fits", ["allow 10.0.0.0/8 udp", "alert any"], "10.1.2.3 inbound", "alert any 2"),
        Case(
            "no rule for a process takes part", ["allow 10.0.0.0/8 process=*nginx"],
            "10.1.2.3 by=/usr/sbin/nginx inbound",
            "block defaults"),
        Case("defaults", [], "10.1.2.3 inbound", "kill defaults", defaults: .kill),
    ]

    @Test(arguments: steps + fits + texts + udp + inbound) func decides(_ row: Case) throws {
        var settings = PolicySettings()
        settings.defaultAction.value = row.defaults
        let policy = Policy(
            name: "table", description: nil, rules: try row.rules.enumerated().map(PolicyShorthand.rule),
            settings: settings,
            documents: [])
        let question = try PolicyShorthand.question(row.asked)
        let compiled = try CompiledPolicy(policy)
        #expect(PolicyShorthand.text(compiled.decide(question)) == row.expected)
        let explanation = policy.explain(question)
        #expect(PolicyShorthand.text(explanation.decision) == row.expected)
        #expect(
            explanation.matches.filter { $0.outcome == .won }.map(\.rule)
                == [compiled.decide(question).rule].compactMap { $0 })
    }
}
