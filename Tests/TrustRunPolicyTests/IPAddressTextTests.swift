// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy
import TrustRunTestSupport

@Suite struct IPAddressTextTests {
    @Test(arguments: [
        ("1.2.3.4", "1.2.3.4"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::1", "::1"),
        ("1::", "1::"), ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"), ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::ffff:a00:1", "10.0.0.1"), ("0:0:0:0:0:ffff:129.144.52.38", "129.144.52.38"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("0001:0:0:0:0:0:0:000a", "1::a"), ("::13.1.68.3", "::d01:4403"),
    ])
    func readsEveryForm(_ text: String, _ canonical: String) {
        #expect(IPAddress(text: text)?.description == canonical)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "00.0.0.0",
        "1..2.3", "0x1.2.3.4",
        "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "1.2.3.-4", ":", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "1::2:3:4:5:6:7:8",
        "12345::", "g::", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7:8", "1:", ":1", "fe80::1%1", "[::1]", "::1.2.3",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4", "::01.2.3.4", "::1.2.3.4.5", "1.2.3.4::", "2001:db8::/32", "１.2.3.4", "\0",
        "1.2.3.4\0",
    ])
    func refuses(_ text: String) {
        #expect(IPAddress(text: text) == nil)
    }

    @Test func readsWhatItWrites() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            var (high, low) = (random.next(), random.next())
            // Zeros, so that there is something to shorten.
            for shift in stride(from: UInt64(0), to: 64, by: 16) {
                if random.isOne(in: 2) { high &= ~(0xffff << shift) }
                if random.isOne(in: 2) { low &= ~(0xffff << shift) }
            }
            let address = IPAddress(high: high, low: low)
            #expect(IPAddress(text: "\(address)") == address)
        }
    }

    @Test func takesAnyBytes() {
        var random = SeededGenerator(seed: 8)
        let letters = Array("0123456789abcf:.%/x".utf8)
        var read = 0
        for _ in 0..<200_000 {
            let count = Int.random(in: 0...14, using: &random)
            let text = (0..<count).map { _ in letters.randomElement(using: &random) ?? 0 }
            guard let address = IPAddress(ascii: text.span) else { continue }
            read += 1
            #expect(IPAddress(text: "\(address)") == address)
        }
        #expect(read > 50)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3"), ("10.1.2.3/32", "10.1.2.3"), ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"), ("fd00::/8", "fd00::/8"), ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:10.1.2.3", "10.1.2.3"), ("64:ff9b::a00:0/104", "10.0.0.0/8"), ("64:ff9b::/96", "0.0.0.0/0"),
        ("64:ff9b::/64", "64:ff9b::/64"), ("64:ff9b::10.1.2.3", "10.1.2.3"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"),
        ("::/128", "::1"), ("::/96", "::/96"),
    ])
    func readsNetworks(_ text: String, _ canonical: String) throws {
        #expect(try IPNetwork(text: text).description == canonical)
    }
}
