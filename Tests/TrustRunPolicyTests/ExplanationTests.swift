// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

@Suite struct ExplanationTests {
    private func explanation(_ rules: [String], _ asked: String) throws -> Explanation {
        let policy = Policy(
            name: "table", description: nil, rules: try rules.enumerated().map(PolicyShorthand.rule),
            settings: PolicySettings(),
            documents: [Policy.Document(label: "site.yaml", name: "table", description: nil)])
        return policy.explain(try PolicyShorthand.question(asked))
    }

    @Test func saysWhyEachRuleDoesNotDecide() throws {
        let rules = [
            "block any", "allow *.com", "alert a.com ports=80,8000-8999", "allow a.com udp",
            "allow a.com process=/bin/sh",
            "allow a.com", "block a.com", "allow *.*.com", "alert 10.0.0.0/8", "alert 10.1.0.0/16", "block 0.0.0.0/0",
            "allow b.com",
        ]
        let lines = try explanation(rules, "a.com@10.1.2.3:443").lines
        #expect(
            lines == [
                "allow  a.com at 10.1.2.3, port 443, tcp",
                "  by rule table#6, `a.com`, site.yaml:1",
                "",
                "Rules that match, the best first:",
                "  alert  table#3   a.com        does not fit: for ports 80, 8000-8999 only",
                "  allow  table#4   a.com        does not fit: for udp only",
                "  allow  table#5   a.com        does not fit: for process /bin/sh only, and the process is not known",
                "  allow  table#6   a.com        decides",
                "  block  table#7   a.com        is passed over: as specific as table#6, which comes before it",
                "  allow  table#2   *.com        is passed over: table#6 says the whole name",
                "  alert  table#10  10.1.0.0/16  is passed over: an address rule that permits comes after rules for names",
                "  alert  table#9   10.0.0.0/8   is passed over: /8 is shorter than /16 of table#10",
                "  block  table#11  0.0.0.0/0    is passed over: /0 is shorter than /16 of table#10",
                "  block  table#1   any          is passed over: `any` comes last",
            ])
    }

    @Test func comparesGlobs() throws {
        let lines = try explanation(["block *.com", "block *x*.a.com", "allow xx*.a.com"], "xxx.a.com").lines
        #expect(
            lines.suffix(3) == [
                "  allow  table#3  xx*.a.com  decides",
                "  block  table#2  *x*.a.com  is passed over: 7 characters beside `*`, 8 in table#3",
                "  block  table#1  *.com      is passed over: 1 label from the right without `*`, 2 in table#3",
            ])
    }

    @Test func putsARefusingAddressFirst() throws {
        let lines = try explanation(["allow a.com", "block 10.0.0.0/8", "allow any"], "a.com@10.1.2.3").lines
        #expect(
            lines.suffix(3) == [
                "  block  table#2  10.0.0.0/8  decides",
                "  allow  table#1  a.com       is passed over: an address rule that refuses comes before rules for names",
                "  allow  table#3  any         is passed over: `any` comes last",
            ])
    }

    @Test func saysWhatIsNotKnown() throws {
        let byName = try explanation(["allow a.com", "block 10.0.0.0/8"], "b.com udp")
        #expect(
            byName.lines == [
                "alert  b.com, udp", "  by the default action: no rule fits", "",
                "The address is not known: rules for addresses take no part.",
            ])
        #expect(
            try explanation(["allow a.com"], "10.1.2.3").notes == ["No name is known: rules for names take no part."])
        #expect(
            try explanation(["allow a.com"], "10.1.2.3 inbound").notes
                == ["Rules for names take no part for who connects in."])
        #expect(try explanation(["allow any"], "a.com").notes == [])
    }

    @Test func saysWhatUDPNeeds() throws {
        let explanation = try explanation(["allow a.com"], "a.com udp")
        #expect(
            explanation.matches.map(\.outcome)
                == [.unfit("permits by name, which for udp needs `protocol: udp` and `verify: address`")])
    }

    /// 10 seeds, 100 policies each, 20 destinations each.
    @Test(arguments: 101...110) func agreesWithTheCompiledForm(seed: UInt64) throws {
        var random = RandomPolicies(seed: seed)
        let names = random.names(60).map { String(decoding: $0, as: UTF8.self) }
        for _ in 0..<100 {
            let policy = random.policy()
            let compiled = try CompiledPolicy(policy)
            for _ in 0..<20 {
                let asked = random.destination(of: policy, names: names.count)
                let question = PolicyQuestion(
                    address: asked.address, port: asked.port, transport: asked.transport,
                    name: asked.name.flatMap { DomainName(names[$0]) },
                    executable: RandomPolicies.executables[asked.executable],
                    direction: asked.isInbound ? .inbound : .outbound)
                let explanation = policy.explain(question)
                try #require(
                    explanation.decision == compiled.decide(question), "seed \(seed): \(question)\n\(policy.rules)")
                let won = explanation.matches.filter { $0.outcome == .won }
                try #require(won.map(\.rule) == [explanation.decision.rule].compactMap { $0 })
            }
        }
    }
}
