// SPDX-License-Identifier: Apache-2.0

/// What the policy says of a connection, and why. One object for all connections that a rule decides in the same way; nothing in it changes.
package final class Verdict {
    package let action: PolicyAction
    /// Whether it is told as a violation. Stored, since it is asked for each connection.
    package let isViolation: Bool
    /// It was carried out in the kernel; else it says what would have been done.
    package let isEnforced: Bool
    package let basis: VerdictBasis
    /// The rule that won: `site.yaml#3`, `preset:azure-openai#2`; nil where no rule did.
    package let rule: String?
    /// Its place among the policy's rules.
    package let ruleIndex: Int?
    package let reason: String?
    package let policy: String
    /// Which of several names decided, or the server name that was refused.
    package let name: HostName?
    /// Where the kernel decided; nil: only the agent did.
    package let gate: GateKind?
    /// Of the policy that the kernel asked; 0: none.
    package let generation: UInt32
    /// The agent, asked the same, says something else than the kernel did.
    package let isDivergent: Bool
    /// The form in which a sink writes this verdict; the sink fills it.
    package let text = KeptText()

    package init(
        action: PolicyAction, isEnforced: Bool, basis: VerdictBasis, rule: String?, ruleIndex: Int? = nil,
        reason: String?, policy: String, name: HostName? = nil, gate: GateKind? = nil, generation: UInt32 = 0,
        isDivergent: Bool = false
    ) {
        self.action = action
        isViolation = action != .allow
        self.isEnforced = isEnforced
        self.basis = basis
        self.rule = rule
        self.ruleIndex = ruleIndex
        self.reason = reason
        self.policy = policy
        self.name = name
        self.gate = gate
        self.generation = generation
        self.isDivergent = isDivergent
    }

    /// Whether it says the same as another, whoever made it.
    package func isSame(as other: Verdict) -> Bool {
        action == other.action && basis == other.basis && ruleIndex == other.ruleIndex
            && name?.bytes == other.name?.bytes
            && isEnforced == other.isEnforced && reason == other.reason
    }
}

/// What a verdict rests on.
package enum VerdictBasis: UInt8, CaseIterable, Sendable {
    /// A rule for the address.
    case address
    /// A rule for the name, which evidence ties to the address.
    case name
    /// A rule for `any`.
    case any
    /// No rule: the policy's default action.
    case defaults
    /// The address is a trusted resolver's, and the port is DNS.
    case resolver
    /// The connection came in, and the policy does not judge such.
    case inbound
    /// The server name that the client sent, where the address alone would not do.
    case serverName
    /// What an enforced scope refuses under any policy.
    case scope

    /// The word in the stream.
    package var text: StaticString {
        switch self {
        case .address: "address"
        case .name: "name"
        case .any: "any"
        case .defaults: "defaults"
        case .resolver: "resolver"
        case .inbound: "inbound"
        case .serverName: "server_name"
        case .scope: "scope"
        }
    }
}
