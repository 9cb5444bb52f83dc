// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

@Suite struct IPNetworkTests {
    @Test func dropsTheBitsBehindThePrefix() throws {
        let network = try #require(IPNetwork(IPAddress(ipv4: 0x0a01_02ff), length: 24))
        #expect("\(network)" == "10.1.2.0/24")
        #expect(network.contains(IPAddress(ipv4: 0x0a01_0207)))
        #expect(!network.contains(IPAddress(ipv4: 0x0a01_0307)))
        #expect(!network.contains(IPAddress(high: 0, low: 0x0a01_0207)))
    }

    @Test func knowsBothEnds() throws {
        let everything = try #require(IPNetwork(IPAddress(ipv4: 0x0a01_02ff), length: 0))
        #expect("\(everything)" == "0.0.0.0/0")
        #expect(everything.contains(IPAddress(ipv4: 0xffff_ffff)))
        let half = try #require(IPNetwork(IPAddress(high: 0x2001_0db8_ffff_0000, low: 7), length: 32))
        #expect("\(half)" == "2001:db8::/32")
        #expect(IPNetwork(IPAddress(ipv4: 1), length: 33) == nil)
        #expect(IPNetwork(IPAddress(high: 1, low: 1), length: 129) == nil)
    }

    @Test func sixtyFourNamesAnIPv4Address() {
        #expect(IPAddress(high: 0x0064_ff9b_0000_0000, low: 0x0a01_0207).canonical == IPAddress(ipv4: 0x0a01_0207))
        #expect(IPAddress(high: 0, low: 0).canonical == IPAddress(high: 0, low: 1))
        #expect(IPAddress(ipv4: 0).canonical == IPAddress(ipv4: 0x7f00_0001))
    }
}
