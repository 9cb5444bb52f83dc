// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// One line of a policy.
package struct Rule: Sendable, Hashable {
    /// Unique in its policy: the document and the rule's number in it, counted from 1: `site.yaml#3`, `preset:azure-openai#2`.
    package var id: String
    /// What it matches: one of them is enough.
    package var patterns: [Pattern]
    /// nil: every port.
    package var ports: [ClosedRange<UInt16>]?
    /// nil: both.
    package var transport: TransportProtocol?
    /// A glob on the executable's path; nil: every process, known or not.
    package var process: PathGlob?
    package var verify: Verification
    package var action: PolicyAction
    package var reason: String?
    /// The page that it rests on.
    package var source: String?
    /// When somebody last compared it with that page: `YYYY-MM-DD`.
    package var checked: String?
    package var origin: Origin

    /// What a name rule must see before payload passes.
    package enum Verification: String, Sendable, CaseIterable {
        /// The server name must be allowed and bound to the address.
        case name
        /// That the address is bound to an allowed name is enough.
        case address
    }

    package init(
        id: String, patterns: [Pattern], ports: [ClosedRange<UInt16>]? = nil, transport: TransportProtocol? = nil,
        process: PathGlob? = nil, verify: Verification = .name, action: PolicyAction, reason: String? = nil,
        source: String? = nil, checked: String? = nil, origin: Origin = Origin(document: 0, line: 1, column: 1)
    ) {
        self.id = id
        self.patterns = patterns
        self.ports = ports
        self.transport = transport
        self.process = process
        self.verify = verify
        self.action = action
        self.reason = reason
        self.source = source
        self.checked = checked
        self.origin = origin
    }
}

/// What a rule's `match` names.
package enum Pattern: Sendable, Hashable {
    case any
    case network(IPNetwork)
    case name(NamePattern)
}
