// SPDX-License-Identifier: Apache-2.0
import TrustRunEvents
import TrustRunPolicy

/// Numbers that repeat for the same seed (SplitMix64).
struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }

    /// True in `percent` of 100 cases.
    mutating func isOne(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// A policy of one kind of patterns, and what it is asked: as many questions that a rule answers as others.
struct Case {
    var policy: Policy
    var addresses: [IPAddress] = []
    /// One behind the other, so that reading them costs no reference counts.
    var text: [UInt8] = []
    var names: [Range<Int>] = []
}

extension Numbers {
    /// `count` rules with a pattern each; a tenth have ports, a twentieth a protocol, a fiftieth a process.
    mutating func policy(_ count: Int, _ makePattern: (inout Numbers) -> Pattern) -> Policy {
        var settings = PolicySettings()
        settings.defaultAction.value = .block
        let processes = (0..<16).map { PathGlob("/usr/bin/tool-\($0)*") }
        let rules = (0..<count).map { index in
            Rule(
                id: "bench#\(index)", patterns: [makePattern(&self)],
                ports: isOne(10) ? [443...443, 8000...8999] : nil,
                transport: isOne(5) ? .tcp : nil, process: isOne(2) ? one(of: processes) : nil,
                action: isOne(80) ? .allow : .block)
        }
        return Policy(name: "bench", description: nil, rules: rules, settings: settings, documents: [])
    }

    // MARK: Names

    private mutating func word(_ lengths: ClosedRange<Int>) -> String {
        String(
            (0..<Int.random(in: lengths, using: &self)).map { _ in
                one(of: Array("abcdefghijklmnopqrstuvwxyz0123456789"))
            })
    }

    private mutating func domain() -> String {
        word(4...12) + "." + one(of: ["com", "com", "com", "net", "org", "io", "cloud", "example.co"])
    }

    /// Names of three to five labels: 65 % whole, 35 % behind `*.`, and 32 globs among the first.
    mutating func names(_ count: Int, asking: Int) -> Case {
        let services = (0..<24).map { _ in word(3...8) }
        var texts: [String] = []
        let policy = policy(count) { numbers in
            let domain = numbers.domain()
            let region = numbers.one(of: ["eu-west-1.", "us-east-2.", "", "", ""])
            let service = numbers.one(of: services)
            let text =
                texts.count < 32
                ? "\(service)-*.eu-west-\(texts.count).amazonaws.com"
                : numbers.isOne(65) ? "\(service).\(region)\(domain)" : "*.\(region)\(domain)"
            texts.append(text)
            return NamePattern(text).map(Pattern.name) ?? .any
        }
        let names = (0..<asking).map { index in
            let text = one(of: texts)
            // Any glob's and suffix' star stands for a service; every second question is no rule's.
            let name = String(text.flatMap { $0 == "*" ? services[index % 24] : String($0) })
            return Array((index % 2 == 0 ? name : name.replacingFirstLabels(with: domain())).utf8)
        }
        var asked = Case(policy: policy)
        for name in names {
            asked.names.append(asked.text.count..<asked.text.count + name.count)
            asked.text += name
        }
        asked.names.shuffle(using: &self)
        return asked
    }

    // MARK: Addresses

    /// Prefixes as clouds publish them: /8 to /32, most of /20 to /24 and whole addresses, in a few thousand /16.
    mutating func ipv4(_ count: Int, asking: Int) -> Case {
        let blocks = (0..<4000).map { _ in UInt32.random(in: 0x0100...0xdfff, using: &self) << 16 }
        let lengths = [
            8, 12, 14, 16, 17, 18, 19, 20, 20, 21, 21, 22, 22, 22, 23, 23, 24, 24, 24, 24, 24, 26, 28, 32, 32, 32, 32,
        ]
        var networks: [IPNetwork] = []
        let policy = policy(count) { numbers in
            let number = numbers.one(of: blocks) | UInt32.random(in: 0...0xffff, using: &numbers)
            let length = networks.count % 1000 == 0 ? 8 : max(14, numbers.one(of: lengths))
            guard let network = IPNetwork(IPAddress(ipv4: number), length: length) else { return .any }
            networks.append(network)
            return .network(network)
        }
        let addresses = (0..<asking).map { index in
            let network = one(of: networks)
            let host = UInt32.random(in: 0...UInt32.max, using: &self)
            let within = (network.address.ipv4 ?? 0) | (network.length == 32 ? 0 : host >> UInt32(network.length))
            return IPAddress(ipv4: index % 2 == 0 ? within : host)
        }
        return Case(policy: policy, addresses: addresses.shuffled(using: &self))
    }

    /// Prefixes as clouds publish them: 300 blocks of /32, within them /36 to /64 and whole addresses.
    mutating func ipv6(_ count: Int, asking: Int) -> Case {
        let registries: [UInt64] = [0x2001, 0x2400, 0x2600, 0x2603, 0x2620, 0x2800, 0x2a00, 0x2a01, 0x2a06, 0x2c0f]
        let blocks = (0..<300).map { _ in one(of: registries) << 48 | UInt64.random(in: 0...0xffff, using: &self) << 32
        }
        let lengths = [32, 36, 40, 40, 44, 44, 46, 48, 48, 48, 48, 48, 52, 56, 56, 56, 60, 64, 64, 64, 128, 128]
        var networks: [IPNetwork] = []
        let policy = policy(count) { numbers in
            let high = numbers.one(of: blocks) | UInt64.random(in: 0...0xffff_ffff, using: &numbers)
            let address = IPAddress(high: high, low: numbers.next())
            guard let network = IPNetwork(address, length: numbers.one(of: lengths)) else { return .any }
            networks.append(network)
            return .network(network)
        }
        let addresses = (0..<asking).map { index in
            let network = one(of: networks).address
            let (bits, low) = (next(), next())
            let isWithin = index % 2 == 0
            return IPAddress(
                high: isWithin ? network.high | bits >> 60 : one(of: blocks) | bits >> 32,
                low: isWithin && network.low != 0 ? network.low : low)
        }
        return Case(policy: policy, addresses: addresses.shuffled(using: &self))
    }
}

extension String {
    /// The same first label under another domain.
    func replacingFirstLabels(with domain: String) -> String {
        (split(separator: ".").first.map(String.init) ?? "") + ".x." + domain
    }
}
