// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunTestSupport
import TrustRunWire

@Suite struct TCPDNSAssemblerTests {
    static let messages: [[UInt8]] = [
        DNSMessageBuilder("a.example", flags: 0x0100).bytes, [], DNSMessageTests.compressed,
        Array(repeating: 7, count: 65535), [1],
    ]
    static var stream: [UInt8] { messages.flatMap { vector($0, lengthBytes: 2) } }

    private func cut(_ stream: [UInt8], segment: Int) -> (messages: [[UInt8]], pending: Int) {
        var assembler = TCPDNSAssembler()
        var found: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: segment) {
            let part = Array(stream[start..<min(start + segment, stream.count)])
            assembler.feed(part.rawSpan) { message in
                found.append((0..<message.byteCount).map { Span<UInt8>(_bytes: message)[$0] })
            }
            if assembler.pendingByteCount > 65_536 { return ([], -1) }
        }
        return (found, assembler.pendingByteCount)
    }

    @Test(arguments: [1, 2, 3, 7, 40, 1460, 100_000]) func cutsSegments(size: Int) {
        let result = cut(Self.stream, segment: size)
        #expect(result.messages == Self.messages)
        #expect(result.pending == 0)
    }

    @Test func keepsTheRestForLater() {
        let result = cut(Array(Self.stream.prefix(30)), segment: 100)
        #expect(result.messages == [Self.messages[0]].filter { $0.count <= 28 })
        #expect(result.pending == 30 - result.messages.reduce(0) { $0 + $1.count + 2 })
    }

    @Test func passesErrorsOn() {
        var assembler = TCPDNSAssembler()
        let bytes = vector(hex("00"), lengthBytes: 2)
        #expect(throws: DecodeError.truncated) {
            try assembler.feed(bytes.rawSpan) { message throws(DecodeError) in _ = try DNSMessage(message) }
        }
    }

    @Test func agreesForRandomSegments() {
        print("TCP seed 3")
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let bytes = generator.bytes(maximumCount: 600).map { $0 & 0x1f }
            let whole = cut(bytes, segment: max(bytes.count, 1))
            let parts = cut(bytes, segment: Int.random(in: 1...50, using: &generator))
            #expect(whole.messages == parts.messages)
            #expect(whole.pending == parts.pending)
        }
    }
}
