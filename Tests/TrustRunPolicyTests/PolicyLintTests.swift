// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents

@testable import TrustRunPolicy

@Suite struct PolicyLintTests {
    /// A policy, and what is found about it: `code rule`.
    struct Case: Sendable, CustomTestStringConvertible {
        var rules: [String]
        var settings = ""
        var found: [String]

        var testDescription: String { "\(rules) \(settings)" }

        init(_ rules: String..., settings: String = "defaults: { action: block }", found: [String] = []) {
            self.rules = rules
            self.settings = settings
            self.found = found
        }
    }

    private func findings(_ text: String, _ files: [String: String] = [:]) throws -> [PolicyFinding] {
        let policy = try Documents(files.merging(["p.yaml": text]) { _, new in new }).load("p.yaml")
        return PolicyLint.findings(in: policy)
    }

    private func check(_ example: Case) throws {
        let rules = example.rules.map { rule in "  - { \(rule) }\n" }.joined()
        let found = try findings("rules:\n\(rules)\(example.settings)\n")
        #expect(found.map { finding in "\(finding.code.rawValue) \(finding.rule ?? "-")" } == example.found)
    }

    private static let permitting = "defaults: { action: alert }"

    @Test(arguments: [
        Case("match: \"*.blob.core.windows.net\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.core.windows.net\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.windows.net\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case(
            "match: \"*.net\", action: allow",
            found: ["rentable-wildcard p.yaml#1", "public-resolver-allowed p.yaml#1"]),
        Case("match: \"contoso*.blob.core.windows.net\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.contoso*.blob.core.windows.net\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.openai.azure.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.azure.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.amazonaws.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.eu-west-1.amazonaws.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.s3.eu-west-1.amazonaws.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.s3-eu-west-1.amazonaws.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.dkr.ecr.*.amazonaws.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"bucket.s3.*.amazonaws.com\", action: allow"),
        Case("match: \"*.googleapis.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.us-east-1.rds.amazonaws.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"app-*.westeurope-01.azurewebsites.net\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.ts.net\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.github.io\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*.co.uk\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"openai*.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"*openai.com\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case("match: \"api.openai.*\", action: allow", found: ["rentable-wildcard p.yaml#1"]),
        Case(
            "match: [\"*.vault.azure.net\", api.example.com, \"*.azurewebsites.net\"], action: allow",
            found: ["rentable-wildcard p.yaml#1", "rentable-wildcard p.yaml#1"]),
    ])
    func findsWildcardsOverWhatAnybodyCanRent(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case("match: contoso.blob.core.windows.net, action: allow"),
        Case("match: \"*.contoso.blob.core.windows.net\", action: allow"),
        Case("match: \"*.openai.com\", action: allow"),
        Case("match: \"bedrock-*.eu-west-1.amazonaws.com\", action: allow"),
        Case("match: \"*-aiplatform.googleapis.com\", action: allow"),
        Case("match: \"*.contoso.co.uk\", action: allow"),
        Case("match: \"*.internal\", action: allow"),
        // Below a label that is one's own.
        Case("match: \"*.my-account.workers.dev\", action: allow"),
        Case("match: \"*.contoso.azurewebsites.net\", action: allow"),
        Case("match: \"*.abc123.us-east-1.rds.amazonaws.com\", action: allow"),
        Case("match: \"*.endpoints.my-project.cloud.goog\", action: allow"),
        Case("match: \"*.tail1234.ts.net\", action: allow"),
        Case("match: \"*.svc.cluster.local\", action: allow"),
        // Refusing them all is no hole.
        Case("match: \"*.blob.core.windows.net\", action: block"),
        Case("match: \"*.com\", action: kill"),
    ])
    func letsBeWhatIsOnesOwn(_ example: Case) throws {
        try check(example)
    }

    @Test func alertLetsThroughWhatAnybodyCanRentToo() throws {
        let found = try findings(
            "rules: [{ match: \"*.ngrok.io\", action: alert }, { match: a.example.com, action: allow }]")
        #expect(found.map(\.code) == [.rentableWildcard])
        #expect(found.first?.severity == .warning)
        #expect(
            found.first?.message
                == "`*.ngrok.io` matches names that anybody can get under ngrok.io; name exactly those that are yours")
        #expect(found.first?.origin == Origin(document: 0, line: 1, column: 9))
    }

    @Test(arguments: [
        Case("match: dns.google, action: allow", found: ["public-resolver-allowed p.yaml#1"]),
        Case("match: \"*.quad9.net\", action: allow, ports: [443]", found: ["public-resolver-allowed p.yaml#1"]),
        Case("match: \"dn*.quad9.net\", action: allow", found: ["public-resolver-allowed p.yaml#1"]),
        Case("match: 1.1.1.1, action: allow", found: ["public-resolver-allowed p.yaml#1"]),
        Case("match: 8.8.8.0/24, action: allow, ports: [853]", found: ["public-resolver-allowed p.yaml#1"]),
        Case("match: any, action: allow", found: ["public-resolver-allowed p.yaml#1"]),
        Case(
            "match: dns.google, action: allow, process: \"*/curl\"",
            found: ["public-resolver-allowed p.yaml#1", "process-is-no-boundary p.yaml#1"]),
        Case("match: 8.8.8.8, action: allow, ports: [53]"),
        Case("match: www.google.com, action: allow"),
        Case("match: dns.google, action: block"),
        // Another rule decides for every one of them.
        Case(
            "match: dns.google, action: block", "match: \"*.dns.google\", action: allow",
            found: ["public-resolver-allowed p.yaml#2"]),
        Case(
            "match: [8.8.8.8, 8.8.4.4], action: block, ports: [443, 853]",
            "match: [8.8.8.0/24, 8.8.4.0/24], action: allow"),
    ])
    func findsPublicResolversThatAreAllowed(_ example: Case) throws {
        try check(example)
    }

    @Test func inheritingTheBlockListIsTheRemedy() throws {
        let text = "rules: [{ match: [\"*.quad9.net\", 1.1.1.0/24], action: allow }]\ndefaults: { action: block }\n"
        #expect(try findings(text).map(\.code) == [.publicResolverAllowed])
        #expect(try findings("inherit: preset:doh\n" + text).isEmpty)
    }

    @Test(arguments: [
        Case(
            "match: a.example.com, action: block", "match: a.example.com, action: allow",
            found: ["unreachable-rule p.yaml#2"]),
        Case(
            "match: A.example.com., action: allow", "match: a.example.com, action: allow",
            found: ["unreachable-rule p.yaml#2"]),
        Case(
            "match: a.example.com, action: block", "match: a.example.com, action: allow, ports: [443]",
            found: ["unreachable-rule p.yaml#2"]),
        Case(
            "match: 10.0.0.0/8, action: block, ports: [\"1-500\"]",
            "match: 10.0.0.0/8, action: block, ports: [\"501-1000\"]",
            "match: 10.0.0.0/8, action: allow, ports: [\"400-600\"]", found: ["unreachable-rule p.yaml#3"]),
        Case(
            "match: 10.0.0.0/8, action: block, protocol: tcp", "match: 10.0.0.0/8, action: block, protocol: udp",
            "match: 10.0.0.0/8, action: allow", found: ["unreachable-rule p.yaml#3"]),
        Case(
            "match: [a.example.com, b.example.com], action: block",
            "match: [b.example.com, c.example.com], action: allow",
            found: ["unreachable-pattern p.yaml#2"]),
        Case(
            "match: any, action: block, process: /bin/sh", "match: any, action: kill, process: /bin/sh",
            found: ["unreachable-rule p.yaml#2"]),
        Case(
            "match: \"::ffff:10.0.0.1\", action: block", "match: 10.0.0.1, action: kill",
            found: ["unreachable-rule p.yaml#2"]),
    ])
    func findsRulesThatNeverDecide(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case("match: a.example.com, action: block, ports: [443]", "match: a.example.com, action: allow"),
        Case("match: a.example.com, action: block, ports: [\"1-65535\"]", "match: a.example.com, action: allow"),
        Case("match: \"*.example.com\", action: block", "match: a.example.com, action: allow"),
        Case("match: a.example.com, action: block", "match: \"*.example.com\", action: allow"),
        Case("match: a.example.com, action: block, process: /bin/sh", "match: a.example.com, action: kill"),
        Case("match: 10.0.0.0/8, action: block", "match: 10.0.0.0/9, action: allow"),
        Case(
            "match: 10.0.0.0/8, action: block, ports: [\"1-399\", \"401-999\"]",
            "match: 10.0.0.0/8, action: allow, ports: [400]"),
        // A name rule that permits takes no part for UDP, so the second one decides there.
        Case("match: a.example.com, action: allow", "match: a.example.com, action: block"),
    ])
    func saysNothingOfRulesThatMayDecide(_ example: Case) throws {
        try check(example)
    }

    @Test func tellsWhatIsMeantFromWhatIsWrong() throws {
        let files = [
            "base.yaml": "rules: [{ match: a.example.com, action: allow }, { match: b.example.com, action: block }]"
        ]
        let text = """
            inherit: base.yaml
            rules:
              - { match: a.example.com, action: block }
              - { match: b.example.com, action: block }
              - { match: b.example.com, action: allow }
            defaults: { action: block }
            """
        let found = try findings(text, files)
        #expect(
            found.map { finding in "\(finding.severity.rawValue) \(finding.rule ?? "-"): \(finding.message)" } == [
                "warning p.yaml#3: this rule never decides: p.yaml#2 (block) matches the same earlier; delete one of them",
                "note base.yaml#1: this rule never decides: p.yaml#1 (block) goes before what is inherited; nothing to do if that is meant",
                "note base.yaml#2: this rule never decides: p.yaml#2 says the same earlier; delete one of them",
            ])
    }

    @Test(arguments: [
        Case("match: 0.0.0.0/0, action: allow, ports: [25]", found: ["one-address-family p.yaml#1"]),
        Case(
            "match: \"::/0\", action: alert", "match: a.example.com, action: allow",
            settings: "defaults: { action: kill }",
            found: ["one-address-family p.yaml#1", "alert-under-blocking-default p.yaml#1"]),
        Case("match: 0.0.0.0/0, action: block", settings: permitting, found: ["one-address-family p.yaml#1"]),
        Case("match: 0.0.0.0/0, action: block", "match: any, action: alert", found: ["one-address-family p.yaml#1"]),
        Case("match: [0.0.0.0/0, \"::/0\"], action: block", settings: permitting),
        Case("match: 0.0.0.0/0, action: block"),
        Case("match: 0.0.0.0/0, action: block", "match: any, action: block", settings: permitting),
        Case(
            "match: 10.0.0.0/8, action: block", settings: permitting,
            found: ["address-block-under-permitting-default p.yaml#1"]),
    ])
    func findsFamiliesThatAreLeftOut(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case("match: a.example.com, action: allow, protocol: udp", found: ["udp-name-without-address p.yaml#1"]),
        Case("match: a.example.com, action: allow, ports: [80, 22]", found: ["plain-port-by-name p.yaml#1"]),
        Case("match: a.example.com, action: allow, ports: 5432, protocol: tcp", found: ["plain-port-by-name p.yaml#1"]),
        Case("match: a.example.com, action: allow, ports: [80, 443]", found: []),
        Case("match: a.example.com, action: allow, ports: 80, verify: address", found: []),
        Case("match: 10.0.0.0/8, action: allow, ports: 80", found: []),
        Case("match: a.example.com, action: allow, protocol: udp, verify: address"),
        Case("match: a.example.com, action: allow"),
        Case("match: 10.0.0.1, action: allow, protocol: udp"),
        Case("match: a.example.com, action: block, protocol: udp"),
    ])
    func findsUDPByNameThatCannotBeChecked(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case("match: a.example.com, action: allow, process: /bin/sh", found: ["process-is-no-boundary p.yaml#1"]),
        Case(
            "match: a.example.com, action: allow, process: /bin/sh",
            "match: b.example.com, action: allow, process: /bin/sh",
            found: ["process-is-no-boundary p.yaml#1"]),
        Case("match: a.example.com, action: block, process: /bin/sh"),
        Case("match: a.example.com, action: allow"),
    ])
    func findsAllowRulesThatRestOnAProcess(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case(
            "match: \"*.openai.com\", action: block", settings: permitting,
            found: ["name-block-under-permitting-default p.yaml#1"]),
        Case(
            "match: a.example.com, action: kill", "match: b.example.com, action: block",
            settings: "defaults: { action: allow }",
            found: ["name-block-under-permitting-default p.yaml#1"]),
        Case("match: \"*.openai.com\", action: block"),
        Case("match: \"fd00::/8\", action: block", settings: permitting),
        Case("match: \"*.openai.com\", action: allow", settings: permitting),
    ])
    func findsNamesThatAreBlockedInVain(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case(
            "match: 203.0.113.0/24, action: block", "match: 198.51.100.1, action: kill", settings: permitting,
            found: ["address-block-under-permitting-default p.yaml#1"]),
        Case(
            "match: 203.0.113.0/24, action: block", "match: \"2002:cb00::/24\", action: block", settings: permitting,
            found: ["address-block-under-permitting-default p.yaml#1"]),
        Case("match: 203.0.113.0/24, action: block", "match: \"2002::/16\", action: block", settings: permitting),
        Case("match: 203.0.113.0/24, action: block", "match: \"2000::/3\", action: block", settings: permitting),
        Case("match: 203.0.113.0/24, action: block"),
        Case("match: 203.0.113.0/24, action: allow", settings: permitting),
    ])
    func findsAddressesThatAreBlockedInOneSpellingAlone(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case("match: api.example.com, action: alert", found: ["alert-is-no-allow p.yaml#1"]),
        Case(
            "match: api.example.com, action: alert", "match: 10.0.0.0/8, action: alert", settings: permitting,
            found: ["alert-is-no-allow p.yaml#1"]),
        Case("match: api.example.com, action: alert", settings: "defaults: { action: allow }"),
        Case("match: any, action: alert"),
        Case(
            "match: api.example.com, action: alert", "match: b.example.com, action: allow",
            found: ["alert-under-blocking-default p.yaml#1"]),
        Case("match: api.example.com, action: alert", "match: b.example.com, action: allow", settings: permitting),
    ])
    func findsAlertsThatLookLikeAllow(_ example: Case) throws {
        try check(example)
    }

    @Test(arguments: [
        Case(
            "match: a.example.com, action: allow", settings: "dns: open\ndefaults: { action: block }",
            found: ["open-dns -"]),
        Case("match: a.example.com, action: allow", settings: "dns: strict\ndefaults: { action: block }"),
        Case("match: a.example.com, action: allow"),
        Case("match: a.example.com, action: allow", settings: "dns: open"),
    ])
    func findsNamesThatMayCarryData(_ example: Case) throws {
        try check(example)
    }

    @Test func writesAFindingAsALine() throws {
        let policy = try Documents([
            "p.yaml": "rules:\n  - { match: \"*.com\", action: allow }\ndefaults: { action: block }"
        ]).load("p.yaml")
        let lines = PolicyLint.findings(in: policy).map { finding in finding.text(in: policy) }
        #expect(
            lines == [
                """
                p.yaml:2:5: warning: `*.com` matches names that anybody can get in a top-level domain; name exactly those that are yours \
                [rentable-wildcard]
                """,
                """
                p.yaml:2:5: warning: lets through to *.adguard-dns.com, a public resolver: names looked up there are not seen, and data can leave \
                in them; inherit preset:doh, or limit this rule (for plain DNS, `ports: [53]`) [public-resolver-allowed]
                """,
            ])
    }

    @Test func asksThePublicSuffixListWhereThereIsOne() throws {
        struct List: SuffixList {
            func isSuffix(_ name: DomainName) -> Bool {
                ["kawasaki.jp", "shop.example.org", "googleapis.com"].contains("\(name)")
            }
            func hasPrivateSuffix(below name: DomainName) -> Bool { "\(name)" == "example.org" }
        }
        func found(_ pattern: String) throws -> String? {
            let text = "rules: [{ match: \"\(pattern)\", action: allow }]\ndefaults: { action: block }"
            return PolicyLint.findings(in: try Documents(["p.yaml": text]).load("p.yaml"), suffixes: List()).first?
                .message
        }
        #expect(try found("*.kawasaki.jp")?.contains("under kawasaki.jp;") == true)
        #expect(try found("mine-*.shop.example.org")?.contains("under shop.example.org;") == true)
        #expect(try found("*.example.org")?.contains("under a suffix below example.org;") == true)
        #expect(try found("*.mine.shop.example.org") == nil)
        #expect(try found("x-*.example.org") == nil)
        // On the list for browsers' sake alone.
        #expect(try found("*-aiplatform.googleapis.com") == nil)
    }

    @Test func everyRentableSuffixIsSaidToBeOne() {
        let lint = PolicyLint(
            policy: Policy(name: "p", description: nil, rules: [], settings: PolicySettings(), documents: []),
            suffixes: nil)
        #expect(RentableSuffixes.all.count > 300)
        #expect(Set(RentableSuffixes.all).count == RentableSuffixes.all.count, "one stands there twice")
        for suffix in RentableSuffixes.all {
            // A region or a shard for each star.
            let name = suffix.joined(separator: ".").replacing("*", with: "x")
            for text in ["*." + name, "mine-*." + name, "*.*mine." + name] {
                #expect(
                    NamePattern(text).flatMap { pattern in lint.rentableSuffix(reachedBy: pattern) } != nil, "\(text)")
            }
            #expect(NamePattern("mine." + name).flatMap { pattern in lint.rentableSuffix(reachedBy: pattern) } == nil)
        }
    }
}
