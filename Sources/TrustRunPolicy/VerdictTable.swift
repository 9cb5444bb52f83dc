// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The verdicts of one policy, each made once, so that giving one to a connection costs a reference.
struct VerdictTable {
    /// Verdicts that speak of a certain name, at most; beyond it all of them are forgotten.
    private static let namedMax = 4096

    private let policy: Policy
    let inbound: Verdict
    let resolver: Verdict
    let otherResolver: Verdict
    /// By rule, then by basis; the last rule stands for none.
    private var plain: [Verdict?]
    private var named: [NamedKey: Verdict] = [:]

    private enum NamedKind {
        case chosen, claimed, unbound, notAllowed, encrypted
    }

    private struct NamedKey: Hashable {
        var kind: NamedKind
        var base: ObjectIdentifier
        var name: ObjectIdentifier
    }

    init(policy: Policy) {
        self.policy = policy
        inbound = Verdict(
            action: .allow, isEnforced: false, basis: .inbound, rule: nil,
            reason: "inbound connections are not judged", policy: policy.name
        )
        resolver = Verdict(
            action: .allow, isEnforced: false, basis: .resolver, rule: nil, reason: "a trusted resolver",
            policy: policy.name
        )
        otherResolver = Verdict(
            action: .block, isEnforced: false, basis: .resolver, rule: nil,
            reason: "not a trusted resolver (dns: strict)", policy: policy.name
        )
        plain = Array(repeating: nil, count: (policy.rules.count + 1) * Self.bases)
    }

    private static let bases = 4

    /// The verdict that a decision stands for.
    @inline(__always)
    mutating func plain(_ decision: Decision) -> Verdict {
        let index = (decision.rule ?? policy.rules.count) * Self.bases + Int(decision.basis.rawValue)
        return plain[index] ?? make(decision, at: index)
    }

    @inline(never)
    private mutating func make(_ decision: Decision, at index: Int) -> Verdict {
        let rule = decision.rule.map { index in policy.rules[index] }
        let verdict = Verdict(
            action: decision.action, isEnforced: false, basis: decision.basis.verdictBasis, rule: rule?.id,
            ruleIndex: decision.rule, reason: rule.map(Self.reason(of:)) ?? "no rule matches", policy: policy.name
        )
        plain[index] = verdict
        return verdict
    }

    /// A rule that gives no reason says what it matches.
    static func reason(of rule: Rule) -> String {
        if let reason = rule.reason { return reason }
        let patterns = rule.patterns.prefix(3).map(\.text).joined(separator: ", ")
        return "matches \(patterns)" + (rule.patterns.count > 3 ? ", ..." : "")
    }

    /// The same where one of several names decided.
    mutating func named(_ decision: Decision, _ name: HostName) -> Verdict {
        let base = plain(decision)
        return keep(.chosen, base, name) { base.with(name: name, reason: base.reason) }
    }

    /// Let through by the address, whatever the server name claims.
    mutating func claimed(_ decision: Decision, _ name: HostName) -> Verdict {
        let base = plain(decision)
        guard base.isViolation else { return base }
        return keep(.claimed, base, name) {
            base.with(
                name: name, reason: "\(base.reason ?? "no rule matches"); no DNS answer supports the server name"
            )
        }
    }

    /// Let through only by a name that the server name is not.
    mutating func refused(_ base: Verdict, _ name: HostName, isBound: Bool) -> Verdict {
        let why =
            isBound
            ? "no rule allows the server name"
            : "no DNS answer gave this address for the server name"
        return keep(isBound ? .notAllowed : .unbound, base, name) {
            Verdict(
                action: .block, isEnforced: false, basis: .serverName, rule: base.rule,
                ruleIndex: base.ruleIndex, reason: "the address is allowed by name only, and \(why)",
                policy: base.policy, name: name
            )
        }
    }

    static let encrypted =
        "the address is allowed by name only, and the ClientHello has another name that is encrypted (ech: refuse)"

    /// Let through by its server name, if there were not another one that nobody can read.
    mutating func encrypted(_ base: Verdict, _ name: HostName) -> Verdict {
        keep(.encrypted, base, name) {
            Verdict(
                action: .block, isEnforced: false, basis: .serverName, rule: base.rule, ruleIndex: base.ruleIndex,
                reason: Self.encrypted, policy: base.policy, name: name)
        }
    }

    private mutating func keep(
        _ kind: NamedKind, _ base: Verdict, _ name: HostName, _ make: () -> Verdict
    ) -> Verdict {
        let key = NamedKey(kind: kind, base: ObjectIdentifier(base), name: ObjectIdentifier(name))
        if let known = named[key] { return known }
        if named.count >= Self.namedMax { named.removeAll() }
        let verdict = make()
        named[key] = verdict
        return verdict
    }
}

extension Verdict {
    fileprivate func with(name: HostName, reason: String?) -> Verdict {
        Verdict(
            action: action, isEnforced: false, basis: basis, rule: rule, ruleIndex: ruleIndex, reason: reason,
            policy: policy, name: name
        )
    }
}

extension DecisionBasis {
    var verdictBasis: VerdictBasis {
        switch self {
        case .address: .address
        case .name: .name
        case .any: .any
        case .defaults: .defaults
        }
    }
}
