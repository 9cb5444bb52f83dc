// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A policy that was made of what was seen, with what it rests on.
package struct LearnedPolicy {
    /// All that a rule says but for what it matches.
    struct Shape: Hashable {
        /// An executable's path; nil: every process.
        var process: String?
        var transport: TransportProtocol
        var verify: Rule.Verification
        /// nil: every port.
        var ports: [ClosedRange<UInt16>]?
    }

    struct Target {
        var pattern: Pattern
        var sightings: Sightings
    }

    struct Resolver {
        var address: IPAddress
        var sightings: Sightings
    }

    let name: String
    let defaultAction: PolicyAction
    /// Connections that are in no rule, since there were too many destinations.
    package let leftOut: UInt64
    var resolvers: [Resolver] = []
    /// Of all who connected in from other hosts; nil: nobody did.
    var inbound: Sightings?
    private var targets: [Shape: [Target]] = [:]

    init(name: String, defaultAction: PolicyAction, leftOut: UInt64) {
        self.name = name
        self.defaultAction = defaultAction
        self.leftOut = leftOut
    }

    mutating func add(_ target: ObservedDestination.Target, _ sightings: Sightings, to shape: Shape) {
        let pattern: Pattern? =
            switch target {
            case .name(let name): NamePattern(name).map(Pattern.name)
            case .address(let address):
                IPNetwork(address, length: address.isIPv4 ? 32 : 128).map(Pattern.network)
            }
        guard let pattern else { return }
        targets[shape, default: []].append(Target(pattern: pattern, sightings: sightings))
    }

    /// Each rule with what it matches: those for every process first, names before addresses, then in alphabetical order.
    var shapes: [(shape: Shape, targets: [Target])] {
        targets.map { shape, targets in
            (shape, targets.sorted { left, right in Self.key(of: left) < Self.key(of: right) })
        }.sorted { left, right in Self.key(of: left).lexicographicallyPrecedes(Self.key(of: right)) }
    }

    private static func key(of entry: (shape: Shape, targets: [Target])) -> [String] {
        [entry.shape.process ?? ""] + entry.targets.map(key) + [
            "\(entry.shape.transport.policyWord)", "\(entry.shape.ports ?? [])",
        ]
    }

    private static func key(of target: Target) -> String {
        switch target.pattern {
        case .any: "0"
        case .name(let name): "1" + name.text
        case .network(let network): "2\(network)"
        }
    }

    package var ruleCount: Int { targets.count }

    /// As a policy that can be asked.
    package var policy: Policy {
        var settings = PolicySettings()
        let origin = Origin(document: 0, line: 1, column: 1)
        settings.defaultAction = PolicySettings.Setting(defaultAction, origin: origin)
        if !resolvers.isEmpty {
            settings.resolvers = PolicySettings.Setting(resolvers.map(\.address), origin: origin)
        }
        if inbound != nil { settings.inbound = PolicySettings.Setting(.allow, origin: origin) }
        let rules = shapes.enumerated().map { index, entry in
            Rule(
                id: "\(name)#\(index + 1)", patterns: entry.targets.map(\.pattern), ports: entry.shape.ports,
                transport: entry.shape.transport, process: entry.shape.process.map(PathGlob.init),
                verify: entry.shape.verify, action: .allow
            )
        }
        let document = Policy.Document(label: name, name: name, description: nil)
        return Policy(name: name, description: nil, rules: rules, settings: settings, documents: [document])
    }
}
