// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunEvents
import TrustRunTestSupport
import TrustRunWire

/// The parser of the gates in the kernel and the agent's read the same of the same bytes.
@Suite(.serialized, .enabled(if: geteuid() == 0, "the kernel's parser is run by root alone: sudo make test-unit"))
struct DNSAgreementTests {
    private static let names = [
        "a.example.test", "www.example.test", "A.Example.TEST", "x", "_srv.a-b.example.test", "example.test",
        "b.cdn.test",
    ]
    private static let rounds = 20_000

    private let kernel: KernelParser

    init() throws { kernel = try KernelParser() }

    @Test func questions() throws {
        var numbers = SeededGenerator(seed: 1)
        var plain = 0
        for round in 0..<Self.rounds {
            let name = Self.names.randomElement(using: &numbers) ?? ""
            let type = [1, 28, 5, 33, 64, 65, 16, 255].randomElement(using: &numbers) ?? 1
            var message = WireBytes.query(name, id: round & 0xffff, type: type)
            let isWhole = numbers.isOne(in: 3)
            if !isWhole {
                message = numbers.isOne(in: 20) ? numbers.bytes(maximumCount: 300) : numbers.mutated(message)
            }
            guard !message.isEmpty else { continue }
            let read = try kernel.question(in: message)
            if isWhole && type != 16 && type != 255 && name.contains(".") {
                #expect(
                    read?.name == name.lowercased(), "a plain question that the gates do not take for one: \(message)")
            }
            guard let read else { continue }
            plain += 1
            let agents = try DNSMessage(message.span.bytes)
            let question = try #require(agents.question)
            #expect(question.name.map(Self.text) == read.name, "\(message)")
            #expect((question.type.rawValue, agents.id) == (read.type, read.id), "\(message)")
            #expect(
                (agents.isResponse, agents.questionCount, agents.trailingByteCount, question.recordClass) == (
                    false, 1, 0, 1
                ), "\(message)")
        }
        #expect(plain > Self.rounds / 4)
    }

    @Test func answers() throws {
        var numbers = SeededGenerator(seed: 2)
        var (bound, broken) = (0, 0)
        for round in 0..<Self.rounds {
            let type = numbers.isOne(in: 2) ? 1 : 28
            let name = Self.names[Int.random(in: 0..<3, using: &numbers)]
            let query = WireBytes.query(name, id: round & 0xffff, type: type)
            let whole = Self.answer(to: name, id: round & 0xffff, type: type, &numbers)
            let isWhole = numbers.isOne(in: 2)
            let message =
                isWhole ? whole : numbers.isOne(in: 5) ? Self.dotted(whole, name: name) : numbers.mutated(whole)
            guard !message.isEmpty, let kernels = try kernel.addresses(of: message, to: query) else { continue }
            bound += kernels.count
            broken += isWhole ? 0 : 1
            // One that is broken behind what it says binds what it says: the agent tells of none of it.
            guard let agents = try? DNSMessage(message.span.bytes) else {
                #expect(!isWhole, "an answer that the agent cannot read: \(message)")
                continue
            }
            let told = Self.addresses(in: agents, type: type)
            #expect(
                kernels.isSubset(of: told),
                "the gates bind what the agent does not read: \(kernels.subtracting(told)) of \(message)")
            if isWhole { #expect(kernels == told, "\(message)") }
        }
        // Whole ones, and those that are broken and all the same answers to the query.
        #expect(bound > Self.rounds / 4)
        #expect(broken > Self.rounds / 20)
    }

    /// An answer with CNAMEs in their order, addresses of both families, and records of names that nobody asked for.
    private static func answer(to name: String, id: Int, type: Int, _ numbers: inout SeededGenerator) -> [UInt8] {
        var aliases: [String] = []
        for place in 0..<Int.random(in: 0...3, using: &numbers) { aliases.append("c\(place).cdn.test") }
        let addresses = (0..<Int.random(in: 0...5, using: &numbers)).map { _ in
            (0..<(numbers.isOne(in: 4) ? 20 - (type == 1 ? 4 : 16) : type == 1 ? 4 : 16)).map { _ in
                UInt8.random(in: 1...100, using: &numbers)
            }
        }
        let message = WireBytes.answer(
            name, id: id, type: type, aliases: aliases, addresses: addresses, code: numbers.isOne(in: 20) ? 3 : 0)
        return numbers.isOne(in: 2) ? compressed(message, name: name) : message
    }

    /// With the first two labels of the name behind the question as one, with a dot in it.
    private static func dotted(_ message: [UInt8], name: String) -> [UInt8] {
        let size = name.utf8.count + 2
        let labels = name.split(separator: ".")
        guard labels.count > 1 else { return message }
        let question = Array(message[DNSMessage.headerByteCount...].prefix(size))
        var made = message
        for start in (DNSMessage.headerByteCount + size)..<max(message.count - size, DNSMessage.headerByteCount + size)
        where made[start...].starts(with: question) {
            made[start] = UInt8(labels[0].utf8.count + 1 + labels[1].utf8.count)
            made[start + 1 + labels[0].utf8.count] = UInt8(ascii: ".")
        }
        return made
    }

    /// With pointers (RFC 1035 4.1.4) in the place of the name behind the question.
    private static func compressed(_ message: [UInt8], name: String) -> [UInt8] {
        let size = name.utf8.count + 2
        let question = Array(message[DNSMessage.headerByteCount...].prefix(size))
        var made = Array(message[..<(DNSMessage.headerByteCount + size)])
        var rest = message[made.count...]
        while !rest.isEmpty {
            if rest.starts(with: question) {
                made += [0xc0, UInt8(DNSMessage.headerByteCount)]
                rest = rest.dropFirst(size)
            } else {
                made.append(rest.removeFirst())
            }
        }
        return made
    }

    /// The addresses that the agent tells of, of the family that was asked for, without those that no answer may give.
    private static func addresses(in message: borrowing DNSMessage, type: Int) -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        for index in message.answers.indices {
            let address = message.answers[index].address
            guard address.isIPv4 == (type == 1), !isSpecial(address) else { continue }
            found.insert(bytes(of: address.canonical))
        }
        return found
    }

    private static func isSpecial(_ address: IPAddress) -> Bool {
        let canonical = bytes(of: address.canonical)
        let raw = bytes(of: address)
        func isSpecial(_ bytes: [UInt8]) -> Bool {
            let isIPv4 = bytes[..<10].allSatisfy { byte in byte == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
            if isIPv4 {
                return bytes[12] == 0 || bytes[12] == 127 || bytes[12] >= 224 || (bytes[12] == 169 && bytes[13] == 254)
            }
            return bytes[0] == 0xff || (bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80)
                || (bytes[..<15].allSatisfy { byte in byte == 0 } && bytes[15] <= 1)
        }
        return isSpecial(raw) || isSpecial(canonical)
    }

    private static func bytes(of address: IPAddress) -> [UInt8] {
        [address.high, address.low].flatMap { half in
            (0..<8).map { place in UInt8(truncatingIfNeeded: half >> (56 - 8 * place)) }
        }
    }

    private static func text(_ name: DomainName) -> String {
        unsafe name.withUnsafeBytes { bytes in unsafe String(decoding: bytes, as: UTF8.self) }
    }
}
