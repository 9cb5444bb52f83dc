// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// How two policies judge the same recording, by destination.
struct ComparisonSummary {
    /// What is counted together.
    struct Key: Hashable {
        var destination: String
        var transport: String
        var before: PolicyAction?
        var after: PolicyAction
        var rule: String
    }

    /// What the verdicts are compared with: `recorded`, or a policy's name.
    let before: String
    let after: String
    private(set) var counts: [Key: UInt64] = [:]
    private(set) var connections: UInt64 = 0
    /// Events that the recording session says it lost: what they told is in no count.
    var lost: UInt64 = 0

    init(before: String, after: String) {
        self.before = before
        self.after = after
    }

    /// Counts one connection; `before` is nil where it was not judged.
    mutating func add(_ connection: ConnectionEvent, before: PolicyAction?, after: Verdict) {
        let key = Key(
            destination: Self.text(of: connection), transport: connection.transport == .udp ? "udp" : "tcp",
            before: before, after: after.action, rule: after.rule ?? "\(after.basis.text)"
        )
        counts[key, default: 0] += 1
        connections += 1
    }

    /// Connections that the second policy judges otherwise; the most frequent first.
    var changes: [(key: Key, count: UInt64)] {
        counts.filter { entry in entry.key.before != entry.key.after }
            .map { entry in (key: entry.key, count: entry.value) }
            .sorted { left, right in
                (right.count, left.key.destination, left.key.rule) < (left.count, right.key.destination, right.key.rule)
            }
    }

    func total(before action: PolicyAction?) -> UInt64 {
        counts.reduce(0) { sum, entry in entry.key.before == action ? sum + entry.value : sum }
    }

    func total(after action: PolicyAction) -> UInt64 {
        counts.reduce(0) { sum, entry in entry.key.after == action ? sum + entry.value : sum }
    }

    /// The destination by name if it has one, else by address; who connected in has no port worth counting.
    private static func text(of connection: ConnectionEvent) -> String {
        guard case .outbound = connection.direction else { return "from \(connection.source.address)" }
        let endpoint = connection.destination
        if let name = connection.names.name ?? connection.names.candidates.first {
            return "\(String(decoding: name.bytes, as: UTF8.self)):\(endpoint.port)"
        }
        return endpoint.address.isIPv4
            ? "\(endpoint.address):\(endpoint.port)" : "[\(endpoint.address)]:\(endpoint.port)"
    }
}
