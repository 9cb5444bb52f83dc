// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunWire

/// A result in a form that tests compare.
enum HelloOutcome: Equatable {
    case needMore(Int)
    case notTLS
    case malformed(DecodeError)
    case hello(String?)
    case gap

    init(_ result: TLSClientHello.ParseResult) {
        switch result {
        case .needMore(let count): self = .needMore(count)
        case .notTLS: self = .notTLS
        case .malformed(let error): self = .malformed(error)
        case .clientHello(let hello): self = .hello(hello.serverName?.description)
        }
    }

    init(_ bytes: [UInt8]) {
        self.init(TLSClientHello.parse(bytes.rawSpan))
    }
}

@Suite struct TLSClientHelloTests {
    private func hello(_ builder: ClientHelloBuilder, fragment: Int = 1 << 14) throws -> TLSClientHello {
        let result = TLSClientHello.parse(builder.stream(fragment: fragment).rawSpan)
        guard case .clientHello(let hello) = result else { throw DecodeError.unexpectedMessage }
        return hello
    }

    @Test(arguments: [1 << 14, 500, 100, 64]) func decodesHelloInAnyFragments(fragment: Int) throws {
        let hello = try hello(.usual("API.Example.com", keyShareBytes: 1216), fragment: fragment)
        #expect(hello.serverName == DomainName("api.example.com"))
        #expect(!hello.isServerNameInvalid)
        #expect(!hello.hasECH)
        #expect(hello.applicationProtocols.names.first == Array("h2".utf8))
        #expect(hello.highestVersion == 0x0304)
    }

    @Test func decodesHandshakeHeaderSplitOverRecords() throws {
        let builder = ClientHelloBuilder.usual("a.example")
        let bytes =
            ClientHelloBuilder.records(Array(builder.handshake.prefix(6)), fragment: 1)
            + ClientHelloBuilder.records(Array(builder.handshake.dropFirst(6)))
        #expect(HelloOutcome(bytes) == .hello("a.example"))
    }

    @Test func decodesHelloWithoutExtensions() throws {
        let hello = try hello(ClientHelloBuilder(legacyVersion: 0x0301))
        #expect(hello.serverName == nil)
        #expect(!hello.isServerNameInvalid)
        #expect(hello.applicationProtocols.count == 0)
        #expect(hello.highestVersion == 0x0301)
    }

    @Test func ignoresBytesBehindTheHello() throws {
        let bytes = ClientHelloBuilder.usual("a.example").stream() + hex("14 0303 0001 01 17 0303")
        #expect(HelloOutcome(bytes) == .hello("a.example"))
    }

    @Test func seesECH() throws {
        var builder = ClientHelloBuilder.usual("front.example")
        builder.add(0xfe0d, hex("00 0001 0001 01 0020"))
        #expect(try hello(builder).hasECH)
    }

    @Test func leavesOutProtocolsThatDoNotFit() throws {
        var builder = ClientHelloBuilder()
        builder.addProtocols(["h2", String(repeating: "x", count: 61), "http/1.1"])
        #expect(try hello(builder).applicationProtocols.names == [Array("h2".utf8), Array("http/1.1".utf8)])
    }

    struct NameCase: Sendable {
        let sent: String
        let name: String?
    }

    static let nameCases = [
        NameCase(sent: "a.example.", name: "a.example"),
        NameCase(sent: "my_host", name: "my_host"),
        NameCase(sent: "192.0.2.1", name: nil),
        NameCase(sent: "2001:db8::1", name: nil),
        NameCase(sent: "*.example.com", name: nil),
        NameCase(sent: "a..example", name: nil),
        NameCase(sent: ".", name: nil),
        NameCase(sent: "a.example\0.evil.example", name: nil),
        NameCase(sent: String(repeating: "a", count: 64) + ".example", name: nil),
        NameCase(sent: "b\u{fc}cher.example", name: nil),
    ]

    @Test(arguments: nameCases) func judgesServerNames(_ row: NameCase) throws {
        let hello = try hello(.usual(row.sent))
        #expect(hello.serverName?.description == row.name)
        #expect(hello.isServerNameInvalid == (row.name == nil))
    }

    struct BadCase: Sendable, CustomTestStringConvertible {
        let label: String
        let bytes: [UInt8]
        let outcome: HelloOutcome
        var testDescription: String { label }
    }

    private static func edited(_ edit: (inout ClientHelloBuilder) -> Void) -> [UInt8] {
        var builder = ClientHelloBuilder.usual("a.example")
        edit(&builder)
        return builder.stream()
    }

    static let badCases = [
        BadCase(label: "HTTP", bytes: Array("GET / HTTP/1.1\r\n".utf8), outcome: .notTLS),
        BadCase(label: "version 4", bytes: hex("16 04"), outcome: .notTLS),
        BadCase(label: "alert", bytes: hex("15 0301 0002 0100"), outcome: .notTLS),
        BadCase(label: "SSL 2", bytes: hex("80 2e 01 0301"), outcome: .notTLS),
        BadCase(label: "ServerHello", bytes: hex("16 0303 0040 02"), outcome: .malformed(.unexpectedMessage)),
        BadCase(label: "empty record", bytes: hex("16 0301 0000"), outcome: .malformed(.badLength)),
        BadCase(label: "large record", bytes: hex("16 0301 4001"), outcome: .malformed(.badLength)),
        BadCase(label: "large hello", bytes: hex("16 0301 4000 01 004401"), outcome: .malformed(.tooLong)),
        BadCase(label: "empty hello", bytes: hex("16 0301 0004 01 000000"), outcome: .malformed(.truncated)),
        BadCase(
            label: "other record between", bytes: hex("16 0301 0004 01 000100 17"),
            outcome: .malformed(.unexpectedMessage)),
        BadCase(
            label: "65 records", bytes: ClientHelloBuilder.usual("a.example").stream(fragment: 2),
            outcome: .malformed(.tooLong)),
        BadCase(
            label: "two SNI", bytes: edited { $0.addServerName(Array("b.example".utf8)) },
            outcome: .malformed(.duplicate)),
        BadCase(
            label: "empty SNI",
            bytes: edited {
                $0.extensions = []
                $0.add(0, [])
            }, outcome: .malformed(.truncated)),
        BadCase(
            label: "empty SNI list",
            bytes: edited {
                $0.extensions = []
                $0.add(0, [0, 0])
            },
            outcome: .malformed(.badLength)),
        BadCase(
            label: "two names in SNI",
            bytes: edited {
                $0.extensions = []
                $0.add(0, hex("0008 00 0001 61 00 0001 62"))
            },
            outcome: .malformed(.duplicate)),
        BadCase(
            label: "bytes behind the SNI list",
            bytes: edited {
                $0.extensions = []
                $0.add(0, hex("0004 00 0001 61 00"))
            },
            outcome: .malformed(.trailingBytes)),
        BadCase(
            label: "version 2", bytes: edited { $0.legacyVersion = 0x0200 }, outcome: .malformed(.badValue)),
    ]

    @Test(arguments: badCases) func refuses(_ row: BadCase) {
        #expect(HelloOutcome(row.bytes) == row.outcome)
    }

    @Test(arguments: [1 << 14, 90]) func asksForMoreAtEveryTruncation(fragment: Int) {
        let bytes = ClientHelloBuilder.usual("a.example", keyShareBytes: 1216).stream(fragment: fragment)
        for count in 0..<bytes.count {
            guard case .needMore(let least) = HelloOutcome(Array(bytes.prefix(count))) else {
                Issue.record("an answer from \(count) bytes")
                continue
            }
            #expect(least > count && least <= bytes.count, "\(least) after \(count)")
        }
    }

    @Test func refusesEveryTruncatedBody() {
        let body = ClientHelloBuilder.usual("a.example").body
        let whole = 2 + 32 + 33 + 8 + 2  // a hello may end where the extensions would start
        for count in 0..<body.count where count != whole {
            let part = Array(body.prefix(count))
            #expect(throws: DecodeError.self, "\(count) bytes") { try TLSClientHello(body: part.rawSpan) }
        }
    }
}
