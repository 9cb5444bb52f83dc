// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
package import TrustRunEvents

/// Something that a gate refused, or let through and recorded; and how often.
package struct GateOutcome: Sendable, Equatable {
    package typealias Gate = GateKind

    /// Why it was decided so.
    package enum Basis: Sendable, Equatable {
        /// Index into `Policy.rules`.
        case rule(Int)
        /// The default action, or what is refused under any policy.
        case none
        /// The agent's own proof.
        case probe
        /// A UDP socket was connected elsewhere while it sent.
        case moved
        /// DNS to somebody else than a trusted resolver.
        case server
        /// Not one plain query; or an answer that cannot be read.
        case form
        /// No rule lets the name through that was asked for.
        case name
        /// A socket of another network namespace than the scope's.
        case namespace
        /// There was no room for what has to be kept.
        case full
        /// The name has as many addresses as one may.
        case crowded
        /// An answer gave an address that no name may have: loopback, link-local, multicast.
        case special
        /// No answer gave the address for the server name, by which alone it is allowed.
        case unbound
        /// A ClientHello without a server name, where the address is allowed by name alone.
        case nameless
        /// The same, and what was sent is no TLS.
        case notTLS
        /// A ClientHello or its server name cannot be read.
        case hello
        /// The program could still change what was read.
        case memory
        /// The server name was sent when no policy asked for it.
        case unseen
        /// A second name is encrypted, where the address is allowed by name alone.
        case encrypted
    }

    package let gate: Gate
    /// nil: the kernel could not ask the policy, and refused.
    package let action: PolicyAction?
    package let basis: Basis
    /// The peer; without meaning for sockets, options and ports of one's own.
    package let address: IPAddress
    /// The peer's port. `inbound`, `bind`: one's own; `socket`: the type; `option`: the option; `process`: a `ProcessReach`.
    package let port: UInt16
    /// The number of the protocol; `option`: the level.
    package let transport: UInt16
    /// That of the policy that was asked; 0: none was.
    package let generation: UInt32
    package internal(set) var count: UInt64
    /// When it was counted first and last, in nanoseconds since boot.
    package let first: UInt64
    package let last: UInt64

    init?(_ key: tr_outcome_key, _ value: tr_outcome) {
        var key = key
        guard let gate = Gate(rawValue: key.gate) else { return nil }
        self.gate = gate
        action = PolicyAction(rawValue: key.action)
        basis =
            switch key.rule {
            case TR_RULE_PROBE: .probe
            case TR_RULE_MOVED: .moved
            case TR_RULE_SERVER: .server
            case TR_RULE_FORM: .form
            case TR_RULE_NAME: .name
            case TR_RULE_NAMESPACE: .namespace
            case TR_RULE_FULL: .full
            case TR_RULE_CROWDED: .crowded
            case TR_RULE_SPECIAL: .special
            case TR_RULE_UNBOUND: .unbound
            case TR_RULE_NAMELESS: .nameless
            case TR_RULE_NOT_TLS: .notTLS
            case TR_RULE_HELLO: .hello
            case TR_RULE_MEMORY: .memory
            case TR_RULE_UNSEEN: .unseen
            case TR_RULE_ECH: .encrypted
            case TR_RULE_NONE, TR_RULE_RESOLVER: .none
            default: .rule(Int(key.rule))
            }
        address = unsafe withUnsafeBytes(of: &key.address) { bytes in
            let high = unsafe UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
            let low = unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            return IPAddress(high: high, low: low)
        }
        port = key.port
        transport = key.protocol
        generation = key.generation
        count = value.count
        (first, last) = (value.first, value.last)
    }
}
