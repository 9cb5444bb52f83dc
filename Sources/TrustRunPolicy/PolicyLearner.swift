// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Collects connections that were seen, to make the smallest policy that allows them. Times are texts in RFC 3339, UTC, all of the same form.
package struct PolicyLearner {
    /// Destinations that are kept apart at most, and as many peers and resolvers; what comes beyond is counted and makes the policy incomplete.
    package static let destinationsMax = 8192
    /// Names that are kept for a comment at most.
    private static let namesMax = 64

    /// What is known of a connection that may still tell more.
    private struct Open {
        var connection: ConnectionEvent
        var executable: String?
        var time: String
        var isClosed = false
    }

    private var open: [String: Open] = [:]
    private(set) var destinations: [ObservedDestination: Sightings] = [:]
    /// Who connected in from this host itself.
    private(set) var locals: [ObservedPeer: Sightings] = [:]
    /// All who connected in from elsewhere; nil: nobody.
    private(set) var inbound: Sightings?
    private(set) var queries: [IPAddress: Sightings] = [:]
    /// Those that answered, or that the machine trusts.
    private(set) var resolvers: Set<IPAddress>
    /// Connections that were taken in.
    package private(set) var connectionCount: UInt64 = 0
    /// Connections beyond `destinationsMax`.
    private(set) var leftOut: UInt64 = 0

    /// `resolvers` are those that the machine trusts with names: resolv.conf's.
    package init(resolvers: [IPAddress] = []) {
        self.resolvers = Set(resolvers.map(\.canonical))
    }

    /// Adds resolvers that the machine trusts.
    package mutating func trust(_ others: [IPAddress]) {
        resolvers.formUnion(others.map(\.canonical))
    }

    /// Takes what an event tells of a connection: its beginning, a server name, its end.
    ///
    /// - Parameters:
    ///   - id: The same in all events of one connection.
    ///   - executable: The process's path; nil if it is not known or no text.
    ///   - isLast: Nothing more will be told of it.
    package mutating func observe(
        _ connection: borrowing ConnectionEvent, id: String, executable: String?, time: String, isLast: Bool
    ) {
        var known =
            open.removeValue(forKey: id) ?? Open(connection: copy connection, executable: executable, time: time)
        let outcome = connection.outcome ?? known.connection.outcome
        known.connection = copy connection
        known.connection.outcome = outcome
        // Who made it, not who has it now.
        known.executable = known.executable ?? executable
        guard isLast else {
            open[id] = known
            return
        }
        known.isClosed = true
        count(known)
    }

    /// Takes an answer of a resolver on port 53: connections to it are made to look names up.
    package mutating func observeAnswer(from resolver: IPAddress) {
        resolvers.insert(resolver.canonical)
    }

    /// Counts what has not ended.
    package mutating func finish() {
        for (_, left) in open.sorted(by: { left, right in left.key < right.key }) { count(left) }
        open = [:]
    }

    private mutating func count(_ seen: Open) {
        connectionCount += 1
        let connection = seen.connection
        switch connection.direction {
        case .inbound:
            let peer = ObservedPeer(address: connection.source.address.canonical, transport: connection.transport)
            guard !peer.address.isLoopback else { return leftOut += Self.add(seen, to: &locals, at: peer) }
            var sightings = inbound ?? Sightings(at: seen.time)
            Self.add(seen, to: &sightings)
            inbound = sightings
        case .outbound:
            // Whether it is a resolver's is known at the end.
            if connection.destination.port == 53 {
                _ = Self.add(seen, to: &queries, at: connection.destination.address.canonical)
            }
            let destination = ObservedDestination(
                target: Self.target(of: connection), port: connection.destination.port, transport: connection.transport
            )
            leftOut += Self.add(seen, to: &destinations, at: destination)
        }
    }

    /// The answer is 1 if there is no room for it.
    private static func add<Key>(_ seen: Open, to table: inout [Key: Sightings], at key: Key) -> UInt64 {
        guard table[key] != nil || table.count < destinationsMax else { return 1 }
        add(seen, to: &table[key, default: Sightings(at: seen.time)])
        return 0
    }

    private static func add(_ seen: Open, to sightings: inout Sightings) {
        sightings.count += 1
        sightings.first = min(sightings.first, seen.time)
        sightings.last = max(sightings.last, seen.time)
        // One more than rules may name tells that there are too many.
        if sightings.executables.count <= CompiledPolicy.maximumProcessGlobs {
            sightings.executables.insert(seen.executable.flatMap(process))
        }
        sightings.sources.insert(seen.connection.names.source)
        let names = seen.connection.names
        if case .sni = names.source, let name = names.name, sightings.claims.count < namesMax {
            sightings.claims.insert(text(of: name))
        }
        if sightings.others.count < namesMax { sightings.others.formUnion(names.candidates.dropFirst().map(text)) }
        if needsAddressVerification(seen.connection, isClosed: seen.isClosed) {
            sightings.needsAddressVerification = true
        }
    }

    /// A name that an answer ties to the address; else the address: a name that the client claims alone has no answer to be judged by later.
    /// Resolvers are known by address.
    private static func target(of connection: borrowing ConnectionEvent) -> ObservedDestination.Target {
        let name: HostName? =
            switch connection.names.source {
            case .dns, .dnsAndSNI: connection.names.name ?? connection.names.candidates.first
            case .sni, .none: nil
            }
        guard let name, connection.destination.port != 53, let exact = DomainName(text(of: name)),
            !exact.endsInNumber, NamePattern(text(of: name))?.shape == .exact
        else { return .address(connection.destination.address.canonical) }
        return .name(text(of: name))
    }

    /// The name gate lets payload without an allowed server name pass only if the rule says `verify: address`, and UDP only then.
    private static func needsAddressVerification(_ connection: ConnectionEvent, isClosed: Bool) -> Bool {
        guard connection.names.source == .dns || connection.transport == .udp else { return false }
        switch (connection.transport, connection.bytes) {
        case (.udp, _): return true
        case (.tcp, .tcp(let acknowledged, let unacknowledged, _)): return acknowledged > 0 || unacknowledged > 0
        case (.tcp, _): return !isClosed && connection.outcome == .established
        }
    }

    /// A path that a rule's `process` can name.
    private static func process(_ path: String) -> String? {
        let isText = path.unicodeScalars.allSatisfy { scalar in scalar.properties.generalCategory != .control }
        return path.hasPrefix("/") && isText ? path : nil
    }

    private static func text(of name: HostName) -> String { String(decoding: name.bytes, as: UTF8.self) }
}

/// Where connections went.
struct ObservedDestination: Hashable {
    enum Target: Hashable {
        case name(String)
        case address(IPAddress)
    }

    var target: Target
    /// 0: the kernel did not say.
    var port: UInt16
    var transport: TransportProtocol
}

/// Who connected in.
struct ObservedPeer: Hashable {
    var address: IPAddress
    var transport: TransportProtocol
}

/// What was seen of the connections to one destination, or from one peer.
struct Sightings {
    var count: UInt64 = 0
    var first: String
    var last: String
    /// Of their processes; nil: one that no rule can name.
    var executables: Set<String?> = []
    var sources: Set<NameSource> = []
    /// Server names that no answer tied to the address.
    var claims: Set<String> = []
    /// Further names that could have been meant.
    var others: Set<String> = []
    /// Payload went without a server name.
    var needsAddressVerification = false

    init(at time: String) {
        first = time
        last = time
    }

    mutating func add(_ other: Sightings) {
        count += other.count
        first = min(first, other.first)
        last = max(last, other.last)
        executables.formUnion(other.executables)
        sources.formUnion(other.sources)
        claims.formUnion(other.claims)
        others.formUnion(other.others)
        needsAddressVerification = needsAddressVerification || other.needsAddressVerification
    }
}
