// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Looks for what is wrong with a policy that loads. What it says of a rule is certain, never likely.
package struct PolicyLint {
    let policy: Policy
    let suffixes: (any SuffixList)?

    /// Everything there is to say, in the order of the rules, what concerns the whole policy last.
    package static func findings(in policy: Policy, suffixes: (any SuffixList)? = nil) -> [PolicyFinding] {
        let lint = PolicyLint(policy: policy, suffixes: suffixes)
        var findings: [PolicyFinding] = []
        findings += lint.rentableWildcards()
        findings += lint.publicResolvers()
        findings += lint.unreachableRules()
        findings += lint.singleFamilies()
        findings += lint.ineffectiveUDP()
        findings += lint.plainPorts()
        findings += lint.processBoundaries()
        findings += lint.nameBlocks()
        findings += lint.addressBlocks()
        findings += lint.alerts()
        findings += lint.openDNS()
        // Stable: several of one rule keep the order above.
        return findings.sorted { left, right in Self.place(left) < Self.place(right) }
    }

    private static func place(_ finding: PolicyFinding) -> (Int, Int, Int) {
        guard finding.rule != nil, let origin = finding.origin else { return (.max, 0, 0) }
        return (origin.document, origin.line, origin.column)
    }

    func finding(
        _ code: PolicyFinding.Code, _ rule: Rule, severity: PolicyFinding.Severity = .warning, _ message: String
    ) -> PolicyFinding {
        PolicyFinding(code: code, severity: severity, rule: rule.id, origin: rule.origin, message: message)
    }

    /// One finding for each document of which rules are found, about its first one.
    func findingsByDocument(
        _ code: PolicyFinding.Code, _ severity: PolicyFinding.Severity, _ rules: [Rule],
        message: (_ first: Rule, _ others: String) -> String
    ) -> [PolicyFinding] {
        policy.documents.indices.compactMap { document in
            let own = rules.filter { rule in rule.origin.document == document }
            guard let first = own.first else { return nil }
            let others =
                own.count == 1 ? "" : " (and \(own.count - 1) more rule\(own.count == 2 ? "" : "s") of this document)"
            return finding(code, first, severity: severity, message(first, others))
        }
    }
}

/// The public suffix list, as far as lints ask it.
package protocol SuffixList: Sendable {
    /// Whether names directly below this one belong to whoever registers them.
    func isSuffix(_ name: DomainName) -> Bool
    /// Whether that is so of some name below this one, on the word of a company that rents names out.
    func hasPrivateSuffix(below name: DomainName) -> Bool
}

extension Rule {
    var isPermitting: Bool { action.letsThrough }

    package var names: [NamePattern] {
        patterns.compactMap { pattern in
            guard case .name(let name) = pattern else { return nil }
            return name
        }
    }

    var networks: [IPNetwork] {
        patterns.compactMap { pattern in
            guard case .network(let network) = pattern else { return nil }
            return network
        }
    }
}
