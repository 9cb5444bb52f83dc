// SPDX-License-Identifier: Apache-2.0
import TrustRunEvents
import TrustRunPolicy

/// The rules of evaluation in their plainest form, to hold the compiled form against: every rule is looked at for every destination, and
/// nothing of what it uses is used by the compiled form or by explanations.
struct ReferenceEvaluator {
    /// An address without its textual forms: IPv4 in 32 bits, IPv6 in 128.
    struct Address: Equatable {
        var isIPv4: Bool
        var bits: UInt128

        /// IPv4-mapped (::ffff:0:0/96) and NAT64 (64:ff9b::/96) addresses are the IPv4 address; 0.0.0.0 and :: are loopback.
        init(_ address: IPAddress) {
            let all = UInt128(address.high) << 64 | UInt128(address.low)
            isIPv4 = all >> 32 == 0xffff || all >> 32 == UInt128(0x0064_ff9b) << 64
            bits = isIPv4 ? all & 0xffff_ffff : all
            if bits == 0 { bits = isIPv4 ? 127 << 24 | 1 : 1 }
        }

        func isIn(_ prefix: UInt128, _ length: Int, isIPv4: Bool) -> Bool {
            let width = isIPv4 ? 32 : 128
            return self.isIPv4 == isIPv4
                && (length == 0 || bits >> UInt128(width - length) == prefix >> UInt128(width - length))
        }
    }

    enum Match {
        case any
        case address(prefix: UInt128, length: Int, isIPv4: Bool)
        /// Labels from the right; the leading `*.` apart.
        case name(labels: [[UInt8]], hasLeadingStar: Bool, isExact: Bool, literalLabels: Int, literalBytes: Int)
    }

    let rules: [Rule]
    let matches: [[Match]]
    let defaultAction: PolicyAction

    init(_ policy: Policy) {
        rules = policy.rules
        defaultAction = policy.settings.defaultAction.value
        matches = policy.rules.map { rule in rule.patterns.map(Self.match) }
    }

    private static func match(_ pattern: TrustRunPolicy.Pattern) -> Match {
        switch pattern {
        case .any:
            return .any
        case .network(let network):
            let address = network.address
            let bits = UInt128(address.high) << 64 | UInt128(address.low)
            return .address(
                prefix: address.isIPv4 ? bits & 0xffff_ffff : bits, length: network.length, isIPv4: address.isIPv4)
        case .name(let name):
            var text = Array(name.text.utf8)
            let bytes = text.filter { $0 != 0x2a }.count
            let isExact = !text.contains(0x2a)
            let hasLeadingStar = text.starts(with: "*.".utf8)
            if hasLeadingStar { text.removeFirst(2) }
            let labels = self.labels(text)
            let literal = labels.firstIndex { $0.contains(0x2a) } ?? labels.count
            return .name(
                labels: labels, hasLeadingStar: hasLeadingStar, isExact: isExact, literalLabels: literal,
                literalBytes: bytes)
        }
    }

    /// From the right.
    static func labels(_ name: [UInt8]) -> [[UInt8]] {
        name.split(separator: 0x2e).reversed().map { Array($0) }
    }

    /// A `*` is tried with every number of bytes.
    static func globs(_ glob: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = glob.first else { return text.isEmpty }
        if first == 0x2a {
            return globs(glob.dropFirst(), text) || (!text.isEmpty && globs(glob, text.dropFirst()))
        }
        guard let byte = text.first, first == 0x3f || first == byte else { return false }
        return globs(glob.dropFirst(), text.dropFirst())
    }

    private static func name(_ pattern: [[UInt8]], _ hasLeadingStar: Bool, _ labels: [[UInt8]]) -> Bool {
        guard hasLeadingStar ? labels.count > pattern.count : labels.count == pattern.count else { return false }
        for (pattern, label) in zip(pattern, labels) where pattern != label {
            guard pattern.contains(0x2a), globs(pattern[...], label[...]) else { return false }
        }
        return true
    }

    /// Which rules' `process` fit an executable.
    func processFits(_ executable: String?) -> [Bool] {
        rules.map { rule in
            guard let glob = rule.process else { return true }
            guard let executable else { return false }
            return Self.globs(Array(glob.text.utf8)[...], Array(executable.utf8)[...])
        }
    }

    struct Query {
        var address: IPAddress?
        var port: UInt16?
        var transport: TransportProtocol
        /// From the right.
        var labels: [[UInt8]]?
        var isInbound: Bool
    }

    func decide(_ query: Query, processFits: [Bool]) -> Decision {
        let address = query.address.map(Address.init)
        var best: (address: (length: Int, rule: Int)?, name: (rank: [Int], rule: Int)?, any: Int?)
        for rule in rules.indices where processFits[rule] && fits(rules[rule], query) {
            for match in matches[rule] {
                switch match {
                case .any:
                    if best.any == nil { best.any = rule }
                case .address(let prefix, let length, let isIPv4):
                    guard let address, length > best.address?.length ?? -1 else { continue }
                    if address.isIn(prefix, length, isIPv4: isIPv4) { best.address = (length, rule) }
                case .name(let labels, let hasLeadingStar, let isExact, let literalLabels, let literalBytes):
                    guard !query.isInbound, let name = query.labels, Self.name(labels, hasLeadingStar, name) else {
                        continue
                    }
                    let permits = rules[rule].action == .allow || rules[rule].action == .alert
                    let isForUDP = rules[rule].transport == .udp && rules[rule].verify == .address
                    if query.transport == .udp && permits && !isForUDP { continue }
                    let rank = [isExact ? 1 : 0, literalLabels, literalBytes]
                    guard let known = best.name else {
                        best.name = (rank, rule)
                        continue
                    }
                    if known.rank.lexicographicallyPrecedes(rank) { best.name = (rank, rule) }
                }
            }
        }
        // 1
        if !query.isInbound, let found = best.address, found.length > 0,
            [.block, .kill].contains(rules[found.rule].action)
        {
            return Decision(action: rules[found.rule].action, basis: .address, rule: found.rule)
        }
        // 2
        if let found = best.name { return Decision(action: rules[found.rule].action, basis: .name, rule: found.rule) }
        // 3
        if let found = best.address {
            return Decision(action: rules[found.rule].action, basis: .address, rule: found.rule)
        }
        if let found = best.any { return Decision(action: rules[found].action, basis: .any, rule: found) }
        return Decision(action: defaultAction, basis: .defaults, rule: nil)
    }

    private func fits(_ rule: Rule, _ query: Query) -> Bool {
        if let transport = rule.transport, transport != query.transport { return false }
        guard let ports = rule.ports else { return true }
        guard !query.isInbound, let port = query.port else { return false }
        return ports.contains { $0.lowerBound <= port && port <= $0.upperBound }
    }
}
