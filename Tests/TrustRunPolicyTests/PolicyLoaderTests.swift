// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

@Suite struct PolicyLoaderTests {
    @Test func readsEveryKeyOfARule() throws {
        let policy = try Documents([
            "a.yaml": """
            name: all-keys
            description: >
              Every key
            rules:
              - match: ["*.Example.COM.", 10.0.0.0/8, any, "2001:db8::1"]
                ports: [443, "8000-8999"]
                protocol: tcp
                process: "/usr/bin/python3*"
                verify: address
                action: block
                reason: "no"
                source: https://example.com/page
                checked: 2026-11-21
            """
        ]).load("a.yaml")
        #expect(policy.name == "all-keys")
        #expect(policy.description == "Every key")
        let rule = try #require(policy.rules.first)
        #expect(policy.rules.count == 1)
        #expect(rule.id == "a.yaml#1")
        #expect(
            rule.patterns == [
                .name(try #require(NamePattern("*.example.com"))),
                .network(try IPNetwork(text: "10.0.0.0/8")), .any, .network(try IPNetwork(text: "2001:db8::1")),
            ])
        #expect(rule.ports == [443...443, 8000...8999])
        #expect(rule.transport == .tcp)
        #expect(rule.process == PathGlob("/usr/bin/python3*"))
        #expect(rule.verify == .address)
        #expect(rule.action == .block)
        #expect(rule.reason == "no")
        #expect(rule.source == "https://example.com/page")
        #expect(rule.checked == "2026-11-21")
        #expect(rule.origin == Origin(document: 0, line: 5, column: 5))
    }

    @Test func readsEverySetting() throws {
        let policy = try Documents([
            "a.yaml": """
            capture_level: headers
            resolvers: [10.0.0.53, "fd00::53"]
            dns: strict
            inbound: allow
            ech: refuse
            binding_grace: 10m
            content:
              - when: { finding: [pii, phi], destination: not-allowed }
                action: kill
              - when: { finding: secret }
                action: alert
                reason: keys
            defaults: { action: block }
            """
        ]).load("a.yaml")
        #expect(policy.name == "a")
        let settings = policy.settings
        #expect(settings.captureLevel.value == .headers)
        #expect(settings.resolvers.value?.map(\.description) == ["10.0.0.53", "fd00::53"])
        #expect(settings.dns.value == .strict)
        #expect(settings.dns.origin == Origin(document: 0, line: 3, column: 6))
        #expect(settings.inbound.value == .allow)
        #expect(settings.ech.value == .refuse)
        #expect(settings.bindingGraceSeconds.value == 600)
        #expect(settings.defaultAction.value == .block)
        #expect(settings.content.map(\.findings) == [["pii", "phi"], ["secret"]])
        #expect(settings.content.map(\.isNotAllowedOnly) == [true, false])
        #expect(settings.content.map(\.action) == [.kill, .alert])
        #expect(settings.content.map(\.reason) == [nil, "keys"])
    }

    @Test func ordersRulesDepthFirstAndEachDocumentOnce() throws {
        let rule = "rules: [{ match: any, action: allow }]\n"
        let documents = Documents([
            "top.yaml": "inherit: [sub/left.yaml, right.yaml]\n" + rule,
            "sub/left.yaml": "inherit: ./../base.yaml\n" + rule,
            "right.yaml": "inherit: [./base.yaml]\n" + rule,
            "base.yaml": rule,
            "more/base.yaml": rule,
        ])
        #expect(
            try documents.load("./top.yaml", "more/base.yaml", "./right.yaml").rules.map(\.id)
                == ["top.yaml#1", "left.yaml#1", "base.yaml#1", "right.yaml#1", "more/base.yaml#1"])
        #expect(
            try documents.load("sub/left.yaml", "more/base.yaml").rules.map(\.id) == [
                "left.yaml#1", "base.yaml#1", "more/base.yaml#1",
            ])
    }
}
