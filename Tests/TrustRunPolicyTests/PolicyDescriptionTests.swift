// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy
import TrustRunTestSupport

@Suite struct PolicyDescriptionTests {
    @Test func tellsWhereEachPartWasStated() throws {
        let policy = try Documents([
            "a.yaml": """
            name: all
            description: "Two\\nlines"
            capture_level: headers
            inherit: [sub/b.yaml]
            rules:
              - match: [any, "*.a.example", 10.0.0.0/8]
                ports: [443, 8000-8999]
                protocol: udp
                process: "/usr/bin/\\"q\\"*"
                verify: address
                action: alert
                reason: "R\\u202e\\u2028"
                source: https://example.com/
                checked: 2026-11-21
            content:
              - when: { finding: pii, destination: not-allowed }
                action: block
            """,
            "sub/b.yaml": """
            resolvers: ["::1", 10.0.0.53]
            binding_grace: 90s
            unix_sockets: [/var/run/a, "/b/"]
            defaults: { action: block }
            rules:
              - match: any.
                action: kill
            """,
        ]).load("a.yaml")
        #expect(
            PolicyDescription(policy).text == """
                # Everything that applies, of these documents, the first one's before the others':
                #   a.yaml
                #   sub/b.yaml
                name: "all"
                description: "Two\\nlines"
                capture_level: headers # a.yaml:3
                resolvers: ["::1", "10.0.0.53"] # sub/b.yaml:1
                # dns: strict (default)
                # ech: mark (default)
                # inbound: block (default)
                binding_grace: 90s # sub/b.yaml:2
                unix_sockets: ["/run/a", "/b/"] # sub/b.yaml:3
                defaults: { action: block } # sub/b.yaml:4
                content:
                  # a.yaml:16
                  - when: { finding: ["pii"], destination: not-allowed }
                    action: block
                rules:
                  # a.yaml#1, a.yaml:6
                  - match:
                      - "any"
                      - "*.a.example"
                      - "10.0.0.0/8"
                    ports: [443, 8000-8999]
                    protocol: udp
                    process: "/usr/bin/\\"q\\"*"
                    verify: address
                    action: alert
                    reason: "R\\u202e\\u2028"
                    source: "https://example.com/"
                    checked: 2026-11-21
                  # b.yaml#1, sub/b.yaml:6
                  - match: "any."
                    action: kill

                """)
        try expectRoundTrip(policy)
    }

    @Test(arguments: PresetCatalog.shipped.names)
    func everyPresetLoadsAgain(_ name: String) throws {
        try expectRoundTrip(Documents([:]).load(PresetCatalog.shipped.description(of: name).example))
    }

    @Test func basicPolicyLoadsAgain() throws {
        try expectRoundTrip(Documents(["a.yaml": BasicPolicyTests.full]).load("a.yaml"))
    }

    @Test func randomPoliciesLoadAgain() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let policy = try Documents(["a.yaml": RandomPolicy.text(&random)]).load("a.yaml")
            try expectRoundTrip(policy)
        }
    }

    private func expectRoundTrip(_ policy: Policy) throws {
        let text = PolicyDescription(policy).text
        let again = try Documents(["shown.yaml": text]).load("shown.yaml")
        #expect(again.name == policy.name)
        #expect(again.description == policy.description)
        #expect(again.rules.map(\.content) == policy.rules.map(\.content))
        #expect(again.settings.content.map(\.content) == policy.settings.content.map(\.content))
        #expect(again.settings.values == policy.settings.values)
        #expect(PolicyDescription(again).text.split(separator: "\n").count > policy.rules.count)
    }
}

extension Rule {
    /// Without its place.
    fileprivate var content: Rule {
        var rule = self
        rule.id = ""
        rule.origin = Origin(document: 0, line: 0, column: 0)
        return rule
    }
}

extension ContentRule {
    fileprivate var content: ContentRule {
        var rule = self
        rule.origin = Origin(document: 0, line: 0, column: 0)
        return rule
    }
}

extension PolicySettings {
    /// Without their places.
    fileprivate var values: [String] {
        [
            "\(defaultAction.value) \(captureLevel.value) \(String(describing: dns.value)) \(inbound.value)",
            "\(ech.value) \(bindingGraceSeconds.value) \(String(describing: resolvers.value))",
            "\([defaultAction.origin, captureLevel.origin, dns.origin, inbound.origin, ech.origin, bindingGraceSeconds.origin].map { $0 == nil })",
        ]
    }
}
