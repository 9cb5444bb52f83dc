// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunOrganisations
import TrustRunTestSupport

@Suite struct PublicSuffixesTests {
    private let suffixes = PublicSuffixes.carried

    /// The list's own test vectors (test_psl.txt, public domain), those in ASCII: a name and its registrable domain.
    static let vectors: [(String, String?)] = [
        ("COM", nil), ("example.COM", "example.com"), ("WwW.example.COM", "example.com"), (".com", nil),
        (".example", nil), (".example.com", nil), (".example.example", nil), ("example", nil),
        ("example.example", "example.example"), ("b.example.example", "example.example"),
        ("a.b.example.example", "example.example"), ("biz", nil), ("domain.biz", "domain.biz"),
        ("b.domain.biz", "domain.biz"), ("a.b.domain.biz", "domain.biz"), ("com", nil),
        ("example.com", "example.com"), ("b.example.com", "example.com"), ("a.b.example.com", "example.com"),
        ("uk.com", nil), ("example.uk.com", "example.uk.com"), ("b.example.uk.com", "example.uk.com"),
        ("a.b.example.uk.com", "example.uk.com"), ("test.ac", "test.ac"), ("mm", nil), ("c.mm", nil),
        ("b.c.mm", "b.c.mm"), ("a.b.c.mm", "b.c.mm"), ("jp", nil), ("test.jp", "test.jp"), ("www.test.jp", "test.jp"),
        ("ac.jp", nil), ("test.ac.jp", "test.ac.jp"), ("www.test.ac.jp", "test.ac.jp"), ("kyoto.jp", nil),
        ("test.kyoto.jp", "test.kyoto.jp"), ("ide.kyoto.jp", nil), ("b.ide.kyoto.jp", "b.ide.kyoto.jp"),
        ("a.b.ide.kyoto.jp", "b.ide.kyoto.jp"), ("c.kobe.jp", nil), ("b.c.kobe.jp", "b.c.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"), ("city.kobe.jp", "city.kobe.jp"), ("www.city.kobe.jp", "city.kobe.jp"),
        ("ck", nil), ("test.ck", nil), ("b.test.ck", "b.test.ck"), ("a.b.test.ck", "b.test.ck"), ("www.ck", "www.ck"),
        ("www.www.ck", "www.ck"), ("us", nil), ("test.us", "test.us"), ("www.test.us", "test.us"), ("ak.us", nil),
        ("test.ak.us", "test.ak.us"), ("www.test.ak.us", "test.ak.us"), ("k12.ak.us", nil),
        ("test.k12.ak.us", "test.k12.ak.us"), ("www.test.k12.ak.us", "test.k12.ak.us"),
        ("xn--85x722f.com.cn", "xn--85x722f.com.cn"), ("xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("shishi.xn--55qx5d.cn", "shishi.xn--55qx5d.cn"), ("xn--55qx5d.cn", nil),
        ("xn--85x722f.xn--fiqs8s", "xn--85x722f.xn--fiqs8s"),
        ("www.xn--85x722f.xn--fiqs8s", "xn--85x722f.xn--fiqs8s"), ("shishi.xn--fiqs8s", "shishi.xn--fiqs8s"),
        ("xn--fiqs8s", nil),
    ]

    @Test(arguments: vectors) func findsTheRegistrableDomain(text: String, domain: String?) throws {
        guard let name = DomainName(text) else {
            #expect(domain == nil && text.hasPrefix("."))
            return
        }
        #expect(suffixes.registrableDomain(of: name)?.description == domain)
    }

    @Test(arguments: [
        ("github.io", true), ("blob.core.windows.net", false), ("s3.amazonaws.com", true), ("azurewebsites.net", true),
        ("com", false), ("co.uk", false), ("amazonaws.com", false), ("openai.com", false), ("example", false),
        ("contoso.github.io", false),
    ]) func tellsWhoGivesNamesToItsCustomers(text: String, isPrivate: Bool) throws {
        #expect(suffixes.isPrivateSuffix(try #require(DomainName(text))) == isPrivate)
    }

    @Test(arguments: [
        ("com", true), ("co.uk", true), ("github.io", true), ("ck", true), ("example", false), ("a.com", false),
    ])
    func knowsASuffixItself(text: String, isSuffix: Bool) throws {
        #expect(suffixes.isSuffix(try #require(DomainName(text))) == isSuffix)
    }

    @Test(arguments: [
        ("azurestaticapps.net", true), ("amazonaws.com", true), ("openai.com", false), ("anthropic.com", false),
        ("mazonaws.com", false),
    ]) func findsSuffixesBelowAName(text: String, isFound: Bool) throws {
        #expect(suffixes.hasPrivateSuffix(below: try #require(DomainName(text))) == isFound)
        #expect(suffixes.namesAbovePrivateSuffixes().contains(text) == isFound)
    }

    @Test func neverTakesAnAddressForAName() throws {
        #expect(suffixes.registrableDomain(of: try #require(DomainName("10.20.30.40"))) == nil)
        #expect(suffixes.publicSuffix(of: try #require(DomainName("10.20.30.40"))) == nil)
    }

    /// The list as text comes with the same package.
    @Test func agreesWithTheListAsText() throws {
        let reference = try SuffixReference(path: "/usr/share/publicsuffix/public_suffix_list.dat")
        #expect(reference.rules.count > 5000)
        var generator = SeededGenerator(seed: 11)
        let labels = ["www", "a", "city", "xn--p1ai", "com", "m", "1", "s3"]
        for rule in reference.names {
            var name = rule
            for _ in 0..<4 {
                let expected = reference.suffix(of: name)
                let found = suffix(of: name)
                #expect(found?.name == expected.name && found?.section == expected.section, "\(name)")
                name = (labels.randomElement(using: &generator) ?? "a") + "." + name
            }
            // A rule that is cut off at its front is mostly none any more.
            let cut = String(name.dropFirst(Int.random(in: 1..<name.count, using: &generator)))
            guard DomainName(cut) != nil, let found = suffix(of: cut) else { continue }
            #expect(found.name == reference.suffix(of: cut).name, "\(cut)")
        }
    }

    private func suffix(of name: String) -> (name: String, section: PublicSuffixes.Section)? {
        let bytes = Array(name.utf8)
        guard let found = suffixes.publicSuffix(of: bytes.span) else { return nil }
        return (String(name.dropFirst(found.offset)), found.section)
    }

    @Test func survivesAnyBytes() {
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<20_000 {
            let bytes = generator.bytes(maximumCount: 40)
            let dots = bytes.map { byte in byte % 7 == 0 ? UInt8(ascii: ".") : byte }
            if let offset = suffixes.registrableDomain(of: dots.span) { #expect(offset < dots.count) }
        }
    }
}
