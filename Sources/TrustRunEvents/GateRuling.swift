// SPDX-License-Identifier: Apache-2.0

/// What a gate in the kernel decided, as its record says it (`tr_verdict_record`).
package struct GateRuling: Sendable {
    /// What it rested on.
    package enum Basis: Sendable, Hashable {
        /// Index into `Policy.rules`.
        case rule(Int)
        /// The default action, or what is refused under any policy.
        case none
        /// A trusted resolver.
        case resolver
        /// The agent's own proof.
        case probe
        /// A UDP socket was connected elsewhere while it sent.
        case moved
        /// DNS to somebody else than a trusted resolver.
        case server
        /// Not one plain query.
        case form
        /// No rule lets the name through that was asked for.
        case name
        /// A socket of another network namespace than the scope's.
        case namespace
        /// There was no room for what has to be kept.
        case full
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

        /// From `tr_outcome_key.rule`.
        package init(number: UInt32) {
            switch number {
            case 0xffff_ffff: self = .none
            case 0xffff_fffe: self = .resolver
            case 0xffff_fffd: self = .probe
            case 0xffff_fffc: self = .moved
            case 0xffff_fffb: self = .server
            case 0xffff_fffa: self = .form
            case 0xffff_fff9: self = .name
            case 0xffff_fff8: self = .namespace
            case 0xffff_fff7: self = .full
            case 0xffff_fff5: self = .unbound
            case 0xffff_fff4: self = .nameless
            case 0xffff_fff3: self = .notTLS
            case 0xffff_fff2: self = .hello
            case 0xffff_fff1: self = .memory
            case 0xffff_fff0: self = .unseen
            case 0xffff_ffef: self = .encrypted
            default: self = .rule(Int(number))
            }
        }
    }

    /// Void where the flags say `noTask`.
    package var task: TaskFacts
    package var gate: GateKind
    /// nil: the kernel could not ask the policy, and refused.
    package var action: PolicyAction?
    package var basis: Basis
    /// Of the policy; 0: it was not asked.
    package var generation: UInt32
    /// The socket's; inbound: the listener's; 0: not known.
    package var cookie: UInt64
    /// Inode number; 0: not known.
    package var networkNamespace: UInt32
    /// The peer, in the form in which policies speak of it; without meaning for sockets, options and ports of one's own. Its port is that of
    /// `port`, but for `inbound`.
    package var peer: Endpoint
    /// Inbound: the address that was asked for.
    package var own: IPAddress
    /// The peer's port. `inbound`, `bind`: one's own; `socket`: the type; `option`: the option.
    package var port: UInt16
    /// The number of the protocol; `option`: the level.
    package var transport: UInt16

    package init(
        task: TaskFacts, gate: GateKind, action: PolicyAction?, basis: Basis, generation: UInt32, cookie: UInt64,
        networkNamespace: UInt32, peer: Endpoint, own: IPAddress, port: UInt16, transport: UInt16
    ) {
        self.task = task
        self.gate = gate
        self.action = action
        self.basis = basis
        self.generation = generation
        self.cookie = cookie
        self.networkNamespace = networkNamespace
        self.peer = peer
        self.own = own
        self.port = port
        self.transport = transport
    }

    package var letsThrough: Bool { action?.letsThrough ?? false }
}

/// Something that a gate refused, or let through against the policy, and that is no connection.
package struct AttemptEvent {
    package var gate: GateKind
    package var peer: Endpoint
    package var own: Endpoint
    /// `socket`: the type; `option`: the option; `bind`: the port; `process`: a `ProcessReach`.
    package var port: UInt16
    /// The number of the protocol; `option`: the level.
    package var transport: UInt16
    /// Inode number; 0: not known.
    package var networkNamespace: UInt32
    /// `process`: of the unix socket that is not listed; else empty.
    package var path: [UInt8]
    package var verdict: Verdict

    package init(_ ruling: GateRuling, path: [UInt8] = [], verdict: Verdict) {
        gate = ruling.gate
        peer = ruling.peer
        own = Endpoint(address: ruling.own, port: ruling.port)
        port = ruling.port
        transport = ruling.transport
        networkNamespace = ruling.networkNamespace
        self.path = path
        self.verdict = verdict
    }
}
