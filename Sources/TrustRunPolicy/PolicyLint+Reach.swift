// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

// Rules that can never decide anything, because an earlier rule with the same pattern takes part whenever they do.
extension PolicyLint {
    func unreachableRules() -> [PolicyFinding] {
        takenPatterns().map { taken in
            let rule = policy.rules[taken.rule]
            let patterns = taken.patterns.map { pattern in "`\(pattern.text)`" }.sorted().joined(separator: ", ")
            return unreachable(
                rule, by: policy.rules[taken.taker], whole: taken.patterns.count == Set(rule.patterns).count,
                patterns: patterns)
        }
    }

    /// The rules of which some patterns never decide, with those patterns and the first rule that is asked before them.
    func takenPatterns() -> [(rule: Int, patterns: [Pattern], taker: Int)] {
        var earlier: [Pattern: [Int]] = [:]
        var found: [(rule: Int, patterns: [Pattern], taker: Int)] = []
        for (index, rule) in policy.rules.enumerated() {
            var takers: [Int] = []
            var patterns: [Pattern] = []
            for pattern in Set(rule.patterns) {
                let before = earlier[pattern] ?? []
                if let taker = rule.taker(of: pattern, among: before.map { index in policy.rules[index] }) {
                    takers.append(before[taker])
                    patterns.append(pattern)
                }
                earlier[pattern] = before + [index]
            }
            if let taker = takers.min() { found.append((index, patterns, taker)) }
        }
        return found
    }

    private func unreachable(_ rule: Rule, by taker: Rule, whole: Bool, patterns: String) -> PolicyFinding {
        let what = whole ? "this rule never decides" : "\(patterns) never decides in this rule"
        let isSame = taker.action == rule.action
        let isInherited = taker.origin.document != rule.origin.document
        let reason =
            isSame
            ? "\(taker.id) says the same earlier; delete one of them"
            : isInherited
                ? "\(taker.id) (\(taker.action.text)) goes before what is inherited; nothing to do if that is meant"
                : "\(taker.id) (\(taker.action.text)) matches the same earlier; delete one of them"
        return finding(
            whole ? .unreachableRule : .unreachablePattern, rule, severity: isSame || isInherited ? .note : .warning,
            "\(what): \(reason)")
    }
}

extension Rule {
    /// The first of the earlier rules with the same pattern if they take part together whenever this one does; nil if it may win.
    fileprivate func taker(of pattern: Pattern, among earlier: [Rule]) -> Int? {
        let covering = earlier.indices.filter { index in
            (earlier[index].process == nil || earlier[index].process == process)
                && !earlier[index].transports(for: pattern).isDisjoint(with: transports(for: pattern))
        }
        let isTaken = transports(for: pattern).allSatisfy { transport in
            let rules = covering.map { index in earlier[index] }.filter { rule in
                rule.transports(for: pattern).contains(transport)
            }
            if rules.contains(where: { rule in rule.ports == nil }) { return true }
            guard let ports else { return false }
            return ports.isCovered(by: rules.flatMap { rule in rule.ports ?? [] })
        }
        return isTaken ? covering.first : nil
    }

    /// What it takes part for. A name rule that permits does so for UDP only if it says that the address is enough.
    private func transports(for pattern: Pattern) -> Set<TransportProtocol> {
        if case .name = pattern, isPermitting, !(transport == .udp && verify == .address) {
            return transport == .udp ? [] : [.tcp]
        }
        return transport.map { transport in [transport] } ?? [.tcp, .udp]
    }
}

extension [ClosedRange<UInt16>] {
    /// Whether the other ranges hold all that these do.
    fileprivate func isCovered(by others: [ClosedRange<UInt16>]) -> Bool {
        let others = others.sorted { left, right in left.lowerBound < right.lowerBound }
        return allSatisfy { range in
            var next = Int(range.lowerBound)
            for other in others where other.lowerBound <= next && Int(other.upperBound) >= next {
                next = Int(other.upperBound) + 1
            }
            return next > Int(range.upperBound)
        }
    }
}
