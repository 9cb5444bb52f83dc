// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunWire

@Suite struct DNSMessageTests {
    /// An answer as a resolver sends it: one CNAME, two addresses, EDNS, names compressed.
    static let compressed = hex(
        "1234 8180 0001 0003 0000 0001"  // header
            + "03777777 076578616d706c65 03636f6d 00 0001 0001"  // www.example.com A IN
            + "c00c 0005 0001 0000012c 0006 03636466 c010"  // www.example.com CNAME cdf.example.com, 300 s
            + "c02d 0001 0001 0000003c 0004 c0000201"  // cdf.example.com A 192.0.2.1, 60 s
            + "c02d 0001 0001 00000e10 0004 c0000202"  // cdf.example.com A 192.0.2.2, 3600 s
            + "00 0029 04d0 00000000 0000")  // OPT

    @Test func decodesCompressedAnswer() throws {
        let message = try DNSMessage(Self.compressed.rawSpan)
        #expect(message.id == 0x1234)
        #expect(message.isResponse)
        #expect(message.opcode == 0)
        #expect(!message.isTruncated)
        #expect(message.responseCode == .noError)
        #expect(message.hasEDNS)
        #expect(message.questionCount == 1)
        #expect(message.question?.name?.description == "www.example.com")
        #expect(message.question?.nameForm == .hostName)
        #expect(message.question?.type == .a)
        #expect(message.answerTexts == ["192.0.2.1 60", "192.0.2.2 300"])
        #expect(message.aliasTexts(in: Self.compressed) == ["cdf.example.com"])
        #expect(message.answersDropped == 0)
        #expect(message.trailingByteCount == 0)
    }

    @Test func decodesQuery() throws {
        let bytes = hex("beef 0100 0001 0000 0000 0000 05 4C6F63616C 00 0041 0001")  // Local HTTPS IN
        let message = try DNSMessage(bytes.rawSpan)
        #expect(!message.isResponse)
        #expect(message.question?.name == DomainName("local"))
        #expect(message.question?.type == .https)
        #expect(message.answerTexts.isEmpty)
    }

    @Test func decodesFailures() throws {
        var builder = DNSMessageBuilder("nope.example", flags: 0x8183)
        builder.addAlias("nope.example", "gone.example")
        builder.addAddress("gone.example", [192, 0, 2, 1])
        builder.addAuthority("example")
        let message = try DNSMessage(builder.bytes.rawSpan)
        #expect(message.responseCode.rawValue == 3)
        #expect(message.aliasTexts(in: builder.bytes) == ["gone.example"])
        #expect(message.answerTexts.isEmpty)
    }

    @Test func joinsExtendedResponseCode() throws {
        var builder = DNSMessageBuilder("a.example")
        builder.addAddress("a.example", [192, 0, 2, 1])
        builder.addOPT(ttl: 0x0100_0000)
        let message = try DNSMessage(builder.bytes.rawSpan)
        #expect(message.responseCode.rawValue == 16)
        #expect(message.answerTexts.isEmpty)
    }

    @Test func followsAliasesInAnyOrder() throws {
        var builder = DNSMessageBuilder("a.example")
        builder.addAddress("D.example", [192, 0, 2, 4], ttl: 500)
        builder.addAlias("c.example", "d.EXAMPLE", ttl: 400)
        builder.addAlias("b.example", "c.example", ttl: 90)
        builder.addAlias("A.example", "B.example", ttl: 700)
        builder.addAddress("d.example", [0x20, 1, 0xd, 0xb8] + Array(repeating: 0, count: 11) + [1], ttl: 30)
        builder.addAddress("b.example", [192, 0, 2, 2], ttl: 800)
        let message = try DNSMessage(builder.bytes.rawSpan)
        #expect(message.answerTexts == ["192.0.2.4 90", "2001:db8::1 30", "192.0.2.2 700"])
        #expect(message.aliasTexts(in: builder.bytes) == ["b.example", "c.example", "d.example"])
    }

    @Test func ignoresRecordsOfOtherNames() throws {
        var builder = DNSMessageBuilder("a.example")
        builder.addAddress("evil.example", [192, 0, 2, 66])
        builder.addAlias("other.example", "evil.example")
        builder.addAddress("a.example", [192, 0, 2, 1])
        builder.addAddress("xa.example", [192, 0, 2, 67])
        builder.addAddress("a.example.com", [192, 0, 2, 68])
        builder.add(DNSMessageBuilder.record(DNSMessageBuilder.name("a.example"), type: 1, class: 3, ttl: 9, data: []))
        #expect(try DNSMessage(builder.bytes.rawSpan).answerTexts == ["192.0.2.1 300"])
    }

    @Test func ignoresAddressesOutsideTheAnswerSection() throws {
        var bytes = DNSMessageBuilder("a.example").bytes
        bytes[11] = 1  // one additional record
        bytes += DNSMessageBuilder.record(hex("c00c"), type: 1, ttl: 300, data: [192, 0, 2, 1])
        #expect(try DNSMessage(bytes.rawSpan).answerTexts.isEmpty)
    }

    @Test func endsAliasLoops() throws {
        var builder = DNSMessageBuilder("a.example")
        builder.addAlias("a.example", "b.example")
        builder.addAlias("b.example", "a.example")
        builder.addAddress("b.example", [192, 0, 2, 2])
        let message = try DNSMessage(builder.bytes.rawSpan)
        #expect(message.aliasTexts(in: builder.bytes) == ["b.example"])
        #expect(message.answerTexts == ["192.0.2.2 300"])
    }

    @Test func followsSixteenAliasesAtMost() throws {
        var builder = DNSMessageBuilder("n0.example")
        for index in 0..<20 { builder.addAlias("n\(index).example", "n\(index + 1).example") }
        builder.addAddress("n17.example", [192, 0, 2, 17])
        builder.addAddress("n16.example", [192, 0, 2, 16])
        let message = try DNSMessage(builder.bytes.rawSpan)
        #expect(message.aliasCount == 16)
        #expect(message.answerTexts == ["192.0.2.16 300"])
    }

    @Test func countsAnswersBeyondTheLimit() throws {
        var builder = DNSMessageBuilder("a.example")
        for index in 0..<70 { builder.addAddress("a.example", [192, 0, 2, UInt8(index)]) }
        let message = try DNSMessage(builder.bytes.rawSpan)
        #expect(message.answerTexts.count == 64)
        #expect(message.answersDropped == 6)
    }

    @Test func treatsNegativeLifetimeAsZero() throws {
        var builder = DNSMessageBuilder("a.example")
        builder.addAddress("a.example", [192, 0, 2, 1], ttl: 0x8000_0001)
        #expect(try DNSMessage(builder.bytes.rawSpan).answerTexts == ["192.0.2.1 0"])
    }

    struct NameCase: Sendable {
        let name: [UInt8]
        let form: DNSQuestion.NameForm
    }

    static let nameCases = [
        NameCase(name: [0], form: .root),
        NameCase(name: hex("01 61 00"), form: .hostName),
        NameCase(name: hex("04 5f746c73 01 61 00"), form: .hostName),  // _tls.a
        NameCase(name: hex("03 612e62 00"), form: .other),  // a dot within a label
        NameCase(name: hex("02 6100 00"), form: .other),  // a zero byte
        NameCase(name: hex("01 2a 01 61 00"), form: .other),  // *.a
        NameCase(name: hex("03 c3a961 00"), form: .other),  // UTF-8
    ]

    @Test(arguments: nameCases) func tellsNameForms(_ row: NameCase) throws {
        var builder = DNSMessageBuilder(flags: 0x0100)
        builder.addQuestion(row.name)
        let question = try #require(try DNSMessage(builder.bytes.rawSpan).question)
        #expect(question.nameForm == row.form)
        #expect((question.name != nil) == (row.form == .hostName))
    }

    @Test func bindsNothingWithoutExactlyOneQuestion() throws {
        var none = DNSMessageBuilder(flags: 0x8180)
        none.addAddress("a.example", [192, 0, 2, 1])
        #expect(try DNSMessage(none.bytes.rawSpan).answerTexts.isEmpty)
        var two = DNSMessageBuilder("a.example")
        two.addQuestion(DNSMessageBuilder.name("b.example"))
        two.addAddress("a.example", [192, 0, 2, 1])
        let message = try DNSMessage(two.bytes.rawSpan)
        #expect(message.questionCount == 2)
        #expect(message.question?.name == DomainName("a.example"))
        #expect(message.answerTexts.isEmpty)
    }
}
