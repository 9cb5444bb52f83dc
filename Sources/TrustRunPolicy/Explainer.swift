// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// Judges one destination rule by rule, without the compiled form, and keeps what it finds.
struct Explainer {
    /// A rule with the best of its patterns of one kind.
    struct Hit {
        let rule: Int
        let pattern: Pattern
        /// What the rule lacks to take part.
        let unfit: String?

        var length: Int {
            guard case .network(let network) = pattern else { return 0 }
            return network.length
        }

        var specificity: NamePattern.Specificity? {
            guard case .name(let name) = pattern else { return nil }
            return name.specificity
        }
    }

    private let policy: Policy
    private let question: PolicyQuestion
    private var isInbound: Bool { question.direction == .inbound }
    /// The best first.
    private var addresses: [Hit] = []
    private var names: [Hit] = []
    private var any: [Hit] = []

    init(_ policy: Policy, _ question: PolicyQuestion) {
        self.policy = policy
        self.question = question
        for index in policy.rules.indices { take(index) }
        addresses.sort { left, right in
            left.length != right.length ? left.length > right.length : left.rule < right.rule
        }
        names.sort { left, right in
            guard let mine = left.specificity, let other = right.specificity, mine != other else {
                return left.rule < right.rule
            }
            return other < mine
        }
    }

    private mutating func take(_ index: Int) {
        let rule = policy.rules[index]
        var best: (network: IPNetwork?, name: NamePattern?, isAny: Bool) = (nil, nil, false)
        for pattern in rule.patterns {
            switch pattern {
            case .any:
                best.isAny = true
            case .network(let network):
                guard let address = question.address, network.contains(address) else { continue }
                if network.length >= best.network?.length ?? 0 { best.network = network }
            case .name(let name):
                guard !isInbound, let asked = question.name, name.matches(asked) else { continue }
                if let known = best.name, name.specificity < known.specificity { continue }
                best.name = name
            }
        }
        let unfit = unfitness(of: rule)
        if let network = best.network { addresses.append(Hit(rule: index, pattern: .network(network), unfit: unfit)) }
        if let name = best.name {
            names.append(Hit(rule: index, pattern: .name(name), unfit: unfit ?? unfitnessByName(of: rule)))
        }
        if best.isAny { any.append(Hit(rule: index, pattern: .any, unfit: unfit)) }
    }

    private func unfitness(of rule: Rule) -> String? {
        if let transport = rule.transport, transport != question.transport { return "for \(transport.policyWord) only" }
        if let ports = rule.ports {
            let text = ports.map(\.portText).joined(separator: ", ")
            if isInbound { return "for ports \(text) only, which says nothing of who connects in" }
            guard let port = question.port else { return "for ports \(text) only, and the port is not known" }
            if !ports.contains(where: { range in range.contains(port) }) { return "for ports \(text) only" }
        }
        guard let process = rule.process else { return nil }
        let text = "for process \(PrintableText.of(process.text)) only"
        if isInbound { return "\(text), which says nothing of who connects in" }
        guard let executable = question.executable, !executable.isEmpty else {
            return "\(text), and the process is not known"
        }
        return process.matches(executable.utf8.span) ? nil : text
    }

    private func unfitnessByName(of rule: Rule) -> String? {
        guard question.transport == .udp, !rule.permitsUDPByName else { return nil }
        return "permits by name, which for udp needs `protocol: udp` and `verify: address`"
    }
}

// MARK: - The decision

extension Explainer {
    func explanation() -> Explanation {
        let address = addresses.first { hit in hit.unfit == nil }
        let name = names.first { hit in hit.unfit == nil }
        let any = any.first { hit in hit.unfit == nil }
        if !isInbound, let address, address.length > 0, !policy.rules[address.rule].action.letsThrough {
            return explanation(
                address, .address, [addresses, names, self.any],
                [whyLess, { _, _ in "an address rule that refuses comes before rules for names" }, whyNotAny])
        }
        if let name {
            let whyNotAddress: Reason = { hit, winner in
                if let address, hit.rule != address.rule { return whyLess(hit, address) }
                return policy.rules[hit.rule].action.letsThrough
                    ? "an address rule that permits comes after rules for names" : "a /0 comes after rules for names"
            }
            return explanation(name, .name, [names, addresses, self.any], [whyLess, whyNotAddress, whyNotAny])
        }
        if let address {
            return explanation(address, .address, [names, addresses, self.any], [whyLess, whyLess, whyNotAny])
        }
        return explanation(
            any, any == nil ? .defaults : .any, [names, addresses, self.any], [whyLess, whyLess, whyLess])
    }

    private typealias Reason = (_ loser: Hit, _ winner: Hit) -> String

    private func explanation(
        _ winner: Hit?, _ basis: DecisionBasis, _ groups: [[Hit]], _ reasons: [Reason]
    ) -> Explanation {
        var matches: [Explanation.Match] = []
        for (group, reason) in zip(groups, reasons) {
            for hit in group {
                let outcome: Explanation.Outcome =
                    if let unfit = hit.unfit {
                        .unfit(unfit)
                    } else if let winner, hit.rule != winner.rule || hit.pattern != winner.pattern {
                        .lost(reason(hit, winner))
                    } else {
                        .won
                    }
                matches.append(Explanation.Match(rule: hit.rule, pattern: hit.pattern, outcome: outcome))
            }
        }
        let action = winner.map { winner in policy.rules[winner.rule].action } ?? policy.settings.defaultAction.value
        return Explanation(
            question: question, decision: Decision(action: action, basis: basis, rule: winner?.rule), matches: matches,
            notes: notes, policy: policy)
    }

    private func whyNotAny(_ loser: Hit, _ winner: Hit) -> String { "`any` comes last" }

    /// Why one of two rules of the same kind, both of which fit, is not preferred.
    private func whyLess(_ loser: Hit, _ winner: Hit) -> String {
        let id = PrintableText.of(policy.rules[winner.rule].id)
        if loser.length != winner.length { return "/\(loser.length) is shorter than /\(winner.length) of \(id)" }
        if let mine = loser.specificity, let other = winner.specificity, mine != other {
            if mine.isExact != other.isExact { return "\(id) says the whole name" }
            return mine.literalLabels != other.literalLabels
                ? "\(Self.count(mine.literalLabels, "label")) from the right without `*`, \(other.literalLabels) in \(id)"
                : "\(Self.count(mine.literalBytes, "character")) beside `*`, \(other.literalBytes) in \(id)"
        }
        return "as specific as \(id), which comes before it"
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// Only what some rule would have asked for.
    private var notes: [String] {
        let patterns = policy.rules.lazy.flatMap(\.patterns)
        var notes: [String] = []
        if isInbound, policy.settings.inbound.value == .allow {
            notes.append("The policy has `inbound: allow`: nobody who connects in is judged by this.")
        }
        if question.address == nil,
            patterns.contains(where: { pattern in if case .network = pattern { true } else { false } })
        {
            notes.append("The address is not known: rules for addresses take no part.")
        }
        if patterns.contains(where: { pattern in if case .name = pattern { true } else { false } }) {
            if isInbound {
                notes.append("Rules for names take no part for who connects in.")
            } else if question.name == nil {
                notes.append("No name is known: rules for names take no part.")
            }
        }
        return notes
    }
}

extension Policy {
    /// Why the policy says what it says of a destination.
    package func explain(_ question: PolicyQuestion) -> Explanation {
        Explainer(self, question).explanation()
    }
}

extension CompiledPolicy {
    /// Why the policy says what it says of a destination, found without the compiled form.
    package func explain(_ question: PolicyQuestion) -> Explanation {
        policy.explain(question)
    }
}
