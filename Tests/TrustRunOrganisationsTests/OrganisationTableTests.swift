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
        ("9.255.255.255", nil), ("0.0.0.1", "Landlord"), ("255.255.255.255", "Tenant"), ("255.255.255.254", nil),
        ("2001:db8:1:ffff::1", "Tenant"), ("2001:db8:2::", "Landlord"), ("2001:db7:ffff::", nil), ("::1", nil),
        ("ffff::", nil), ("64:ff9b::10.1.2.3", "Tenant"),
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
        // A sink has a place of fixed size for them.
        #expect(
            table.organisations.allSatisfy { organisation in
                organisation.name.utf8.count <= 64 && organisation.source.utf8.count <= 64
            })
    }

    @Test(arguments: [
        ("160.79.104.10", "Anthropic"), ("2607:6bc0::10", "Anthropic"), ("104.16.1.1", "Cloudflare"),
        ("2606:4700:4700::1111", "Cloudflare"), ("151.101.1.140", "Fastly"), ("17.253.144.10", "Apple"),
        ("8.8.8.8", "Google"), ("142.250.185.78", "Google"), ("209.85.128.26", "Google"), ("216.58.210.14", "Google"),
        ("34.64.1.1", "Google"), ("104.196.1.1", "Google Cloud"), ("35.224.0.1", "Google Cloud"),
        ("199.36.153.5", "Google Cloud"), ("140.82.121.3", "GitHub"), ("185.199.108.153", "GitHub"),
        ("2606:50c0:8000::153", "GitHub"), ("3.5.140.1", "Amazon Web Services"), ("18.238.4.28", "Amazon Web Services"),
        ("52.94.236.248", "Amazon Web Services"), ("54.231.19.128", "Amazon Web Services"),
        ("20.96.219.1", "Microsoft"),
        ("40.100.2.114", "Microsoft"), ("52.114.119.85", "Microsoft"), ("2603:1026::1", "Microsoft"),
        ("150.171.22.10", "Microsoft Azure"), ("51.5.0.1", "Microsoft Azure"), ("23.72.0.1", "Akamai"),
        ("2.16.0.1", "Akamai"), ("104.127.255.255", "Akamai"), ("2a02:26f0::1", "Akamai"), ("74.7.227.9", "OpenAI"),
        ("23.102.140.120", "OpenAI"), ("160.79.111.255", "Anthropic"),
    ]) func carriesTheRangesOfWellKnownOrganisations(address: String, name: String) throws {
        let address = try #require(IPAddress(text: address))
        #expect(OrganisationTable.carried.organisation(of: address)?.name == name)
    }

    /// A tenant in its landlord's range, the last address before it and the first behind it.
    @Test(arguments: [
        ("20.61.46.31", "Microsoft"), ("20.61.46.32", "GitHub"), ("20.61.46.47", "GitHub"),
        ("20.61.46.48", "Microsoft"),
        ("20.97.188.143", "Microsoft"), ("20.97.188.144", "OpenAI"), ("20.97.188.159", "OpenAI"),
        ("20.97.188.160", "Microsoft"),
        ("20.36.105.31", "Microsoft"), ("20.36.105.32", "Microsoft Azure"), ("20.36.105.40", "Microsoft"),
        ("130.211.0.0", "Google Cloud"), ("35.208.0.0", "Google Cloud"), ("35.213.0.0", "Google"),
    ]) func carriesTenantsInTheRangesOfTheirLandlords(address: String, name: String) throws {
        let address = try #require(IPAddress(text: address))
        #expect(OrganisationTable.carried.organisation(of: address)?.name == name)
    }

    @Test(arguments: [
        "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "127.0.0.53", "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.251", "255.255.255.255", "0.0.0.0", "::", "::1", "fe80::1",
        "fd00::1", "ff02::fb", "2001:db8::1", "9.9.9.9", "2620:fe::fe",
    ]) func carriesNobodyForPrivateAddressesAndStrangers(address: String) throws {
        let address = try #require(IPAddress(text: address))
        #expect(OrganisationTable.carried.organisation(of: address) == nil)
    }

    /// On random prefixes, of all lengths and often one in the other.
    @Test(arguments: [true, false]) func agreesWithASearchThroughAll(isIPv4: Bool) throws {
        var generator = SeededGenerator(seed: 21)
        let width = isIPv4 ? 32 : 128
        let names = (1...4).map { number in Organisation(name: "\(number)", source: "") }
        for _ in 0..<60 {
            var prefixes: [Prefix] = []
            for _ in 0..<Int.random(in: 0...200, using: &generator) {
                let length = Int.random(in: 0...width, using: &generator)
                let number = UInt8.random(in: 1...4, using: &generator)
                prefixes.append(Prefix(around: Self.number(isIPv4, &generator), length, number, width: width))
            }
            let ranges = try prefixes.map { prefix in
                try #require(
                    PublishedRange(Self.address(prefix.first, isIPv4), length: prefix.length, number: prefix.number))
            }
            let table = OrganisationTable(organisations: names, ranges: ranges)
            let edges = prefixes.flatMap { prefix in [prefix.first, prefix.last, prefix.first &- 1, prefix.last &+ 1] }
            for _ in 0..<300 {
                let random = Self.number(isIPv4, &generator)
                let number = generator.isOne(in: 2) ? edges.randomElement(using: &generator) ?? random : random
                // The unspecified addresses stand for loopback, and a few IPv6 addresses for IPv4 ones.
                guard isIPv4 ? number > 0 && number >> 32 == 0 : number >> 64 != 0 else { continue }
                let around = prefixes.filter { prefix in prefix.first <= number && number <= prefix.last }
                let smallest = around.min { left, right in (-left.length, left.number) < (-right.length, right.number) }
                #expect(table.number(of: Self.address(number, isIPv4)) == smallest?.number ?? 0)
            }
        }
    }

    private struct Prefix {
        let first: UInt128
        let last: UInt128
        let length: Int
        let number: UInt8

        init(around address: UInt128, _ length: Int, _ number: UInt8, width: Int) {
            let mask: UInt128 = length == 0 && width == 128 ? .max : (1 << UInt128(width - length)) - 1
            first = address & ~mask
            last = address | mask
            self.length = length
            self.number = number
        }
    }

    /// Few different bits, so that ranges meet.
    private static func number(_ isIPv4: Bool, _ generator: inout SeededGenerator) -> UInt128 {
        guard !isIPv4 else { return UInt128(generator.next() & 0xe103_80c1) }
        let mask = UInt128(0xff07_0300_0000_00f0) << 64 | UInt128(0x0101_ff00_0000_0003)
        return (UInt128(generator.next()) << 64 | UInt128(generator.next())) & mask
    }

    private static func address(_ number: UInt128, _ isIPv4: Bool) -> IPAddress {
        isIPv4
            ? IPAddress(ipv4: UInt32(truncatingIfNeeded: number))
            : IPAddress(high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number))
    }
}
