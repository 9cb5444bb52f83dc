// SPDX-License-Identifier: Apache-2.0
import CTrustRunEnforcement
import Testing
import TrustRunEvents
import TrustRunPolicy
import TrustRunTestSupport

@testable import TrustRunEnforcement

/// The tables say what the policy says, read as the kernel reads them.
@Suite struct KernelTablesTests {
    @Test func structsAreAsTheKernelHasThem() {
        #expect(MemoryLayout<tr_candidate>.size == 16)
        #expect(MemoryLayout<tr_candidate>.offset(of: \.first_port) == 4)
        #expect(MemoryLayout<tr_candidate>.offset(of: \.action) == 12)
        #expect(MemoryLayout<tr_candidate>.offset(of: \.conditions) == 13)
        // Keys lie before the value without a gap.
        #expect(MemoryLayout<tr_ipv4_range>.size == 8 && MemoryLayout<tr_ipv4_range>.offset(of: \.list) == 4)
        #expect(MemoryLayout<tr_ipv6_key>.size == 20 && MemoryLayout<tr_ipv6_entry>.offset(of: \.list) == 20)
        #expect(MemoryLayout<tr_outcome_key>.size == 32)
        #expect(MemoryLayout<tr_policy>.size == 12 * 4 + 8 + 16 * 4 + 16 * 16)
        #expect(Candidate.Conditions.tcp.rawValue == UInt8(TR_IF_TCP))
        #expect(Candidate.Conditions.udp.rawValue == UInt8(TR_IF_UDP))
        #expect(Candidate.Conditions.hasPorts.rawValue == UInt8(TR_HAS_PORTS))
        #expect(Candidate.Conditions.precedesNames.rawValue == UInt8(TR_PRECEDES_NAMES))
        #expect(Candidate.Conditions.isLast.rawValue == UInt8(TR_IS_LAST))
        #expect(ProcessReach.access.rawValue == UInt16(TR_REACH_ACCESS.rawValue))
        #expect(ProcessReach.abstractSocket.rawValue == UInt16(TR_REACH_ABSTRACT_SOCKET.rawValue))
        #expect(ProcessReach.service.rawValue == UInt16(TR_REACH_SERVICE.rawValue))
        #expect(ProcessReach.terminal.rawValue == UInt16(TR_REACH_TERMINAL.rawValue))
        #expect(ProcessReach.unixSocket.rawValue == UInt16(TR_REACH_UNIX_SOCKET.rawValue))
        #expect(UnixPath.maximumCount == TR_MAX_UNIX_PATHS && UnixPath.maximumByteCount < TR_UNIX_PATH_SIZE)
        #expect(MemoryLayout<tr_unix_key>.size == 8 + Int(TR_UNIX_PATH_SIZE))
        #expect(CompiledPolicy.maximumCandidatesPerKey < TR_MAX_CANDIDATES)
        #expect(CompiledPolicy.maximumCandidates < TR_MAX_ALL_CANDIDATES)
        for action in PolicyAction.allCases { #expect(action.rawValue < UInt8(TR_ACTION_ERROR.rawValue)) }
    }

    @Test func anEmptyPolicyIsItsDefault() throws {
        let empty = try compile([], .block)
        let tables = KernelTables(empty, resolvers: [], namespaces: ResolverNamespaces(inodes: []), probe: probe(empty))
        #expect(tables.candidates.count == 3)
        #expect(tables.candidates[0].action == 2)
        #expect(tables.policy.any_list == 0 && tables.policy.resolver_count == 0 && tables.policy.judges_inbound == 1)
        // What is before the probe's prefix, that, and what is behind it.
        #expect(tables.ipv4.count == Int(TR_IPV4_CELLS) + 3 && tables.ipv6.count == 1)
    }

    @Test func resolversAreCanonical() throws {
        let mapped = try #require(IPAddress(text: "64:ff9b::a00:35"))
        let empty = try compile([], .block)
        var policy = KernelTables(
            empty, resolvers: [mapped, try #require(IPAddress(text: "fd00::53"))],
            namespaces: ResolverNamespaces(inodes: [7], includesRootOwned: true), probe: probe(empty)
        ).policy
        #expect(policy.resolver_count == 2)
        #expect(policy.believes_root == 1 && policy.namespace_count == 1 && policy.namespaces.0 == 7)
        let bytes = withUnsafeBytes(of: &policy.resolvers) { Array($0.prefix(32)) }
        #expect(bytes[..<16] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 53])
        #expect(bytes[16...] == [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53])
    }

    @Test func theProbeIsRefusedAndNothingElseChanges() throws {
        let loopback = try #require(IPNetwork(IPAddress(ipv4: 0x7f00_0000), length: 8))
        let inside = (1...255).compactMap { IPNetwork(IPAddress(ipv4: 0x7f00_0001 | UInt32($0) << 16), length: 32) }
        let cases = [
            [], [rule(0, [.network(loopback)], .allow)], [rule(0, [.any], .allow)],
            [rule(0, inside.map(Pattern.network), .allow)],
        ]
        for rules in cases {
            let compiled = try compile(rules, .block)
            let range = probe(compiled)
            var random = SeededGenerator(seed: 3)
            let probe = range.destination(using: &random)
            #expect(range.destination(using: &random) != probe)
            let reader = TableReader(
                KernelTables(compiled, resolvers: [], namespaces: ResolverNamespaces(inodes: []), probe: range))
            for transport in [TransportProtocol.tcp, .udp] {
                for address in [probe.ipv4, probe.ipv6] {
                    #expect(reader.decide(address, probe.port, transport) == .init(action: 2, rule: TR_RULE_PROBE))
                    let other = compiled.decide(
                        address: address, port: probe.port - 1, transport: transport, name: nil, executable: .unknown)
                    #expect(reader.decide(address, probe.port - 1, transport) == .init(other))
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4]) func tablesSayWhatThePolicySays(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let rules = (0..<Int.random(in: 0...30, using: &random)).map { randomRule($0, &random) }
            let compiled = try compile(rules, PolicyAction.allCases[Int.random(in: 0...3, using: &random)])
            let probe = ProbeRange(avoiding: compiled, using: &random)
            let reader = TableReader(
                KernelTables(compiled, resolvers: [], namespaces: ResolverNamespaces(inodes: []), probe: probe))
            for _ in 0..<100 {
                let address = randomAddress(&random).canonical
                let port = [UInt16(80), 443, 444, 8000][Int.random(in: 0...3, using: &random)]
                let transport: TransportProtocol = random.isOne(in: 2) ? .tcp : .udp
                let expected = compiled.decide(
                    address: address, port: port, transport: transport, name: nil, executable: .unknown)
                #expect(reader.decide(address, port, transport) == .init(expected))
                let inbound = compiled.decideInbound(address: address, transport: transport)
                #expect(reader.decide(address, port, transport, isInbound: true) == .init(inbound))
            }
        }
    }

    // MARK: - Input

    private func probe(_ compiled: CompiledPolicy) -> ProbeRange {
        var random = SeededGenerator(seed: 7)
        return ProbeRange(avoiding: compiled, using: &random)
    }

    private func compile(_ rules: [Rule], _ defaultAction: PolicyAction) throws -> CompiledPolicy {
        var settings = PolicySettings()
        settings.defaultAction.value = defaultAction
        return try CompiledPolicy(
            Policy(name: "test", description: nil, rules: rules, settings: settings, documents: []))
    }

    private func rule(_ index: Int, _ patterns: [TrustRunPolicy.Pattern], _ action: PolicyAction) -> Rule {
        Rule(id: "test#\(index)", patterns: patterns, action: action)
    }

    private func randomRule(_ index: Int, _ random: inout SeededGenerator) -> Rule {
        let address = randomAddress(&random)
        let length = Int.random(in: 0...(address.isIPv4 ? 32 : 128), using: &random)
        let network = IPNetwork(address, length: length).map(Pattern.network) ?? .any
        var rule = rule(
            index, [random.isOne(in: 10) ? .any : network], PolicyAction.allCases[Int.random(in: 0...3, using: &random)]
        )
        if random.isOne(in: 2) { rule.ports = [443...443, 8000...8999] }
        if random.isOne(in: 3) { rule.transport = random.isOne(in: 2) ? .tcp : .udp }
        return rule
    }

    private func randomAddress(_ random: inout SeededGenerator) -> IPAddress {
        let bits = UInt64.random(in: 0...15, using: &random)
        if random.isOne(in: 2) { return IPAddress(ipv4: 0x0a00_0000 | UInt32(bits & 3 | (bits & 12) << 14)) }
        return IPAddress(high: 0xfd00 << 48 | (bits & 3) << 30, low: (bits & 12) << 40 | 1)
    }
}

/// Reads tables as BPF/Include/tr_judge.h does, the longest prefix of IPv6 by trying each.
private struct TableReader {
    struct Answer: Equatable {
        var action: UInt8
        var rule: UInt32

        init(action: UInt8, rule: UInt32) {
            self.action = action
            self.rule = rule
        }

        init(_ decision: Decision) {
            self.init(action: decision.action.rawValue, rule: decision.rule.map(UInt32.init) ?? TR_RULE_NONE)
        }
    }

    let tables: KernelTables
    private let prefixes: [(network: IPNetwork, list: UInt32)]

    init(_ tables: KernelTables) {
        self.tables = tables
        prefixes = tables.ipv6.compactMap { entry in
            let address = withUnsafeBytes(of: entry.key.address) {
                IPAddress(networkBytes: $0.bindMemory(to: UInt8.self).span)
            }
            return address.flatMap { IPNetwork($0, length: Int(entry.key.length)) }.map { ($0, entry.list) }
        }
    }

    private func list(of address: IPAddress) -> UInt32 {
        guard let number = address.ipv4 else {
            let longest = prefixes.filter { $0.network.contains(address) }.max { $0.network.length < $1.network.length }
            return longest?.list ?? 0
        }
        return list(of: number)
    }

    private func list(of number: UInt32) -> UInt32 {
        let cell = tables.ipv4[Int(number >> UInt32(TR_IPV4_CELL_SHIFT))]
        var place = Int(cell.first)
        var left = Int(cell.list)
        for _ in 0...TR_IPV4_CELL_SHIFT where left > 0 {
            let half = (left + 1) / 2
            let isBeyond = tables.ipv4[place + half].first > number
            place += isBeyond ? 0 : half
            left = isBeyond ? half - 1 : left - half
        }
        #expect(left == 0)
        return tables.ipv4[place].list
    }

    func decide(
        _ address: IPAddress, _ port: UInt16, _ transport: TransportProtocol, isInbound: Bool = false
    ) -> Answer {
        var found = first(list(of: address), port, transport, isInbound)
        if found == 0 { found = first(tables.policy.any_list, port, transport, isInbound) }
        let candidate = tables.candidates[found]
        return Answer(action: candidate.action, rule: found == 0 ? TR_RULE_NONE : candidate.rule)
    }

    private func first(_ list: UInt32, _ port: UInt16, _ transport: TransportProtocol, _ isInbound: Bool) -> Int {
        guard list != 0 else { return 0 }
        for place in Int(list)..<(Int(list) + Int(TR_MAX_CANDIDATES)) {
            let candidate = tables.candidates[place]
            let conditions = Int(candidate.conditions)
            let fits =
                conditions & (transport == .tcp ? Int(TR_IF_TCP) : Int(TR_IF_UDP)) != 0
                && !(isInbound && conditions & Int(TR_HAS_PORTS) != 0)
                && (candidate.first_port...candidate.last_port).contains(port)
            if fits { return place }
            if conditions & Int(TR_IS_LAST) != 0 { return 0 }
        }
        Issue.record("a list without an end")
        return 0
    }
}
