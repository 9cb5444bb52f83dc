// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents

@testable import TrustRunSinks

@Suite struct JSONLinesEncoderOrganisationTests {
    private let encoder = JSONLinesEncoder(
        host: "box", hooks: Samples.hooks, bootOffset: Samples.bootOffset,
        organisations: [
            Organisation(name: "Amazon Web Services", source: "published ranges 2026-11-01"),
            Organisation(name: "O\"B", source: "published ranges 2026-11-02"),
            Organisation(name: String(repeating: "x", count: 1000), source: "published ranges 2026-11-03"),
        ]
    )

    private static func host(_ name: String, domainAt offset: Int?) throws -> HostName {
        HostName(try #require(DomainName(name)), domainOffset: offset)
    }

    /// The part of a line behind the destination's port, up to the end of the destination.
    private func destination(_ connection: ConnectionEvent) throws -> String {
        let line = try Samples.checked { buffer in
            encoder.encode(Samples.event(.connect(connection), hook: .connect), into: &buffer)
        }
        let rest = try #require(line.firstRange(of: #""port":443"#)).upperBound
        let end = try #require(line.firstRange(of: #","network_namespace""#)).lowerBound
        return String(line[rest..<end])
    }

    @Test func writesBothHintsBehindTheName() throws {
        let name = try Self.host("s3.amazonaws.com", domainAt: 3)
        var connection = Samples.connection(DestinationNames(name: name, source: .dns))
        connection.organisation = 1
        #expect(
            try destination(connection)
                == #","name":"s3.amazonaws.com","name_source":"dns","organisation":{"hint":true,"#
                + #""name":"Amazon Web Services","source":"published ranges 2026-11-01","domain":"amazonaws.com"}}"#)
    }

    @Test func writesTheAddressHintAlone() throws {
        var connection = Samples.connection()
        connection.organisation = 2
        #expect(
            try destination(connection)
                == #","name_source":"none","organisation":{"hint":true,"name":"O\"B","source":"published ranges 2026-11-02"}}"#
        )
    }

    @Test func writesTheDomainAlone() throws {
        let names = DestinationNames(name: try Self.host("www.a.test", domainAt: 4), source: .sni)
        #expect(
            try destination(Samples.connection(names))
                == #","name":"www.a.test","name_source":"sni","organisation":{"hint":true,"domain":"a.test"}}"#)
    }

    @Test func writesNoHintWithoutOne() throws {
        #expect(try destination(Samples.connection()) == #","name_source":"none"}"#)
        let suffix = DestinationNames(name: try Self.host("test", domainAt: nil), source: .dns)
        #expect(try destination(Samples.connection(suffix)) == #","name":"test","name_source":"dns"}"#)
    }

    @Test func namesNoDomainWhereSeveralNamesCouldBeMeant() throws {
        let several = [try Self.host("www.a.test", domainAt: 4), try Self.host("www.b.test", domainAt: 4)]
        let names = DestinationNames(candidates: several, source: .dns)
        #expect(
            try destination(Samples.connection(names))
                == #","names":["www.a.test","www.b.test"],"name_source":"dns"}"#)
    }

    @Test(arguments: [UInt8(3), 4, 255]) func writesNoOrganisationThatItDoesNotKnow(number: UInt8) throws {
        var connection = Samples.connection()
        connection.organisation = number
        #expect(try !destination(connection).contains(#""name":"#))
    }

    @Test func hasRoomForTheLongestHints() throws {
        let label = String(repeating: "a", count: 63)
        let longest = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        let names = DestinationNames(name: try Self.host(longest, domainAt: 0), source: .dnsAndSNI)
        var connection = Samples.connection(names)
        connection.organisation = 1
        #expect(try destination(connection).contains(#""domain":"\#(longest)"}}"#))
    }
}
