// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension RecordDecoder {
    /// Facts of the records that hold a task, a cookie and endpoints, in this order behind the header.
    @inline(always)
    static func socketFacts(_ record: borrowing RecordReader, endpointsAt offset: Int = 72) throws(RecordError)
        -> SocketFacts
    {
        let ends = try record.endpoints(at: offset)
        var facts = try SocketFacts(
            task: record.task(at: 16),
            cookie: record.load(UInt64.self, at: 64),
            networkNamespace: record.networkNamespace(at: 44),
            transport: ends.transport,
            local: ends.local,
            remote: ends.remote
        )
        facts.errorNumber = try record.load(UInt16.self, at: offset + 38)
        return facts
    }

    /// Facts of the records without a task: a cookie, endpoints and a namespace where they say.
    @inline(always)
    private static func taskless(
        _ record: borrowing RecordReader, endpointsAt offset: Int, namespaceAt namespace: Int
    ) throws(RecordError) -> SocketFacts {
        let ends = try record.endpoints(at: offset)
        return try SocketFacts(
            task: TaskFacts(
                key: ProcessKey(tgid: 0, startTime: 0), user: 0, group: 0, cgroupID: 0, comm: .init(repeating: 0)
            ),
            cookie: record.load(UInt64.self, at: 16),
            networkNamespace: record.networkNamespace(at: namespace),
            transport: ends.transport,
            local: ends.local,
            remote: ends.remote
        )
    }

    @_lifetime(copy record)
    static func networkEvent(_ record: borrowing RecordReader) throws(RecordError) -> SensorEvent {
        let body: SensorEvent.Body
        switch record.kind {
        case RecordKind.connect.rawValue: body = try .connect(socketFacts(record))
        case RecordKind.accept.rawValue: body = try .accept(socketFacts(record))
        case RecordKind.udpFlow.rawValue: body = try .udpFlow(socketFacts(record))
        case RecordKind.udpClose.rawValue: body = try .udpClose(cookie: record.load(UInt64.self, at: 16))
        case RecordKind.established.rawValue:
            body = try .established(taskless(record, endpointsAt: 24, namespaceAt: 64))
        case RecordKind.close.rawValue:
            var facts = try taskless(record, endpointsAt: 32, namespaceAt: 72)
            facts.socket = try record.load(UInt64.self, at: 24)
            body = try .close(facts, closeFacts(record))
        default:
            var facts = try socketFacts(record, endpointsAt: 80)
            facts.socket = try record.load(UInt64.self, at: 72)
            let state = try record.load(UInt32.self, at: 120)
            body = record.kind == RecordKind.listen.rawValue ? .listen(facts) : .socket(facts, state: state)
        }
        return try SensorEvent(
            time: record.time, flags: record.flags, body: body, payload: record.payload(at: 16, count: 0)
        )
    }

    @inline(always)
    private static func closeFacts(_ record: borrowing RecordReader) throws(RecordError) -> CloseFacts {
        try CloseFacts(
            oldState: record.load(UInt32.self, at: 76),
            errorNumber: record.load(UInt32.self, at: 80),
            acknowledged: record.load(UInt64.self, at: 88),
            unacknowledged: record.load(UInt64.self, at: 96),
            received: record.load(UInt64.self, at: 104)
        )
    }
}
