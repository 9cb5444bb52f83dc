// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents

@testable import TrustRunPolicy

@Suite struct PresetEntriesTests {
    private static let names = PresetCatalog.shipped.names

    private func policy(_ reference: String) throws -> Policy { try Documents([:]).load(reference) }

    @Test func shipsWhatPoliciesName() {
        #expect(
            Self.names == [
                "anthropic", "aws", "aws-bedrock", "azure", "azure-openai", "doh", "gcp-vertex", "loopback",
                "metadata-service", "ollama-local", "openai", "package-registries", "telemetry",
                "transition-addresses",
            ])
    }

    /// Names that a policy written for another tool inherits without parameters.
    @Test(arguments: ["azure", "aws", "openai", "anthropic"])
    func loadsWithoutParameters(_ name: String) throws {
        #expect(try !policy("preset:\(name)").rules.isEmpty)
    }

    @Test(arguments: names)
    func loadsWithoutWhatIsOptional(_ name: String) throws {
        let preset = try PresetCatalog.shipped.description(of: name)
        let short = try policy(preset.shortestExample)
        #expect(!short.rules.isEmpty)
        #expect(short.rules.count <= (try policy(preset.example).rules.count))
        #expect(preset.parameters.allSatisfy { parameter in !parameter.description.isEmpty })
    }

    @Test(arguments: names)
    func everyRuleHasASourceADateAndAReason(_ name: String) throws {
        let rules = try policy(try PresetCatalog.shipped.description(of: name).example).rules
        for rule in rules {
            #expect(rule.source?.hasPrefix("https://") == true, "\(rule.id)")
            #expect(rule.reason != nil, "\(rule.id)")
            let checked = try #require(rule.checked, "\(rule.id)")
            // A date after the one on which the presets were last looked through would be made up.
            #expect(checked <= "2026-11-22", "\(rule.id)")
            #expect(checked >= "2026-01-01", "\(rule.id)")
        }
    }

    /// Also that an allow rule never is for every port or for UDP, other than on this machine.
    @Test(arguments: names)
    func nothingIsWide(_ name: String) throws {
        let policy = try policy(try PresetCatalog.shipped.description(of: name).example)
        let findings = PolicyLint.findings(in: policy)
        #expect(!findings.contains { finding in finding.code == .rentableWildcard }, "\(findings)")
        #expect(!findings.contains { finding in finding.code == .publicResolverAllowed }, "\(findings)")
        for rule in policy.rules where rule.isPermitting {
            #expect(rule.names.allSatisfy { pattern in pattern.shape == .exact }, "\(rule.id)")
            #expect(!rule.patterns.contains(.any), "\(rule.id)")
            #expect(rule.networks.allSatisfy { network in network.address.isLoopback }, "\(rule.id)")
            if rule.action == .allow, rule.networks.isEmpty {
                #expect(rule.ports != nil && rule.transport == .tcp, "\(rule.id)")
            }
        }
    }

    @Test(arguments: names)
    func noRuleIsInVain(_ name: String) throws {
        let findings = PolicyLint.findings(in: try policy(try PresetCatalog.shipped.description(of: name).example))
        let codes: [PolicyFinding.Code] = [
            .unreachableRule, .unreachablePattern, .udpNameWithoutAddress, .oneAddressFamily,
        ]
        #expect(!findings.contains { finding in codes.contains(finding.code) }, "\(findings)")
    }

    private static let wideners = [
        "*", "a.evil.com", "", "evil.com/", "a*", "*.a", ".", "a.", "-", "a b", "[::1]", "1/0", "{region}", "a|*", "a|",
        "x" + String(repeating: "y", count: 63),
    ]

    @Test(arguments: names)
    func noValueMakesARuleWider(_ name: String) throws {
        let preset = try PresetCatalog.shipped.description(of: name)
        for parameter in preset.parameters {
            for value in Self.wideners {
                #expect(throws: PolicyError.self, "\(parameter.name)=\(value)") {
                    try policy(text(preset, parameter, value))
                }
            }
            // Values in upper case are the same values.
            let shouted = try policy(text(preset, parameter, parameter.example.uppercased()))
            #expect(shouted.rules.map(\.patterns) == (try policy(preset.example).rules.map(\.patterns)))
        }
    }

    /// The preset with its examples, one of them replaced.
    private func text(_ preset: PresetDescription, _ parameter: PresetParameter, _ value: String) -> String {
        let settings = preset.parameters.map { other in
            "\(other.name)=\(other.name == parameter.name ? value : other.example)"
        }
        return "preset:\(preset.text.name)(\(settings.joined(separator: ",")))"
    }
}

extension IPAddress {
    fileprivate var isLoopback: Bool { isIPv4 ? (ipv4 ?? 0) >> 24 == 127 : high == 0 && low == 1 }
}
