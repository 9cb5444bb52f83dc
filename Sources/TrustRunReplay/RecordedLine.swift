// SPDX-License-Identifier: Apache-2.0

/// The members of a line that are read; docs/events.md says what they mean.
struct RecordedLine: Decodable {
    struct Process: Decodable {
        var executable: String?
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
    }

    struct Verdict: Decodable {
        var action: String
        var rule: String?
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
    var bytes: Bytes?
    var dns: DNS?
    var verdict: Verdict?
    var summary: Summary?
    var resolvers: [String]?
}
