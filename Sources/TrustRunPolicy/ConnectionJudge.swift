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
    private var verdicts: VerdictTable
    /// Classes of executables are looked up only if a rule has a `process`.
    private let hasProcessRules: Bool

    package init(_ policy: Policy, compiled: CompiledPolicy, resolvers: [IPAddress], isEnforced: Bool = false) {
        self.policy = policy
        self.compiled = compiled
        self.resolvers = resolvers
        trusted = resolvers.map(\.canonical)
        judgesInbound = policy.settings.inbound.value == .block
        hasProcessRules = policy.rules.contains { rule in rule.process != nil }
        verdicts = VerdictTable(policy: policy, isEnforced: isEnforced)
    }

    /// Sets the connection's verdict; the answer is whether it is another than before.
    package func judge(_ connection: inout ConnectionEvent, of process: ProcessIdentity?) -> Bool {
        let before = connection.verdict
        // What is learned after the start is a server name, and nothing else.
        if before != nil, !connection.names.hasServerName { return false }
        let verdict = verdict(of: connection, process)
        guard verdict !== before else { return false }
        connection.verdict = verdict
        return true
    }

    private func verdict(of connection: borrowing ConnectionEvent, _ process: ProcessIdentity?) -> Verdict {
        let executable = executableClass(of: process)
        guard case .outbound = connection.direction else {
            guard judgesInbound else { return verdicts.inbound }
            return verdicts.plain(
                compiled.decideInbound(
                    address: connection.source.address, transport: connection.transport, executable: executable))
        }
        let destination = connection.destination
        if destination.port == 53, trusted.contains(destination.address.canonical) { return verdicts.resolver }
        let asked = Asked(destination: destination, transport: connection.transport, executable: executable)
        switch connection.names.source {
        case .none: return verdicts.plain(decide(asked, nil))
        case .dns:
            if let name = connection.names.name { return verdicts.plain(decide(asked, name)) }
            return verdict(ofSeveral: connection.names.candidates, asked)
        case .sni, .dnsAndSNI:
            guard let name = connection.names.name else { return verdicts.plain(decide(asked, nil)) }
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

    /// Any of them may be the one meant: the most permissive verdict stands, the newest name's among equals.
    private func verdict(ofSeveral names: [HostName], _ asked: Asked) -> Verdict {
        var best = decide(asked, nil)
        var bestName: HostName?
        for name in names {
            let decision = decide(asked, name)
            guard bestName == nil || decision.action < best.action else { continue }
            (best, bestName) = (decision, name)
        }
        guard case .name = best.basis, names.count > 1, let bestName else { return verdicts.plain(best) }
        return verdicts.named(best, bestName)
    }

    /// A server name that no answer ties to the address is a claim: it can lose what the address gained, and gains nothing.
    private func verdict(
        withServerName name: HostName, of connection: borrowing ConnectionEvent, _ asked: Asked
    ) -> Verdict {
        let isBound =
            switch connection.names.source {
            case .dnsAndSNI: true
            default: false
            }
        let own = decide(asked, name)
        let addressAlone = decide(asked, nil)
        let before = connection.verdict ?? verdicts.plain(isBound ? own : addressAlone)
        guard before.action.letsThrough, before.basis != .resolver else { return before }
        let isRefusedByName = own.basis == .name && !own.action.letsThrough
        if addressAlone.action.letsThrough {
            if isBound { return verdicts.plain(own) }
            return isRefusedByName ? verdicts.named(own, name) : verdicts.claimed(addressAlone, name)
        }
        if isBound, own.action.letsThrough { return verdicts.plain(own) }
        if isRefusedByName { return verdicts.named(own, name) }
        guard let index = before.ruleIndex, policy.rules[index].verify == .name else { return before }
        return verdicts.refused(before, name, isBound: isBound)
    }

    private func executableClass(of process: ProcessIdentity?) -> ExecutableClass {
        guard hasProcessRules, let process, !process.executable.isEmpty else { return .unknown }
        if let known = process.executableBits { return ExecutableClass(bits: known) }
        let path = process.executable
        let found = compiled.executableClass(of: path.span)
        process.executableBits = found.bits
        return found
    }
}
