// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Says of each connection what the policy says of it, and why: at its start by its address and the names that DNS answers gave for it, and again once
/// the client has sent its server name. Owned by one thread.
package final class ConnectionJudge {
    let compiled: CompiledPolicy
    private let policy: Policy
    /// Those that are trusted with names: DNS to them needs no rule.
    package var resolvers: [IPAddress] {
        didSet { trusted = resolvers.map(\.canonical) }
    }
    private var trusted: [IPAddress]
    private let judgesInbound: Bool
    private let isDNSStrict: Bool
    private let refusesECH: Bool
    /// Unchecked is sound: no access to it comes back here.
    @exclusivity(unchecked) private var verdicts: VerdictTable
    /// Classes of executables are looked up only if a rule has a `process`.
    private let hasProcessRules: Bool

    package init(_ policy: Policy, compiled: CompiledPolicy, resolvers: [IPAddress]) {
        self.policy = policy
        self.compiled = compiled
        self.resolvers = resolvers
        trusted = resolvers.map(\.canonical)
        judgesInbound = policy.settings.inbound.value == .block
        isDNSStrict = policy.settings.nameLookup == .strict
        refusesECH = policy.settings.ech.value == .refuse
        hasProcessRules = policy.rules.contains { rule in rule.process != nil }
        unsafe verdicts = VerdictTable(policy: policy)
    }

    /// Sets the connection's verdict; the answer is whether it is another than before, and a violation.
    package func judge(_ connection: inout ConnectionEvent, of owner: borrowing Owner?) -> Bool {
        // Most have no name and were not judged before.
        if connection.verdict == nil, connection.direction.isOutbound, connection.names.source.isNone,
            connection.destination.port != 53
        {
            let verdict = unsafe verdicts.plain(
                compiled.decide(
                    address: connection.destination.address, port: connection.destination.port,
                    transport: connection.transport, name: nil, executable: executableClass(of: owner)))
            let isViolation = verdict.isViolation
            connection.verdict = verdict
            return isViolation
        }
        return judgeAnew(&connection, of: owner)
    }

    @inline(never)
    private func judgeAnew(_ connection: inout ConnectionEvent, of owner: borrowing Owner?) -> Bool {
        let before = connection.verdict
        // What is learned after the start is a server name, and nothing else; that of QUIC is evidence only.
        if before != nil, !connection.names.hasServerName || connection.transport == .udp { return false }
        let verdict = verdict(of: connection, executableClass(of: owner))
        guard verdict !== before else { return false }
        connection.verdict = verdict
        // The table may have forgotten the verdict meanwhile, and made it again.
        if let before, before.isSame(as: verdict) { return false }
        return verdict.isViolation
    }

    private func verdict(of connection: ConnectionEvent, _ executable: ExecutableClass) -> Verdict {
        guard connection.direction.isOutbound else {
            guard judgesInbound else { return unsafe verdicts.inbound }
            return unsafe verdicts.plain(
                compiled.decideInbound(address: connection.source.address, transport: connection.transport))
        }
        let destination = connection.destination
        if destination.port == 53 {
            if trusted.contains(destination.address.canonical) { return unsafe verdicts.resolver }
            if isDNSStrict { return unsafe verdicts.otherResolver }
        }
        let asked = Asked(destination: destination, transport: connection.transport, executable: executable)
        switch connection.names.source {
        case .none: return unsafe verdicts.plain(decide(asked, nil))
        case .dns:
            if let name = connection.names.name { return unsafe verdicts.plain(decide(asked, name)) }
            return verdict(ofSeveral: connection.names.candidates, asked)
        case .sni, .dnsAndSNI:
            guard let name = connection.names.name else { return unsafe verdicts.plain(decide(asked, nil)) }
            return verdict(withServerName: name, of: connection, asked)
        }
    }

    /// What is asked of the policy but for the name.
    private struct Asked {
        var destination: Endpoint
        var transport: TransportProtocol
        var executable: ExecutableClass
    }

    @inline(__always)
    private func decide(_ asked: Asked, _ name: HostName?) -> Decision {
        let (address, port) = (asked.destination.address, asked.destination.port)
        guard let name else {
            return compiled.decide(
                address: address, port: port, transport: asked.transport, name: nil, executable: asked.executable)
        }
        let bytes = name.bytes
        return compiled.decide(
            address: address, port: port, transport: asked.transport, name: bytes.span, executable: asked.executable)
    }

    /// Any of them may be the one meant: the most permissive verdict stands; among equals one that asks for no server name, then the newest.
    private func verdict(ofSeveral names: [HostName], _ asked: Asked) -> Verdict {
        var best = decide(asked, nil)
        var bestName: HostName?
        for name in names {
            let decision = decide(asked, name)
            guard bestName == nil || rank(decision) < rank(best) else { continue }
            (best, bestName) = (decision, name)
        }
        guard case .name = best.basis, names.count > 1, let bestName else { return unsafe verdicts.plain(best) }
        return unsafe verdicts.named(best, bestName)
    }

    private func rank(_ decision: Decision) -> UInt8 {
        let asksForNone = decision.basis == .name && decision.rule.map { rule in policy.rules[rule].verify } == .address
        return decision.action.rawValue * 2 + (asksForNone ? 0 : 1)
    }

    /// A server name that no answer ties to the address is a claim: it can lose what the address gained, and gains nothing.
    private func verdict(
        withServerName name: HostName, of connection: ConnectionEvent, _ asked: Asked
    ) -> Verdict {
        let isBound =
            switch connection.names.source {
            case .dnsAndSNI: true
            default: false
            }
        let own = decide(asked, name)
        let addressAlone = decide(asked, nil)
        let before = unsafe connection.verdict ?? verdicts.plain(isBound ? own : addressAlone)
        guard before.action.letsThrough, before.basis != .resolver else { return before }
        let isRefusedByName = own.basis == .name && !own.action.letsThrough
        if addressAlone.action.letsThrough {
            if isBound { return unsafe verdicts.plain(own) }
            return isRefusedByName ? unsafe verdicts.named(own, name) : unsafe verdicts.claimed(addressAlone, name)
        }
        if isBound, own.action.letsThrough {
            guard refusesECH, connection.names.hasECH, before.ruleIndex.map({ policy.rules[$0].verify }) == .name else {
                return unsafe verdicts.plain(own)
            }
            return unsafe verdicts.encrypted(before, name)
        }
        if isRefusedByName { return unsafe verdicts.named(own, name) }
        guard let index = before.ruleIndex, policy.rules[index].verify == .name else { return before }
        return unsafe verdicts.refused(before, name, isBound: isBound)
    }

    @inline(__always)
    private func executableClass(of owner: borrowing Owner?) -> ExecutableClass {
        hasProcessRules ? foundClass(of: copy owner) : .unknown
    }

    private func foundClass(of owner: Owner?) -> ExecutableClass {
        guard let process = owner?.process, !process.executable.isEmpty else { return .unknown }
        if let known = process.executableBits { return ExecutableClass(bits: known) }
        let path = process.executable
        let found = compiled.executableClass(of: path.span)
        process.executableBits = found.bits
        return found
    }
}

// What is a call in another module.
extension Direction {
    fileprivate var isOutbound: Bool {
        switch self {
        case .outbound: true
        case .inbound: false
        }
    }
}

extension NameSource {
    fileprivate var isNone: Bool {
        switch self {
        case .none: true
        case .dns, .sni, .dnsAndSNI: false
        }
    }
}
