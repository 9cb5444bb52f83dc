// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents

@Suite struct DomainNameTests {
    static let good: [(String, String)] = [
        ("a", "a"), ("WWW.Example.COM", "www.example.com"), ("a.b.", "a.b"), ("_dmarc.x-y.z", "_dmarc.x-y.z"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
        (String(repeating: "a.", count: 126) + "b", String(repeating: "a.", count: 126) + "b"),
    ]

    @Test(arguments: good) func accepts(text: String, name: String) throws {
        let domain = try #require(DomainName(text))
        #expect(domain.description == name)
        #expect(domain.count == name.utf8.count)
        #expect(domain == DomainName(name))
        #expect(domain.hashValue == DomainName(name)?.hashValue)
    }

    @Test(arguments: [
        "", ".", "..", ".a", "a..b", "a..", "*.a", "a b", "a/b", "a:1", "b\u{fc}cher", "a\0", "a@b",
        String(repeating: "a", count: 64), String(repeating: "a.", count: 127),
    ])
    func refuses(text: String) {
        // 127 labels of one byte and their dots are 253 bytes, which the trailing dot may follow.
        let isLongest = text == String(repeating: "a.", count: 127)
        #expect((DomainName(text) != nil) == isLongest)
    }

    @Test(arguments: [("1.2.3.4", true), ("a.1", true), ("127", true), ("a1", false), ("1.a", false), ("1.2e", false)])
    func tellsNumbers(text: String, isNumber: Bool) {
        #expect(DomainName(text)?.endsInNumber == isNumber)
    }

    @Test func tellsNamesApart() {
        #expect(DomainName("a.b") != DomainName("a.c"))
        #expect(DomainName("a") != DomainName("ab"))
        #expect(MemoryLayout<DomainName>.size == 254)
    }
}
