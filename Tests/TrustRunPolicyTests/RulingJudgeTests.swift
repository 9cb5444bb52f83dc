// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

/// The kernel's verdicts in words, and where the agent reads the policy otherwise.
@Suite struct RulingJudgeTests {
    static let ten = IPAddress(ipv4: 0x0a00_0001)

    static func judge(_ rules: [Rule], resolvers: [IPAddress] = [], inbound: PolicySettings.Inbound = .block) throws
        -> RulingJudge
    {
        var settings = PolicySettings()
        settings.defaultAction = .init(.block)
        settings.inbound = .init(inbound)
        let policy = Policy(
            name: "p", description: nil, rules: rules, settings: settings,
            documents: [.init(label: "p.yaml", name: "p", description: nil)])
        return RulingJudge(try CompiledPolicy(policy), resolvers: resolvers, generation: 7)
    }

    static func ruling(
        _ gate: GateKind, _ action: PolicyAction?, _ basis: GateRuling.Basis, port: UInt16 = 443, transport: UInt16 = 6
    ) -> GateRuling {
        let task = TaskFacts(
            key: ProcessKey(tgid: 1, startTime: 1), user: 0, group: 0, cgroupID: 0, comm: .init(repeating: 0))
        return GateRuling(
            task: task, gate: gate, action: action, basis: basis, generation: 7, cookie: 1, networkNamespace: 1,
            peer: Endpoint(address: ten, port: port), own: IPAddress(high: 0, low: 0), port: port, transport: transport)
    }

    static let byAddress = ConnectionJudgeTests.rule(.allow, network: IPNetwork(ten, length: 8))
    static let byName = ConnectionJudgeTests.rule(.kill, name: "bad.example", reason: "not ours")

    struct Row: Sendable, CustomTestStringConvertible {
        var ruling: GateRuling
        var basis: VerdictBasis
        var reason: String
        var testDescription: String { "\(ruling.gate) \(ruling.basis)" }
    }

    @Test(arguments: [
        Row(ruling: ruling(.connect, .allow, .rule(0)), basis: .address, reason: "matches 10.0.0.0/8"),
        Row(ruling: ruling(.datagram, .allow, .rule(0), transport: 17), basis: .address, reason: "matches 10.0.0.0/8"),
        Row(
            ruling: ruling(.datagram, .allow, .resolver, port: 53, transport: 17), basis: .resolver,
            reason: "a trusted resolver"),
        Row(ruling: ruling(.inbound, .allow, .rule(0)), basis: .address, reason: "matches 10.0.0.0/8"),
        Row(
            ruling: ruling(.datagram, .block, .moved, transport: 17), basis: .scope,
            reason: "the socket was connected elsewhere while it sent"),
        Row(
            ruling: ruling(.socket, .block, .none, port: 3, transport: 1), basis: .scope,
            reason: "an enforced scope has TCP and UDP sockets only: the gates do not see all that others send"),
    ]) func saysWhatItRestedOn(row: Row) throws {
        let judge = try Self.judge([Self.byAddress], resolvers: [Self.ten])
        let verdict = judge.verdict(of: row.ruling, name: nil, owner: nil)
        #expect(verdict.action == row.ruling.action)
        #expect(verdict.basis == row.basis)
        #expect(verdict.reason == row.reason)
        #expect(verdict.gate == row.ruling.gate)
        #expect(verdict.isEnforced && !verdict.isDivergent && judge.divergences == 0)
        #expect(judge.verdict(of: row.ruling, name: nil, owner: nil) === verdict, "made once")
    }

    @Test func whatTheKernelDidIsWhatHappened() throws {
        let judge = try Self.judge([Self.byAddress])
        let verdict = judge.verdict(of: Self.ruling(.connect, .block, .none), name: nil, owner: nil)
        #expect(verdict.action == .block)
        #expect(verdict.isDivergent)
        #expect(verdict.basis == .defaults)
        #expect(verdict.reason == "no rule matches; the agent reads the policy otherwise: allow, matches 10.0.0.0/8")
        #expect(judge.divergences == 1)
        // The same action by another rule is not the same.
        #expect(judge.verdict(of: Self.ruling(.connect, .allow, .rule(5)), name: nil, owner: nil).isDivergent)
        #expect(judge.divergences == 2)
    }

    /// What the name gate decides by a server name is held against the policy; what it refuses for want of one is not a matter of rules.
    @Test func serverNames() throws {
        let judge = try Self.judge([ConnectionJudgeTests.rule(.allow, name: "good.example"), Self.byName])
        func verdict(_ action: PolicyAction, _ basis: GateRuling.Basis, _ name: String?) throws -> Verdict {
            judge.verdict(
                of: Self.ruling(.name, action, basis),
                name: try name.map { name in HostName(try #require(DomainName(name))) }, owner: nil)
        }
        let allowed = try verdict(.allow, .rule(0), "good.example")
        #expect(!allowed.isDivergent && allowed.basis == .name && allowed.gate == .name)
        #expect(try !verdict(.kill, .rule(1), "bad.example").isDivergent)
        #expect(try !verdict(.block, .none, "other.example").isDivergent)
        let reasons: [(GateRuling.Basis, String)] = [
            (.unbound, "no DNS answer"), (.nameless, "no server name"), (.notTLS, "no TLS"), (.hello, "cannot be read"),
            (.memory, "could still change"), (.unseen, "before this policy"),
        ]
        for (basis, words) in reasons {
            let refused = try verdict(.block, basis, basis == .unbound ? "good.example" : nil)
            #expect(!refused.isDivergent && refused.basis == .serverName, "\(basis)")
            #expect(refused.reason?.contains(words) == true, "\(refused.reason ?? "")")
        }
        #expect(judge.divergences == 0)
        #expect(try verdict(.allow, .rule(0), "bad.example").isDivergent)
        #expect(try verdict(.block, .none, "good.example").isDivergent)
        #expect(judge.divergences == 2)
    }

    @Test func thePolicyThatCouldNotBeAskedRefuses() throws {
        let judge = try Self.judge([Self.byAddress])
        let verdict = judge.verdict(of: Self.ruling(.connect, nil, .none), name: nil, owner: nil)
        #expect(verdict.action == .block && verdict.basis == .scope && verdict.isDivergent)
        #expect(verdict.reason?.hasPrefix("the kernel could not ask the policy, and refused") == true)
    }

    @Test func aNameIsAskedAsTheKernelSaysIt() throws {
        let judge = try Self.judge([Self.byName])
        let name = try ConnectionJudgeTests.host("bad.example")
        let verdict = judge.verdict(of: Self.ruling(.connect, .kill, .rule(0)), name: name, owner: nil)
        #expect(verdict.basis == .name && verdict.name === name && !verdict.isDivergent)
        #expect(verdict.reason == "not ours")
        #expect(judge.verdict(of: Self.ruling(.connect, .kill, .rule(0)), name: nil, owner: nil).isDivergent)
    }

    @Test func whoConnectsInIsNotJudgedWhereThePolicySaysSo() throws {
        let judge = try Self.judge([], inbound: .allow)
        let verdict = judge.verdict(of: Self.ruling(.inbound, .allow, .none), name: nil, owner: nil)
        #expect(verdict.basis == .inbound && !verdict.isDivergent)
        #expect(verdict.reason == "inbound connections are not judged")
    }
}
