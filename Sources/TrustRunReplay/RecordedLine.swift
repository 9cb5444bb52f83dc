// SPDX-License-Identifier: Apache-2.0

/// The members of a line that are read; docs/events.md says what they mean.
struct RecordedLine: Decodable {
    struct Process: Decodable {
        var executable: String?
        var name: String?
        var pid: UInt32?
        var start_time: String?
    }

    struct Source: Decodable {
        var address: String
        var port: UInt16?
    }

    struct Destination: Decodable {
        var address: String
        var port: UInt16?
        var name: String?
        var names: [String]?
        var name_source: String?
    }

    struct Bytes: Decodable {
        var acknowledged: UInt64?
        var unacknowledged: UInt64?
        var sent: UInt64?
        var received: UInt64?
    }

    struct DNS: Decodable {
        var phase: String?
        var resolver: Source?
        var unsolicited: Bool?
        var name: String?
        var query_type: String?
        var id: UInt16?
        var answers: [Answer]?

        struct Answer: Decodable {
            var address: String
            var ttl: UInt64?
        }
    }

    struct Verdict: Decodable {
        var action: String
        var rule: String?
        var enforced: Bool?
        var basis: String?
        var name: String?
        var reason: String?
        var gate: String?
        var generation: UInt32?
        var divergent: Bool?
        var policy: String?
    }

    struct ServerName: Decodable {
        var name: String?
    }

    struct Summary: Decodable {
        var lost: UInt64?
    }

    var schema: String
    var type: String
    var time: String
    var process: Process?
    var connection: String?
    var direction: String?
    var `protocol`: String?
    var source: Source?
    var destination: Destination?
    var existing: Bool?
    var outcome: String?
    var errno: String?
    var sni: ServerName?
    var bytes: Bytes?
    var dns: DNS?
    var verdict: Verdict?
    var summary: Summary?
    var resolvers: [String]?
}
