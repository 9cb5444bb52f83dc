// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport

/// DNS over TCP.
@Suite struct DNSStreamTests {
    private let bench = EnrichmentBench()
    private let task = TaskFields(10)
    private static let first = WireBytes.vector(WireBytes.query("a.example", id: 1), lengthBytes: 2)
    private static let second = WireBytes.vector(WireBytes.query("b.example", id: 2), lengthBytes: 2)

    private func begin(at sequence: UInt32) throws {
        try bench.feed(
            RecordBuilder.connect(task, cookie: 1, .resolver(.tcp), at: at(0)),
            RecordBuilder.established(cookie: 1, .resolver(.tcp), at: at(0, 1)), segment(sequence, [], [.egress, .syn]))
    }

    private func segment(
        _ sequence: UInt32, _ bytes: [UInt8], _ flags: SensorEvent.Flags = .egress
    ) -> [UInt8] {
        RecordBuilder.dns(
            .void, cookie: 1, .resolver(.tcp), flags: flags.union([.tcp, .noTask]), sequence: sequence, payload: bytes,
            at: at(1))
    }

    private func names(_ segments: [(sequence: UInt32, bytes: [UInt8])]) throws -> [String] {
        try segments.flatMap { part in
            try bench.events(segment(part.sequence, part.bytes)).compactMap { event in
                #expect(event.process?.key.tgid == 10)
                #expect(event.dns?.transport == .tcp)
                return event.dns?.name?.text
            }
        }
    }

    /// Sequence numbers may wrap.
    @Test(arguments: [UInt32(1), 0xffff_fff0]) func readsTwoMessagesInASegment(start: UInt32) throws {
        try begin(at: start)
        #expect(try names([(start, Self.first + Self.second)]) == ["a.example", "b.example"])
    }

    @Test(arguments: [1, 2, 3, 13, 40]) func readsMessagesInPieces(piece: Int) throws {
        let stream = Self.first + Self.second
        try begin(at: 0xffff_fff0)
        let segments = stride(from: 0, to: stream.count, by: piece).map { start in
            (0xffff_fff0 &+ UInt32(start), Array(stream[start..<min(start + piece, stream.count)]))
        }
        #expect(try names(segments) == ["a.example", "b.example"])
    }

    @Test func readsRetransmittedBytesOnce() throws {
        try begin(at: 100)
        let count = UInt32(Self.first.count)
        let all = Self.first + Self.second
        #expect(try names([(100, Self.first), (100, Self.first), (100, Array(Self.first.prefix(5)))]) == ["a.example"])
        // The second transmission carries more than the first.
        #expect(try names([(100, all), (100 + count, Self.second)]) == ["b.example"])
    }

    @Test func givesUpAtAGap() throws {
        try begin(at: 100)
        #expect(try names([(101, Self.first), (100, Self.first)]) == [])
    }

    @Test func readsNothingWithoutTheBeginning() throws {
        try bench.feed(RecordBuilder.connect(task, cookie: 1, .resolver(.tcp), at: at(0)))
        #expect(try names([(100, Self.first)]) == [])
    }

    @Test func pairsQueryAndAnswerOfBothDirections() throws {
        try begin(at: 100)
        try bench.feed(segment(900, [], .syn))
        let answer = WireBytes.vector(
            WireBytes.answer("a.example", id: 1, addresses: [[192, 0, 2, 1]]), lengthBytes: 2)
        let events = try bench.events(
            segment(100, Self.first), segment(900, Array(answer.prefix(20)), []),
            segment(920, Array(answer.dropFirst(20)), []))
        #expect(events.map { $0.dns?.isAnswer } == [false, true])
        #expect(events.last?.dns?.isUnsolicited == false)
        let connected = try bench.events(
            RecordBuilder.connect(task, cookie: 2, at: at(2)), RecordBuilder.established(cookie: 2, at: at(2)))
        #expect(connected.first?.connection?.names.text == "a.example dns")
    }

    @Test func endsWithItsConnection() throws {
        try begin(at: 100)
        try bench.feed(segment(100, Array(Self.first.prefix(4))))
        try bench.feed(RecordBuilder.close(cookie: 1, .resolver(.tcp), flags: .alive, at: at(2)))
        #expect(try names([(104, Array(Self.first.dropFirst(4)))]) == [])
    }
}
