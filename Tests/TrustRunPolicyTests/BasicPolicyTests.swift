// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

/// Policies of nothing but names, rules with `match`, `action`, `reason` and `ports`, presets without parameters, and a default.
@Suite struct BasicPolicyTests {
    static let full = """
        name: hipaa-azure-only
        description: Only Azure endpoints that the BAA covers
        capture_level: metadata    # metadata | headers | full
        inherit:
          - preset:azure           # Azure
          - preset:aws             # and AWS
        rules:
          - match: "*.openai.com"
            action: block
            reason: "No BAA covers OpenAI's own API"
          - match: "0.0.0.0/0"
            action: alert
            reason: "A destination that nobody expected"
        defaults:
          action: alert            # alert | block | kill
        """

    @Test func loadsAsItStands() throws {
        let policy = try Documents(["policy.yaml": Self.full]).load("policy.yaml")
        #expect(policy.name == "hipaa-azure-only")
        #expect(policy.documents.map(\.label).prefix(3) == ["policy.yaml", "preset:azure", "preset:aws"])
        #expect(policy.rules.prefix(2).map(\.id) == ["policy.yaml#1", "policy.yaml#2"])
        #expect(policy.rules[0].patterns == [.name(try #require(NamePattern("*.openai.com")))])
        #expect(policy.rules[0].action == .block)
        #expect(policy.rules[1].patterns == [.network(try IPNetwork(text: "0.0.0.0/0"))])
        #expect(policy.rules[1].reason == "A destination that nobody expected")
        #expect(policy.settings.captureLevel.value == .metadata)
        #expect(policy.settings.defaultAction.value == .alert)
        #expect(policy.rules.contains { rule in rule.id.hasPrefix("preset:azure#") })
        #expect(policy.rules.contains { rule in rule.id.hasPrefix("preset:aws#") })
    }

    @Test func loadsWithoutTheCaptureLevelAndWithPorts() throws {
        let policy = try Documents([
            "policy.yaml": """
            name: site
            inherit: [preset:azure, ./more.yaml]
            rules:
              - match: "10.20.0.0/16"
                ports: [443, 8443]
                action: alert
            defaults: { action: kill }
            """,
            "more.yaml": "name: more\nrules:\n- {match: '*', action: kill}\n",
        ]).load("policy.yaml")
        #expect(policy.rules.first?.ports == [443...443, 8443...8443])
        #expect(policy.rules.last?.patterns == [.any])
        #expect(policy.rules.last?.action == .kill)
        #expect(policy.settings.defaultAction.value == .kill)
    }
}
