// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// What the gates did, in words for whoever ran the command.
struct EnforcementReport {
    private static let listed = 20

    private let policy: Policy?
    private let policies: [UInt32: Policy]
    private let resolvers: [IPAddress]
    private let status: EnforcementStatus
    /// How the events ended, and where they went; nil: nobody asked for them.
    var events: (ending: EnforcedStream.Ending, totals: EnforcedStream.Totals, label: String)?

    init(_ policies: EnforcedPolicies, _ status: EnforcementStatus) {
        policy = policies.newest?.compiled.policy
        self.policies = policies.all
        resolvers = policies.newest?.resolvers ?? []
        self.status = status
    }

    func lines(_ totals: Gate.Totals, _ outcomes: [GateOutcome]) -> [String] {
        let standing =
            switch status {
            case .proven: "proven"
            case .degraded(let reason): "proven at first, then not (\(reason))"
            case .lost: "and lost hold of it"
            }
        var lines = ["enforced \(policy?.name ?? ""), \(standing): \(Self.describe(totals))"]
        if let events { lines += describe(events.ending, events.totals, events.label) }
        let outcomes = outcomes.filter { outcome in outcome.action != .allow || outcome.gate == .answer }
        lines += outcomes.prefix(Self.listed).map(describe)
        if outcomes.count > Self.listed { lines.append("  and \(outcomes.count - Self.listed) more destinations") }
        if totals.unlisted > 0 { lines.append("  \(totals.unlisted) of them are counted without their destination") }
        if totals.unknownProcesses > 0 {
            lines.append(
                "  \(totals.unknownProcesses) times rules with `process` took no part, since it was not known what the process executes"
            )
        }
        if !resolvers.isEmpty, policy?.settings.nameLookup == .open {
            let addresses = resolvers.map(\.description).joined(separator: ", ")
            lines.append("any name could be asked of \(addresses): data can leave in queries (dns: open)")
        }
        return lines
    }

    /// `left`: processes that the command left behind; nil: some of them still run.
    static func describe(left: Int?) -> [String] {
        switch left {
        case nil:
            ["processes of the command would not end; what is pinned holds them to the policy: trustrun-agent status"]
        case 0?: []
        case let left?:
            ["killed what the command left running: \(left) \(left == 1 ? "process" : "processes")"]
        }
    }

    /// How much was let through and refused.
    static func describe(_ totals: Gate.Totals) -> String {
        "\(totals.letThrough) let through"
            + (totals.alerts > 0 ? " (\(totals.alerts) of them against the policy)" : "")
            + ", \(totals.refused) refused"
    }

    private func describe(_ ending: EnforcedStream.Ending, _ totals: EnforcedStream.Totals, _ label: String) -> [String]
    {
        let (gates, violations) = (totals.gates, totals.violations.dropFirst().reduce(0, +))
        var lines = [
            "  TCP connections: \(gates.connections), destinations: \(gates.destinations), violations: \(violations)",
            "  events in \(label): \(ending.written), lost: \(ending.lost), verdicts that the agent reads otherwise: \(ending.divergences)",
        ]
        if let failure = ending.failure { lines.append("  the events are not whole: \(failure)") }
        return lines
    }

    private func describe(_ outcome: GateOutcome) -> String {
        let verb =
            outcome.gate == .answer ? "not bound" : outcome.action?.letsThrough == true ? "let through" : "refused"
        return "  \(outcome.count) \(verb): \(subject(of: outcome)) (\(reason(of: outcome)))"
    }

    private func subject(of outcome: GateOutcome) -> String {
        let peer = outcome.address.isIPv4 ? "\(outcome.address)" : "[\(outcome.address)]"
        switch outcome.gate {
        case .connect: return "tcp \(peer):\(outcome.port)"
        case .datagram: return "udp \(peer):\(outcome.port)"
        case .inbound: return "connections from \(outcome.address) to port \(outcome.port)"
        case .socket: return "sockets of protocol \(outcome.transport) and type \(outcome.port)"
        case .handover: return "sockets of protocol \(outcome.transport) and type \(outcome.port), handed in"
        case .leaving:
            return "sockets of protocol \(outcome.transport) and type \(outcome.port), of who had left the scope"
        case .process: return "processes outside of the scope, by \(ProcessReach(number: outcome.port).words)"
        case .option: return "socket option \(outcome.port) of level \(outcome.transport)"
        case .bind: return "port \(outcome.port) as one's own"
        case .query: return "DNS to \(peer):\(outcome.port)"
        case .answer: return "\(outcome.address) in a DNS answer"
        case .name: return "tcp \(peer):\(outcome.port), by its server name"
        case .packet: return "packets to \(outcome.address) of protocol \(outcome.transport) or with options"
        }
    }

    private func reason(of outcome: GateOutcome) -> String {
        guard outcome.action != nil else { return "the policy could not be asked" }
        switch outcome.basis {
        case .rule(let index):
            guard let rules = policies[outcome.generation]?.rules, rules.indices.contains(index) else {
                return "rule \(index)"
            }
            let rule = rules[index]
            return rule.id + (rule.reason.map { reason in ": \(reason)" } ?? "")
        case .probe: return "the proof"
        case .moved: return "the socket was connected elsewhere meanwhile"
        case .server: return "not a trusted resolver, dns: strict"
        case .form: return "not one plain query, dns: strict"
        case .name: return "no rule lets the name through, dns: strict"
        case .namespace: return "from another network namespace, dns: strict"
        case .full: return "no room to keep it"
        case .crowded: return "its name has as many addresses as one may"
        case .unbound: return "allowed by name only, and no DNS answer gave this address for the server name"
        case .nameless: return "allowed by name only, and no server name was sent"
        case .notTLS: return "allowed by name only, and what was sent is no TLS"
        case .hello: return "a ClientHello or its server name cannot be read"
        case .memory: return "the program could still change what was read"
        case .unseen: return "the server name was sent before this policy was in force"
        case .encrypted: return "allowed by name only, and another name is encrypted, ech: refuse"
        case .special: return "no name may have this address"
        case .none:
            switch outcome.gate {
            case .connect, .datagram, .inbound, .name: return "the default action"
            case .socket, .option, .bind, .packet, .query, .answer, .handover, .leaving, .process:
                return "not in an enforced scope"
            }
        }
    }
}
