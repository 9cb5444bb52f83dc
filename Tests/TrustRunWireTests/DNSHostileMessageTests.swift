// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport
import TrustRunWire

@Suite struct DNSHostileMessageTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        let bytes: [UInt8]
        let error: DecodeError
        var testDescription: String { label }
    }

    private static let query = "1234 0100 0001 0000 0000 0000"
    private static let answer = "1234 8180 0001 0001 0000 0000 01 61 00 0001 0001"  // a A IN

    static let cases = [
        Case(label: "empty", bytes: [], error: .truncated),
        Case(label: "pointer to itself", bytes: hex(query + "c00c 0001 0001"), error: .badPointer),
        Case(label: "pointer forward", bytes: hex(query + "c00e 01 61 00 0001 0001"), error: .badPointer),
        Case(label: "pointer into own labels", bytes: hex(query + "01 61 c00c 0001 0001"), error: .badPointer),
        Case(label: "pointer into the header", bytes: hex(query + "c004 0001 0001"), error: .badPointer),
        Case(
            label: "pointers to each other", bytes: hex(query + "c00e c00c 0001 0001"), error: .badPointer),
        Case(label: "reserved label type 01", bytes: hex(query + "41 61 00 0001 0001"), error: .badName),
        Case(label: "reserved label type 10", bytes: hex(query + "81 61 00 0001 0001"), error: .badName),
        Case(label: "short A", bytes: hex(answer + "c00c 0001 0001 00000001 0003 c00002"), error: .badLength),
        Case(label: "long A", bytes: hex(answer + "c00c 0001 0001 00000001 0005 c000020101"), error: .badLength),
        Case(label: "AAAA of four", bytes: hex(answer + "c00c 001c 0001 00000001 0004 c0000201"), error: .badLength),
        Case(label: "data past the end", bytes: hex(answer + "c00c 0010 0001 00000001 ffff 00"), error: .truncated),
        Case(
            label: "CNAME longer than its data", bytes: hex(answer + "c00c 0005 0001 00000001 0001 0162 00"),
            error: .badLength),
        Case(
            label: "CNAME shorter than its data", bytes: hex(answer + "c00c 0005 0001 00000001 0004 0162 00 00"),
            error: .badLength),
        Case(label: "too large", bytes: Array(repeating: 0, count: 65536), error: .tooLong),
        Case(
            label: "two OPT",
            bytes: hex(
                "1234 0100 0000 0000 0000 0002 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000"),
            error: .duplicate),
    ]

    @Test(arguments: cases) func refuses(_ row: Case) {
        #expect(decodeError(row.bytes) == row.error)
    }

    @Test func boundsNameLength() {
        // 63 + 63 + 63 + 61 bytes and their lengths are 254, and the root makes 255.
        let longest = [63, 63, 63, 61].map { String(repeating: "a", count: $0) }.joined(separator: ".")
        #expect(decodeError(DNSMessageBuilder(longest).bytes) == nil)
        #expect(decodeError(DNSMessageBuilder(longest + "a").bytes) == .badName)
    }

    @Test func boundsPointers() {
        // 200 pointers, each to the one before.
        var data: [UInt8] = hex("01 61 00")
        var target = 12 + 3 + 4 + 11
        for _ in 0..<200 {
            let next = 12 + 3 + 4 + 11 + data.count
            data += bigEndian(0xc000 | target, byteCount: 2)
            target = next
        }
        var builder = DNSMessageBuilder("a")
        builder.add(DNSMessageBuilder.record([0], type: 16, ttl: 1, data: data))
        builder.add(
            DNSMessageBuilder.record(bigEndian(0xc000 | target, byteCount: 2), type: 1, ttl: 1, data: [1, 2, 3, 4]))
        #expect(decodeError(builder.bytes) == .badName)
    }

    static var goodMessages: [[UInt8]] {
        var failure = DNSMessageBuilder("nope.example", flags: 0x8183)
        failure.addAuthority("example")
        failure.addOPT()
        var chain = DNSMessageBuilder("n0.example", type: 28)
        for index in 0..<5 { chain.addAlias("n\(index).example", "n\(index + 1).example") }
        chain.addAddress("n5.example", Array(repeating: 7, count: 16))
        chain.addAddress("n5.example", [192, 0, 2, 1])
        return [
            DNSMessageTests.compressed, DNSMessageBuilder("a.example", flags: 0x0100).bytes, failure.bytes, chain.bytes,
        ]
    }

    @Test(arguments: goodMessages) func refusesEveryTruncation(_ bytes: [UInt8]) {
        #expect(decodeError(bytes) == nil)
        for count in 0..<bytes.count {
            #expect(decodeError(Array(bytes.prefix(count))) != nil, "\(count) bytes")
        }
    }

    @Test(arguments: [UInt64(1), 0x5eed]) func survivesRandomAndMutatedBytes(seed: UInt64) {
        print("DNS seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let messages = Self.goodMessages
        var accepted = 0
        for round in 0..<20_000 {
            let bytes =
                round.isMultiple(of: 4)
                ? generator.bytes(maximumCount: 300) : generator.mutated(messages[round % messages.count])
            guard let message = try? DNSMessage(bytes.rawSpan) else { continue }
            accepted += 1
            _ = message.aliasTexts(in: bytes)
            _ = message.alias(0, in: [UInt8]().rawSpan)
            _ = message.answerTexts
        }
        #expect(accepted > 0)
    }
}
