// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents

@Suite struct IPAddressTests {
    static let texts: [(String, String)] = [
        ("7f000001", "127.0.0.1"), ("ffffffff", "255.255.255.255"),
        ("00000000000000000000ffffc0000201", "192.0.2.1"),  // mapped
        ("00000000000000000000000000000000", "::"), ("00000000000000000000000000000001", "::1"),
        ("000000000000000000000000c0000201", "::c000:201"),  // no longer in use, and not mapped
        ("20010db8000000000000000000000001", "2001:db8::1"),
        ("20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"),
        ("20010db8000000000001000000000001", "2001:db8::1:0:0:1"), ("fe800000000000000000000000000000", "fe80::"),
        ("00010000000000020000000000000003", "1:0:0:2::3"), ("0064ff9b0000000000000000c0000201", "64:ff9b::c000:201"),
    ]

    @Test(arguments: texts) func spells(bytes: String, text: String) throws {
        let decoded = IPAddress(networkBytes: hex(bytes).span)
        let address = try #require(decoded)
        #expect(address.description == text)
        #expect(address.isIPv4 == text.contains("."))
        #expect(address.isIPv6 != address.isIPv4)
    }

    @Test func treatsMappedAsIPv4() {
        let plain = IPAddress(ipv4Bytes: [192, 0, 2, 1])
        let mapped = IPAddress(ipv6Bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1])
        #expect(plain == mapped)
        #expect(plain.hashValue == mapped.hashValue)
        #expect(mapped.ipv4 == 0xc000_0201)
        #expect(IPAddress(ipv6Bytes: .init(repeating: 1)).ipv4 == nil)
        #expect(MemoryLayout<IPAddress>.size == 16)
    }

    @Test(arguments: [0, 3, 5, 15, 17]) func refusesOtherCounts(count: Int) {
        let decoded = IPAddress(networkBytes: [UInt8](repeating: 0, count: count).span)
        #expect(decoded == nil)
    }
}
