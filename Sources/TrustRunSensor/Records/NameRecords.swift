// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension RecordDecoder {
    @_lifetime(copy record)
    static func nameEvent(_ record: borrowing RecordReader) throws(RecordError) -> SensorEvent {
        let body: SensorEvent.Body
        var start = 120
        var count: Int
        switch record.kind {
        case RecordKind.dns.rawValue:
            count = try Int(record.load(UInt32.self, at: 116))
            body = try .dns(socketFacts(record), sequence: record.load(UInt32.self, at: 112))
        case RecordKind.quic.rawValue:
            count = try Int(record.load(UInt32.self, at: 116))
            body = try .quic(socketFacts(record))
        case RecordKind.hello.rawValue:
            start = 128
            count = try Int(record.load(UInt32.self, at: 116))
            var facts = try socketFacts(record)
            facts.socket = try record.load(UInt64.self, at: 120)
            body = try .hello(facts, offset: record.load(UInt32.self, at: 112))
        default:
            start = 80
            count = try Int(record.load(UInt32.self, at: 72))
            body = try .serverName(record.task(at: 16))
        }
        return try SensorEvent(
            time: record.time, flags: record.flags, body: body, payload: record.payload(at: start, count: count)
        )
    }
}
