// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TrustRunEvents
import TrustRunSinks

@Suite struct OutputBufferTests {
    @Test(arguments: [0, 9, 10, 99, 100, 12_345, 999_999_999, 10_000_000_000_000_000_000, .max] as [UInt64])
    func writesNumbers(value: UInt64) {
        #expect(Samples.text { $0.append(decimal: value) } == String(value))
        #expect(Samples.text { $0.append(hex: value) } == String(value, radix: 16))
    }

    @Test(arguments: [
        ("plain text /usr/bin", "plain text /usr/bin"), ("", ""), ("\"\\/", #"\"\\/"#),
        ("\u{8}\t\n\u{c}\r", #"\b\t\n\f\r"#), ("\0\u{1b}\u{1f}\u{7f}", "\\u0000\\u001b\\u001f\u{7f}"),
        ("größe 東京 🦊\u{2028}", "größe 東京 🦊\u{2028}"),
    ])
    func escapesJSON(input: String, output: String) throws {
        let text = Samples.text { $0.append(jsonString: input) }
        #expect(text == "\"\(output)\"")
        #expect(try Self.parsed(text) == input)
    }

    @Test(
        arguments: [
            [0x80], [0xc0, 0x80], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xe2, 0x82, 0x41],
            [0xf0, 0x9f, 0xa6], [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x41], [0xff, 0xfe, 0x22],
            [0x41, 0xc3, 0xc3, 0xa9, 0x0a], [0xf0, 0x9f, 0xf0, 0x9f, 0xa6, 0x8a],
        ] as [[UInt8]])
    func replacesInvalidUTF8(bytes: [UInt8]) throws {
        let text = Samples.text { $0.append(jsonString: bytes) }
        #expect(try Self.parsed(text) == String(decoding: bytes, as: UTF8.self))
    }

    @Test func writesAnyBytesAsValidJSON() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let text = Samples.text { $0.append(jsonString: bytes) }
            #expect(try Self.parsed(text) == String(decoding: bytes, as: UTF8.self), "\(bytes)")
        }
    }

    private static func parsed(_ text: String) throws -> String? {
        try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed) as? String
    }

    @Test(
        arguments: [
            (0, 0, "::"), (0, 1, "::1"), (0x2001_0db8_0000_0000, 1, "2001:db8::1"),
            (0x2001_0db8_0000_0001, 0x0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1"),
            (0x2001_0db8_0000_0000, 0x0001_0000_0000_0001, "2001:db8::1:0:0:1"),
            (0x2001_0000_0000_0001, 0x0000_0000_0000_0001, "2001:0:0:1::1"),
            (0xfe80_0000_0000_0000, 0, "fe80::"), (0x0001_0002_0003_0004, 0x0005_0006_0007_0000, "1:2:3:4:5:6:7:0"),
            (0x0000_0002_0003_0004, 0x0005_0006_0000_0000, "0:2:3:4:5:6::"), (0, 0xffff_0102_0304, "1.2.3.4"),
            (0, 0xffff_ffff_ffff, "255.255.255.255"), (0, 0x0102_0304, "::102:304"),
            (0x0064_ff9b_0000_0000, 0xc000_0201, "64:ff9b::c000:201"),
            (.max, .max, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] as [(UInt64, UInt64, String)])
    func writesAddresses(high: UInt64, low: UInt64, text: String) {
        let address = IPAddress(high: high, low: low)
        #expect(Samples.text { $0.append(address) } == text)
        #expect(address.description == text)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000000Z"), (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
            (1_709_164_799_999_999_999, "2024-02-28T23:59:59.999999999Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
            (1_798_761_599_123_456_789, "2026-12-31T23:59:59.123456789Z"),
        ] as [(UInt64, String)])
    func writesTimes(time: UInt64, text: String) throws {
        let encoder = Samples.encoder()
        let losses = [LossEntry(stage: .kernel, record: "dns", count: 1)]
        _ = try Samples.checked { encoder.encode(losses: losses, time: time, into: &$0) }
        let line = try Samples.checked { encoder.encode(losses: losses, time: time, into: &$0) }
        #expect(line.contains(#""time":"\#(text)""#))
    }

    @Test func takesBackLineThatDoesNotFit() {
        var buffer = OutputBuffer(capacity: 16)
        let first = Self.endedLine(["0123456789"], in: &buffer)
        let second = Self.endedLine(["abc", "defghi", "j"], in: &buffer)
        var (text, overflows) = (buffer.text, buffer.overflowCount)
        #expect(first && !second)
        #expect(text == "0123456789\n")
        #expect(overflows == 1)
        let third = Self.endedLine(["last"], in: &buffer)
        (text, overflows) = (buffer.text, buffer.overflowCount)
        #expect(third)
        #expect(text == "0123456789\nlast\n")
        #expect(overflows == 1)
        buffer.removeAll()
        text = buffer.text
        #expect(text.isEmpty)
    }

    private static func endedLine(_ parts: [StaticString], in buffer: inout OutputBuffer) -> Bool {
        buffer.beginLine()
        for part in parts { buffer.append(part) }
        return buffer.endLine()
    }

    @Test func neverWritesPastItsEnd() {
        let process = Samples.process(arguments: String(repeating: "\u{1}", count: 4096) + "\0")
        let event = Samples.event(.exec, hook: .exec, process: process, cgroup: Samples.cgroup())
        let connect = Samples.event(.connect(Samples.connection()), hook: .connect, process: process)
        let encoder = Samples.encoder()
        for capacity in stride(from: 0, to: 2000, by: 7) {
            var buffer = OutputBuffer(capacity: capacity)
            let isWritten = encoder.encode(event, into: &buffer)
            let (count, overflows) = (buffer.count, buffer.overflowCount)
            #expect(!isWritten && count == 0 && overflows == 1)
        }
        var small = OutputBuffer(capacity: 200)
        let isWritten = encoder.encode(connect, into: &small)
        #expect(!isWritten)
        #expect(process.encoded.isEmpty)
    }
}
