// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunTestSupport

@testable import TrustRunPolicy

@Suite struct PolicyLintPropertyTests {
    /// What is said to decide never does: 10 seeds, 100 policies each, 500 destinations each.
    @Test(arguments: 1...10) func neverCallsARuleUnreachableThatDecides(seed: UInt64) throws {
        var random = RandomPolicies(seed: seed)
        let names = random.names(60)
        var (found, decided) = (0, 0)
        for _ in 0..<100 {
            let policy = random.policy()
            let taken = PolicyLint(policy: policy, suffixes: nil).takenPatterns()
            guard !taken.isEmpty else { continue }
            found += taken.count
            // Nothing is left of one such rule but what never decides.
            for entry in taken.shuffled(using: &random.generator).prefix(5) {
                var bare = policy
                bare.rules[entry.rule].patterns = entry.patterns
                let compiled = try CompiledPolicy(bare)
                for _ in 0..<500 {
                    let asked = random.destination(of: policy, names: names.count)
                    guard let rule = compiled.decide(asked.question(names)).rule else { continue }
                    decided += 1
                    guard rule != entry.rule else {
                        Issue.record(
                            "\(asked) is decided by \(bare.rules[rule]), which was called unreachable in \(bare.rules)")
                        return
                    }
                }
            }
        }
        // Without any of them nothing would have been tested.
        #expect(found > 20)
        #expect(decided > 10_000)
    }

    @Test(arguments: 1...5) func neverTrapsAndNamesRulesThatExist(seed: UInt64) {
        var random = RandomPolicies(seed: seed)
        for _ in 0..<100 {
            let policy = random.policy()
            for finding in PolicyLint.findings(in: policy) {
                #expect(finding.rule == nil || policy.rules.contains { rule in rule.id == finding.rule })
                #expect(!finding.text(in: policy).isEmpty)
            }
        }
    }

    /// Two globs overlap if some label fits both, which is tried with every short one.
    @Test func globsOverlapWhereSomeLabelFitsBoth() {
        var generator = SeededGenerator(seed: 7)
        let letters = ["a", "b"]
        var labels = [""]
        for _ in 0..<6 { labels += labels.flatMap { label in letters.map { letter in label + letter } } }
        let all = Set(labels)
        var overlaps = 0
        for _ in 0..<400 {
            let globs = (0..<2).map { _ in
                (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                    ["a", "b", "*"][Int.random(in: 0..<3, using: &generator)]
                }.joined()
            }
            let (left, right) = (globs[0], globs[1])
            let expected = all.contains { label in
                ByteGlob.matches(left.utf8.span, label.utf8.span) && ByteGlob.matches(right.utf8.span, label.utf8.span)
            }
            #expect(LabelGlob.overlap(left[...], right[...]) == expected, "\(left) \(right)")
            if expected { overlaps += 1 }
        }
        #expect((50...350).contains(overlaps))
    }
}

extension RandomPolicies.Destination {
    fileprivate func question(_ names: [[UInt8]]) -> PolicyQuestion {
        PolicyQuestion(
            address: address, port: port, transport: transport,
            name: name.flatMap { index in DomainName(String(decoding: names[index], as: UTF8.self)) },
            executable: RandomPolicies.executables[executable], direction: isInbound ? .inbound : .outbound)
    }
}
