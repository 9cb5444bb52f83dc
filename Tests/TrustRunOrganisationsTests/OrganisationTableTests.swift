// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunTestSupport

@testable import TrustRunOrganisations

@Suite struct OrganisationTableTests {
    private static func table(_ text: String) throws -> OrganisationTable {
        let bytes = Array(text.utf8)
        return try OrganisationTable(parsing: bytes.span)
    }

    private static let text = """
        # A comment.
        organisation Tenant
        source https://example.org/a https://example.org/b
        date 2026-11-01
        10.1.2.0/24
        2001:db8:1::/48
        255.255.255.255/32

        organisation Landlord
        source https://example.org/c
        date 2026-10-01
        # Another.
        10.0.0.0/8
        10.1.2.0/24
        2001:db8::/32
        0.0.0.0/8
        """

    @Test(arguments: [
        ("10.1.2.3", "Tenant"), ("10.1.3.0", "Landlord"), ("10.255.255.255", "Landlord"), ("11.0.0.0", nil),
        ("9.255.255.255", nil), ("0.0.0.0", "Landlord"), ("255.255.255.255", "Tenant"), ("255.255.255.254", nil),
        ("2001:db8:1:ffff::1", "Tenant"), ("2001:db8:2::", "Landlord"), ("2001:db7:ffff::", nil), ("::1", nil),
        ("ffff::", nil),
    ]) func findsTheSmallestRange(address: String, name: String?) throws {
        let address = try #require(IPAddress(text: address))
        #expect(try Self.table(Self.text).organisation(of: address)?.name == name)
    }

    @Test func saysWhatTheHintRestsOn() throws {
        let table = try Self.table(Self.text)
        #expect(table.organisations.map(\.source) == ["published ranges 2026-11-01", "published ranges 2026-10-01"])
    }

    @Test(arguments: [
        ("10.0.0.0/8", 1), ("organisation A\n10.0.0.0/8", 2), ("organisation A\ndate x", 2),
        ("organisation A\nsource b\ndate c\n10.0.0.0", 4), ("organisation A\nsource b\ndate c\n10.0.0.0/33", 4),
        ("organisation A\nsource b\ndate c\n10.0.0.1/8", 4), ("organisation A\nsource b\ndate c\n::/129", 4),
        ("organisation A\nsource b\ndate c\nx/8", 4), ("organisation A\nsource b\n", 2),
        ("organisation A\nsource b\norganisation C", 3), ("organisation A\nsource b\ndate c\n10.0.0.0/", 4),
    ]) func refusesWhatItCannotRead(text: String, line: Int) throws {
        let error = #expect(throws: OrganisationTableError.self) { try Self.table(text) }
        #expect(error?.line == line)
    }

    @Test func carriesATableThatItCanRead() throws {
        let table = try OrganisationTable(parsing: CarriedFile.organisations.span)
        #expect(table.organisations == OrganisationTable.carried.organisations)
        let cloudflare = try #require(IPAddress(text: "104.16.1.1"))
        #expect(OrganisationTable.carried.organisation(of: cloudflare)?.name == "Cloudflare")
        // A sink has a place of fixed size for them.
        #expect(
            table.organisations.allSatisfy { organisation in
                organisation.name.utf8.count <= 64 && organisation.source.utf8.count <= 64
            })
    }

    /// On random prefixes, of all lengths and often one in the other.
    @Test func agreesWithASearchThroughAll() throws {
        var generator = SeededGenerator(seed: 21)
        for isIPv4 in [true, false] {
            let width = isIPv4 ? 32 : 128
            for _ in 0..<40 {
                var ranges: [PublishedRange] = []
                for _ in 0..<Int.random(in: 0...200, using: &generator) {
                    let length = Int.random(in: 0...width, using: &generator)
                    let address = Self.address(isIPv4, &generator)
                    let masked =
                        length == 0 ? 0 : (address.number >> UInt128(width - length)) << UInt128(width - length)
                    let prefix = Self.address(masked, isIPv4)
                    let number = UInt8.random(in: 1...4, using: &generator)
                    ranges.append(try #require(PublishedRange(prefix, length: length, number: number)))
                }
                let names = (1...4).map { number in Organisation(name: "\(number)", source: "") }
                let table = OrganisationTable(organisations: names, ranges: ranges)
                let edges = ranges.flatMap { range in [range.first, range.last, range.first &- 1, range.last &+ 1] }
                for _ in 0..<200 {
                    let random = Self.address(isIPv4, &generator)
                    let edge = edges.randomElement(using: &generator).map { edge in Self.address(edge, isIPv4) }
                    let address = generator.isOne(in: 2) ? edge ?? random : random
                    #expect(table.number(of: address) == Self.smallest(of: ranges, around: address))
                }
            }
        }
    }

    private static func smallest(of ranges: [PublishedRange], around address: IPAddress) -> UInt8 {
        let number = UInt128(address.high) << 64 | UInt128(address.low)
        let around = ranges.filter { range in
            range.isIPv4 == address.isIPv4 && range.first <= number && number <= range.last
        }
        let smallest = around.min { left, right in
            (left.last - left.first, left.number) < (right.last - right.first, right.number)
        }
        return smallest?.number ?? 0
    }

    /// Few different bits in front, so that ranges meet.
    private static func address(_ isIPv4: Bool, _ generator: inout SeededGenerator) -> IPAddress {
        let bits = UInt128(generator.next()) << 64 | UInt128(generator.next())
        let mask = UInt128(0xff07_0300_0000_00f0) << 64 | UInt128(0x0101_ff00_0000_0003)
        return isIPv4
            ? IPAddress(ipv4: UInt32(truncatingIfNeeded: bits) & 0xe103_80c1) : address(bits & mask | 1 << 127, false)
    }

    private static func address(_ number: UInt128, _ isIPv4: Bool) -> IPAddress {
        isIPv4
            ? IPAddress(ipv4: UInt32(truncatingIfNeeded: number))
            : IPAddress(high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number))
    }
}

extension IPAddress {
    fileprivate var number: UInt128 {
        isIPv4 ? UInt128(UInt32(truncatingIfNeeded: low)) : UInt128(high) << 64 | UInt128(low)
    }
}
