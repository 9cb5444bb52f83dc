// SPDX-License-Identifier: Apache-2.0
import TrustRunEvents
import TrustRunPolicy
import TrustRunTestSupport

/// Policies and destinations from so small an alphabet that matches, ties and nesting are common.
struct RandomPolicies {
    var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    static let executables: [String?] = [
        nil, "/usr/bin/python3", "/usr/bin/python3.11", "/bin/sh", "/opt/app/bin/run", "/usr/bin/",
    ]
    private static let processes = [
        "/usr/bin/*", "*python3", "/usr/bin/python?*", "/bin/sh", "*", "/opt/*/run", "?bin*",
    ]
    private static let labels = ["a", "b", "ab", "a-b", "aab", "xn--a"]
    private static let starLabels = ["*", "a*", "*b", "a*b", "*a*", "**", "*-*"]

    // MARK: Policies

    mutating func policy() -> Policy {
        let count =
            generator.isOne(in: 40)
            ? Int.random(in: 100...200, using: &generator) : Int.random(in: 0...16, using: &generator)
        var settings = PolicySettings()
        settings.defaultAction.value = action()
        let rules = (0..<count).map { rule($0) }
        return Policy(name: "random", description: nil, rules: rules, settings: settings, documents: [])
    }

    private mutating func rule(_ index: Int) -> Rule {
        Rule(
            id: "random#\(index)", patterns: (0..<Int.random(in: 1...3, using: &generator)).map { _ in pattern() },
            ports: ports(), transport: generator.isOne(in: 2) ? nil : generator.isOne(in: 2) ? .tcp : .udp,
            process: generator.isOne(in: 4) ? PathGlob(one(of: Self.processes)) : nil,
            verify: generator.isOne(in: 2) ? .address : .name, action: action())
    }

    private mutating func action() -> PolicyAction { one(of: PolicyAction.allCases) }

    private mutating func ports() -> [ClosedRange<UInt16>]? {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: [443...443]
        case 1: [444...444, 443...443, 80...80]
        case 2: [1...1024]
        case 3: [8000...8999, 443...443]
        case 4: [400...500, 443...600]
        case 5: [0...65535]
        default: nil
        }
    }

    private mutating func pattern() -> TrustRunPolicy.Pattern {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: .any
        case 1...9: network().map(Pattern.network) ?? .any
        default: NamePattern(namePattern()).map(Pattern.name) ?? .any
        }
    }

    private mutating func namePattern() -> String {
        var labels = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
            generator.isOne(in: 5) ? one(of: Self.starLabels) : one(of: Self.labels)
        }
        if generator.isOne(in: 2) { labels.insert("*", at: 0) }
        return labels.joined(separator: ".")
    }

    private mutating func network() -> IPNetwork? {
        let address = address()
        let lengths =
            address.isIPv4 ? [0, 1, 8, 15, 16, 17, 24, 30, 31, 32] : [0, 1, 32, 48, 63, 64, 65, 96, 127, 128]
        return IPNetwork(address, length: one(of: lengths))
    }

    /// Few bits in few places.
    private mutating func address() -> IPAddress {
        let bits = UInt64.random(in: 0...255, using: &generator)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: return IPAddress(ipv4: 0)
        case 1: return IPAddress(high: 0, low: bits & 1)
        case 2: return IPAddress(ipv4: 0x7f00_0000 | UInt32(bits & 1))
        case 3: return IPAddress(high: 0x0064_ff9b_0000_0000, low: 0x0a00_0000 | bits & 3)
        case 4...11: return IPAddress(ipv4: 0x0a00_0000 | UInt32(bits & 3 | (bits & 0xc) << 6 | (bits & 0x30) << 12))
        default:
            return IPAddress(
                high: 0x2001_0db8 << 32 | (bits & 3) | (bits & 4) << 14, low: (bits & 0x18) >> 3 | (bits & 0x60) << 57)
        }
    }

    // MARK: Destinations

    struct Destination {
        var address: IPAddress?
        var port: UInt16?
        var transport: TransportProtocol
        var name: Int?
        var executable: Int
        var isInbound: Bool
    }

    /// Names to choose from.
    mutating func names(_ count: Int) -> [[UInt8]] {
        (0..<count).map { _ in
            let labels = (0..<Int.random(in: 1...5, using: &generator)).map { _ in one(of: Self.labels) }
            return Array(labels.joined(separator: ".").utf8)
        }
    }

    mutating func destination(of policy: Policy, names: Int) -> Destination {
        Destination(
            address: generator.isOne(in: 8) ? nil : address(near: policy),
            port: generator.isOne(in: 8)
                ? nil : one(of: [80, 443, 444, 500, 600, 601, 1024, 1025, 7999, 8000, 8999, 0, 65535]),
            transport: generator.isOne(in: 3) ? .udp : .tcp,
            name: generator.isOne(in: 4) ? nil : Int.random(in: 0..<names, using: &generator),
            executable: Int.random(in: 0..<Self.executables.count, using: &generator),
            isInbound: generator.isOne(in: 10))
    }

    /// Mostly at an end of one of the policy's prefixes, or just beyond.
    private mutating func address(near policy: Policy) -> IPAddress {
        guard !generator.isOne(in: 3), let rule = policy.rules.randomElement(using: &generator),
            case .network(let network)? = rule.patterns.randomElement(using: &generator)
        else { return address() }
        let width = network.isIPv4 ? 32 : 128
        let first = UInt128(network.address.high) << 64 | UInt128(network.address.low)
        let size: UInt128 = network.length == 0 && width == 128 ? 0 : 1 << UInt128(width - network.length)
        let number = one(of: [first, first &- 1, first &+ size, first &+ size &- 1, first ^ 1])
        return IPAddress(high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number))
    }

    private mutating func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &generator)]
    }
}
