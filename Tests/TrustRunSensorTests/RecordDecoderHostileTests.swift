// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunSensor
import TrustRunTestSupport

@Suite struct RecordDecoderHostileTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        let kind: RecordKind
        let bytes: [UInt8]
        /// Bytes up to the end of the last field that means something.
        let needed: Int
        var testDescription: String { kind.name }

        init(_ kind: RecordKind, _ bytes: [UInt8], needed: Int? = nil) {
            self.kind = kind
            self.bytes = bytes
            self.needed = needed ?? bytes.count
        }
    }

    private static let task = TaskFields(4242)
    private static let ends = EndpointFields()

    static let samples = [
        Sample(.fork, RecordBuilder.fork(task, parent: TaskFields(1), at: 1)),
        Sample(.exec, RecordBuilder.exec(task, path: "/bin/sh", arguments: ["sh", "-c", "true"], at: 1)),
        Sample(.exit, RecordBuilder.exit(task, at: 1)), Sample(.cgroup, RecordBuilder.cgroup(5, path: "/a/b", at: 1)),
        Sample(.connect, RecordBuilder.connect(task, cookie: 1, ends, at: 1)),
        Sample(.established, RecordBuilder.established(cookie: 1, ends, at: 1), needed: 68),
        Sample(.accept, RecordBuilder.accept(nil, cookie: 1, ends, at: 1)),
        Sample(.close, RecordBuilder.close(cookie: 1, at: 1)),
        Sample(.listen, RecordBuilder.listen(task, socket: 2, ends, at: 1), needed: 124),
        Sample(.udpFlow, RecordBuilder.udpFlow(task, cookie: 1, ends, at: 1)),
        Sample(.udpClose, RecordBuilder.udpClose(cookie: 1, at: 1)),
        Sample(.dns, RecordBuilder.dns(task, cookie: 1, flags: .egress, payload: WireBytes.query("a.example"), at: 1)),
        Sample(.hello, RecordBuilder.hello(task, cookie: 1, payload: WireBytes.clientHello("a.example"), at: 1)),
        Sample(.serverName, RecordBuilder.serverName(task, "a.example", at: 1), needed: 80 + 9),
        Sample(.socket, RecordBuilder.socket(task, cookie: 1, socket: 2, at: 1), needed: 124),
        Sample(
            .verdict,
            RecordBuilder.verdict(
                task, gate: .connect, action: 2, to: Endpoint(address: IPAddress(ipv4: 1), port: 443),
                name: "a.example",
                at: 1), needed: 128 + 9),
        Sample(.quic, RecordBuilder.quic(task, cookie: 1, payload: [0xc0, 0, 0, 0, 1], at: 1)),
    ]

    @Test func hasASampleOfEachKind() throws {
        #expect(Self.samples.map(\.kind) == RecordKind.allCases)
        for sample in Self.samples { try decode(sample.bytes) }
    }

    @Test(arguments: samples) func refusesEveryTruncation(_ sample: Sample) {
        for count in 0..<sample.bytes.count {
            #expect(throws: RecordError.truncated, "\(count) bytes") { try decode(Array(sample.bytes.prefix(count))) }
        }
    }

    /// The kernel side would have had to write a record that is too short for its kind.
    @Test(arguments: samples) func refusesEveryRecordTooShortForItsKind(_ sample: Sample) {
        for count in 0..<sample.needed {
            var bytes = Array(sample.bytes.prefix(count))
            bytes.fixRecordSize()
            #expect(throws: RecordError.truncated, "\(count) bytes") { try decode(bytes) }
        }
    }

    @Test(arguments: samples) func refusesAnotherSizeThanItHas(_ sample: Sample) {
        for size in [0, 1, 15, 16, sample.bytes.count - 1, sample.bytes.count + 1, Int(UInt32.max)] {
            var bytes = sample.bytes
            bytes.replace(at: 4, with: UInt32(size))
            #expect(throws: RecordError.truncated, "\(size)") { try decode(bytes) }
        }
        #expect(throws: RecordError.truncated) { try decode(sample.bytes + [0]) }
    }

    @Test func refusesUnknownKinds() {
        for kind in [UInt16(0), 18, 19, 255, 256, 0x0100, 0xffff] {
            var bytes = Self.samples[4].bytes
            bytes.replace(at: 0, with: kind)
            #expect(throws: RecordError.unknownKind(kind)) { try decode(bytes) }
        }
    }

    struct Count: Sendable, CustomTestStringConvertible {
        let kind: RecordKind
        let offset: Int
        let isNarrow: Bool
        var testDescription: String { "\(kind.name) at \(offset)" }
    }

    static let counts = [
        Count(kind: .exec, offset: 76, isNarrow: true), Count(kind: .exec, offset: 78, isNarrow: true),
        Count(kind: .cgroup, offset: 24, isNarrow: false), Count(kind: .dns, offset: 116, isNarrow: false),
        Count(kind: .hello, offset: 116, isNarrow: false), Count(kind: .serverName, offset: 72, isNarrow: false),
    ]

    @Test(arguments: counts) func refusesPayloadsLargerThanTheRecord(_ row: Count) throws {
        let sample = try #require(Self.samples.first { $0.kind == row.kind })
        let sizes: [UInt32] = row.isNarrow ? [0x100, 0x7fff, 0xffff] : [257, 4097, 0x7fff_ffff, 0x8000_0000, .max]
        for size in sizes {
            var bytes = sample.bytes
            if row.isNarrow {
                bytes.replace(at: row.offset, with: UInt16(size))
            } else {
                bytes.replace(at: row.offset, with: size)
            }
            #expect(throws: RecordError.truncated, "\(size)") { try decode(bytes) }
        }
    }

    @Test(arguments: [UInt64(3), 0xdec0de]) func survivesRandomAndMutatedRecords(seed: UInt64) {
        print("record seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var decoded = 0
        for round in 0..<50_000 {
            var bytes: [UInt8]
            if round.isMultiple(of: 3) {
                bytes = generator.bytes(maximumCount: 400)
                bytes.replace(at: 0, with: UInt16.random(in: 0...17, using: &generator))
                bytes.fixRecordSize()
            } else {
                bytes = generator.mutatedRecord(Self.samples[round % Self.samples.count].bytes)
            }
            guard let event = try? RecordDecoder.decode(bytes.span.bytes) else { continue }
            decoded += 1
            #expect(event.payload.byteCount <= bytes.count)
        }
        #expect(decoded > 5000)
    }
}
