// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Puts what gates decided by one policy into words, and asks the policy the same again: what the kernel decided is what happened, and where the
/// policy reads otherwise here the verdict says so. Owned by one thread.
package final class RulingJudge {
    /// Verdicts that are kept, at most; beyond it all of them are forgotten.
    private static let verdictsMax = 4096

    package let generation: UInt32
    /// Decisions that were read otherwise here.
    package private(set) var divergences: UInt64 = 0
    private let compiled: CompiledPolicy
    private let resolvers: [IPAddress]
    private let judgesInbound: Bool
    private let isStrict: Bool
    private let hasProcessRules: Bool
    private var verdicts: [Key: Verdict] = [:]

    private struct Key: Hashable {
        var gate: GateKind
        var action: PolicyAction?
        var ruled: GateRuling.Basis
        var basis: VerdictBasis
        /// Nothing but a name is different in these: so the object says enough, and the verdict keeps it.
        var name: ObjectIdentifier?
        /// What the policy says here, if it is something else.
        var reading: Reading?
    }

    private struct Reading: Hashable {
        var action: PolicyAction
        var rule: Int?
    }

    /// What the policy says here.
    private struct Judgement {
        var action: PolicyAction
        var rule: Int?
        var basis: VerdictBasis
    }

    /// `generation`: what the kernel's records call this policy.
    package init(_ compiled: CompiledPolicy, resolvers: [IPAddress], generation: UInt32) {
        self.compiled = compiled
        self.resolvers = resolvers.map(\.canonical)
        self.generation = generation
        judgesInbound = compiled.policy.settings.inbound.value == .block
        isStrict = compiled.policy.settings.nameLookup == .strict
        hasProcessRules = compiled.policy.rules.contains { rule in rule.process != nil }
    }

    /// The kernel's verdict. `name`: what it rested on.
    package func verdict(of ruling: GateRuling, name: HostName?, owner: Owner?) -> Verdict {
        let judged = judge(ruling, name: name, owner: owner)
        let rule: Int? = if case .rule(let index) = ruling.basis { index } else { nil }
        var key = Key(
            gate: ruling.gate, action: ruling.action, ruled: ruling.basis, basis: .scope,
            name: name.map(ObjectIdentifier.init)
        )
        if let judged {
            key.basis = judged.basis
            if isDivergent(ruling, rule, judged) {
                divergences += 1
                key.reading = Reading(action: judged.action, rule: judged.rule)
                key.basis = basis(of: ruling, name)
            }
        }
        if ruling.action == nil || ruling.basis == .moved { key.basis = .scope }
        if ruling.gate == .name, !ruling.basis.isOfPolicy { key.basis = .serverName }
        if let known = verdicts[key] { return known }
        if verdicts.count >= Self.verdictsMax { verdicts.removeAll() }
        let made = make(key, ruling, rule, name)
        verdicts[key] = made
        return made
    }

    /// nil: it is no matter of the policy.
    private func judge(_ ruling: GateRuling, name: HostName?, owner: Owner?) -> Judgement? {
        let transport: TransportProtocol = ruling.transport == TransportProtocol.udp.rawValue ? .udp : .tcp
        switch ruling.gate {
        case .socket, .option, .bind, .packet, .query, .answer, .handover, .leaving, .process: return nil
        case .inbound:
            guard judgesInbound else { return Judgement(action: .allow, rule: nil, basis: .inbound) }
            return judgement(
                compiled.decideInbound(
                    address: ruling.peer.address, transport: transport))
        case .name: return judge(serverName: name, ruling, executableClass(of: owner))
        case .connect, .datagram:
            if ruling.basis == .moved { return nil }
            if ruling.port == 53, resolvers.contains(ruling.peer.address) {
                return Judgement(action: .allow, rule: nil, basis: .resolver)
            }
            if ruling.port == 53, isStrict { return Judgement(action: .block, rule: nil, basis: .scope) }
            let (address, executable) = (ruling.peer.address, executableClass(of: owner))
            guard let name else {
                return judgement(
                    compiled.decide(
                        address: address, port: ruling.port, transport: transport, name: nil, executable: executable))
            }
            let bytes = name.bytes
            return judgement(
                compiled.decide(
                    address: address, port: ruling.port, transport: transport, name: bytes.span, executable: executable)
            )
        }
    }

    /// What the server name leads to; nil where the connection was refused for what it did not send, or no answer supports.
    private func judge(serverName name: HostName?, _ ruling: GateRuling, _ executable: ExecutableClass) -> Judgement? {
        guard ruling.basis.isOfPolicy else { return nil }
        let (address, port) = (ruling.peer.address, ruling.port)
        guard let name else {
            return judgement(
                compiled.decide(address: address, port: port, transport: .tcp, name: nil, executable: executable))
        }
        let bytes = name.bytes
        return judgement(
            compiled.decide(address: address, port: port, transport: .tcp, name: bytes.span, executable: executable))
    }

    private func judgement(_ decision: Decision) -> Judgement {
        Judgement(action: decision.action, rule: decision.rule, basis: decision.basis.verdictBasis)
    }

    private func isDivergent(_ ruling: GateRuling, _ rule: Int?, _ judged: Judgement) -> Bool {
        guard let action = ruling.action else { return judged.action.letsThrough }
        return action != judged.action || rule != judged.rule
            || (ruling.basis == .resolver) != (judged.basis == .resolver)
            || (ruling.basis == .server) != (judged.basis == .scope)
    }

    /// What the kernel's decision rested on, as far as its record says.
    private func basis(of ruling: GateRuling, _ name: HostName?) -> VerdictBasis {
        switch ruling.basis {
        case .resolver: .resolver
        case .rule: name == nil ? .address : .name
        case .none, .probe: .defaults
        case .moved, .server, .form, .name, .namespace, .full: .scope
        case .unbound, .nameless, .notTLS, .hello, .memory, .unseen, .encrypted: .serverName
        }
    }

    private func executableClass(of owner: Owner?) -> ExecutableClass {
        guard hasProcessRules, let process = owner?.process, !process.executable.isEmpty else { return .unknown }
        let path = process.executable
        return compiled.executableClass(of: path.span)
    }

    private func make(_ key: Key, _ ruling: GateRuling, _ index: Int?, _ name: HostName?) -> Verdict {
        var reason = Self.reason(of: ruling) ?? words(rule: index, basis: key.basis)
        if let reading = key.reading {
            reason +=
                "; the agent reads the policy otherwise: \(reading.action.text), "
                + words(rule: reading.rule, basis: .defaults)
        }
        return Verdict(
            action: ruling.action ?? .block, isEnforced: true, basis: key.basis, rule: rule(at: index)?.id,
            ruleIndex: index, reason: reason, policy: compiled.policy.name, name: name, gate: ruling.gate,
            generation: ruling.generation, isDivergent: key.reading != nil
        )
    }

    private func rule(at index: Int?) -> Rule? {
        guard let index, compiled.policy.rules.indices.contains(index) else { return nil }
        return compiled.policy.rules[index]
    }

    private func words(rule index: Int?, basis: VerdictBasis) -> String {
        if let index {
            return rule(at: index).map(VerdictTable.reason) ?? "rule \(index), which this policy does not have"
        }
        switch basis {
        case .resolver: return "a trusted resolver"
        case .inbound: return "inbound connections are not judged"
        default: return "no rule matches"
        }
    }

    /// What is no matter of rules; nil: it is one.
    private static func reason(of ruling: GateRuling) -> String? {
        if ruling.action == nil { return "the kernel could not ask the policy, and refused" }
        switch ruling.basis {
        case .moved: return "the socket was connected elsewhere while it sent"
        case .server: return "DNS to somebody else than a trusted resolver, and the policy has `dns: strict`"
        case .form: return "not one plain DNS query, and the policy has `dns: strict`"
        case .name: return "no rule lets the name through that was asked for, and the policy has `dns: strict`"
        case .namespace: return "DNS from another network namespace than the scope's, and the policy has `dns: strict`"
        case .full: return "there was no room to keep what has to be kept"
        case .unbound:
            return
                "the address is allowed by name only, and no DNS answer gave this address for the server name that was sent"
        case .nameless: return "the address is allowed by name only, and the ClientHello has no server name"
        case .notTLS: return "the address is allowed by name only, and what was sent is no TLS"
        case .hello: return "the server name cannot be read in what was sent"
        case .memory: return "what was sent lies in memory that the program could still change"
        case .unseen:
            return "the address is allowed by name only, and the server name was sent before this policy was in force"
        case .encrypted: return VerdictTable.encrypted
        case .rule, .none, .resolver, .probe: break
        }
        switch ruling.gate {
        case .connect, .datagram, .inbound, .name: return nil
        case .query, .answer: return "DNS that the gate does not let through"
        case .socket: return "an enforced scope has TCP and UDP sockets only: the gates do not see all that others send"
        case .handover:
            return "a socket that another process made is of that one's control group: no gate would see what it sends"
        case .leaving:
            return "a process of an enforced scope stays one: what it makes elsewhere, no gate would see"
        case .process where ProcessReach(number: ruling.port) == .unixSocket:
            return "a unix socket of a process outside of the scope, which the policy's `unix_sockets` does not list"
        case .process: return "a process outside of the scope, reached for, could send what no gate would see"
        case .option: return "with this socket option, bytes could leave another way than was judged"
        case .bind: return "who answers on port \(ruling.port) could forge DNS answers"
        case .packet: return "a packet with options, or of another protocol than TCP and UDP, can hide where it goes"
        }
    }
}

extension GateRuling.Basis {
    /// It is the policy's answer, and not what a gate refuses whatever the answer.
    fileprivate var isOfPolicy: Bool {
        switch self {
        case .rule, .none: true
        default: false
        }
    }
}
