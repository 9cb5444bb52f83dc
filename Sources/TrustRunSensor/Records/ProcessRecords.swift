// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension RecordDecoder {
    @_lifetime(copy record)
    static func processEvent(_ record: borrowing RecordReader) throws(RecordError) -> SensorEvent {
        let body: SensorEvent.Body
        var start = 80
        var count = 0
        switch record.kind {
        case RecordKind.fork.rawValue:
            body = try .fork(record.task(at: 16), parent: record.processKey(tgidAt: 72, startTimeAt: 64))
        case RecordKind.exec.rawValue:
            let pathByteCount = try Int(record.load(UInt16.self, at: 76))
            count = try pathByteCount + Int(record.load(UInt16.self, at: 78))
            body = try .exec(
                record.task(at: 16),
                parent: record.processKey(tgidAt: 72, startTimeAt: 64),
                pathByteCount: pathByteCount
            )
        case RecordKind.exit.rawValue:
            start = 72
            body = try .exit(record.task(at: 16), waitStatus: record.load(UInt32.self, at: 64))
        default:
            start = 32
            count = try Int(record.load(UInt32.self, at: 24))
            body = try .cgroup(id: record.load(UInt64.self, at: 16))
        }
        return try SensorEvent(
            time: record.time, flags: record.flags, body: body, payload: record.payload(at: start, count: count)
        )
    }
}
