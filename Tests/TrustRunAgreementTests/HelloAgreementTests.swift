// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunEvents
import TrustRunTestSupport
import TrustRunWire

/// The name gate in the kernel and the agent read the same server name in the same bytes, in whatever pieces they come.
@Suite(.serialized, .enabled(if: geteuid() == 0, "the kernel's parser is run by root alone: sudo make test-unit"))
struct HelloAgreementTests {
    /// `enum` of tr_client_hello.h.
    private enum Read: Int32 {
        case more = 1
        case whole = 3
        case notTLS = 4
        case broken = 5
    }

    private static let names: [String?] = [
        "a.example.test", "A.Example.TEST.", "x", "_srv.a-b.example.test", "..", ".a", "a..b", "10.0.0.1", "1.2.3.4.5",
        "a.1", "1.a", "-", "a b",
        "a\u{0}", "\u{e4}.test", "", nil, String(repeating: "x", count: 63) + ".test",
        String(repeating: "x", count: 64) + ".test",
        String(repeating: "abcdefg.", count: 31) + "abcde", String(repeating: "abcdefg.", count: 31) + "abcdef",
        String(repeating: "abcdefg.", count: 31) + "abcde.",
        String(repeating: "abcdefg.", count: 40),
    ]
    private static let rounds = 20_000

    private let object: KernelObject
    private let program: Int32

    init() throws {
        object = try KernelObject("hello_parser")
        program = try object.program("hello")
    }

    @Test func helloMessages() throws {
        var numbers = SeededGenerator(seed: 3)
        var counts = [Read: Int]()
        var named = 0
        for _ in 0..<Self.rounds {
            let stream = Self.stream(&numbers)
            guard !stream.isEmpty else { continue }
            let read = try self.read(stream, piece: Self.piece(stream.count, &numbers))
            counts[read.result, default: 0] += 1
            if read.name != nil { named += 1 }
            switch TLSClientHello.parse(stream.span.bytes) {
            case .clientHello(let hello):
                #expect(read.result == .whole, "\(stream)")
                #expect(read.name == hello.serverName?.description, "\(stream)")
                #expect(read.hasList == (hello.serverName != nil || hello.isServerNameInvalid), "\(stream)")
                #expect(read.hasECH == hello.hasECH, "\(stream)")
            case .notTLS: #expect(read.result == .notTLS, "\(stream)")
            case .malformed: #expect(read.result == .broken, "\(stream)")
            // The gate judges each byte as it comes: it may know earlier that this is none.
            case .needMore: #expect(read.result == .more || read.result == .broken, "\(stream)")
            }
        }
        #expect(named > Self.rounds / 10)
        for result in [Read.more, .whole, .notTLS, .broken] {
            #expect(counts[result, default: 0] > Self.rounds / 100, "\(result): \(counts)")
        }
    }

    private struct Reading {
        let result: Read
        let name: String?
        let hasList: Bool
        let hasECH: Bool
    }

    private func read(_ stream: [UInt8], piece: Int) throws -> Reading {
        var result = Read.more.rawValue
        // More than this the kernel takes no packet.
        for start in stride(from: 0, to: stream.count, by: 3000) where result == Read.more.rawValue {
            let head = piece | (start == 0 ? 0 : 0x8000)
            let part = stream[start..<min(start + 3000, stream.count)]
            result = try object.run(program, [UInt8(head >> 8), UInt8(head & 0xff)] + part)
        }
        let value = try unsafe KernelObject.first(of: object.map("reading"))
        let read = try #require(Read(rawValue: result), "result \(result) of \(stream)")
        let seen = value.number(at: 0)
        return Reading(
            result: read, name: value.number(at: 4) == 1 ? value.name(at: 8) : nil, hasList: seen & 1 != 0,
            hasECH: seen & 4 != 0)
    }

    private static func piece(_ count: Int, _ numbers: inout SeededGenerator) -> Int {
        let least = count < 3000 ? count / 1000 + 1 : 3
        return numbers.isOne(in: 3) ? least : Int.random(in: least...512, using: &numbers)
    }

    private static func stream(_ numbers: inout SeededGenerator) -> [UInt8] {
        if numbers.isOne(in: 40) { return numbers.bytes(maximumCount: 300) }
        let whole = WireBytes.clientHello(
            names.randomElement(using: &numbers) ?? nil, protocols: numbers.isOne(in: 2) ? ["h2", "http/1.1"] : [],
            hasECH: numbers.isOne(in: 2),
            padding: numbers.isOne(in: 50)
                ? Int.random(in: 0..<17_500, using: &numbers) : Int.random(in: 0..<200, using: &numbers),
            fragment: [1 << 14, 1 << 14, 300, 100, 20, 5].randomElement(using: &numbers) ?? 100)
        switch Int.random(in: 0..<8, using: &numbers) {
        case 0...2: return whole
        case 3: return Array(whole.prefix(Int.random(in: 0...whole.count, using: &numbers)))
        case 4: return whole + numbers.bytes(maximumCount: 20)
        default: return numbers.mutated(whole)
        }
    }
}
