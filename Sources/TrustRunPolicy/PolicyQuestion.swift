// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// One destination that a policy is asked about, with at most one name for it.
package struct PolicyQuestion: Sendable {
    /// nil: only the name is known, and address rules take no part.
    package var address: IPAddress?
    /// nil: not known; rules with ports take no part.
    package var port: UInt16?
    package var transport: TransportProtocol
    package var name: DomainName?
    /// The executable's path; nil: not known, and rules with `process` take no part.
    package var executable: String?
    /// Who begins the connection; inbound: only address and `any` rules without ports and `process` take part.
    package var direction: Direction

    package init(
        address: IPAddress?, port: UInt16?, transport: TransportProtocol = .tcp, name: DomainName? = nil,
        executable: String? = nil, direction: Direction = .outbound
    ) {
        self.address = address
        self.port = port
        self.transport = transport
        self.name = name
        self.executable = executable
        self.direction = direction
    }
}

/// What decided.
package enum DecisionBasis: UInt8, Sendable {
    /// An address rule: a block or kill of a prefix longer than /0 before name rules, anything after them.
    case address
    case name
    case any
    case defaults
}

/// The answer for one destination and at most one name.
package struct Decision: Sendable, Equatable {
    package var action: PolicyAction
    package var basis: DecisionBasis
    /// Index into `Policy.rules`; nil: the default action.
    package var rule: Int?

    package init(action: PolicyAction, basis: DecisionBasis, rule: Int?) {
        self.action = action
        self.basis = basis
        self.rule = rule
    }
}
