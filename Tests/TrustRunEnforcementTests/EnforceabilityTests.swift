// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

@testable import TrustRunEnforcement

/// What the gates cannot do is refused with its place, and nothing else is.
@Suite struct EnforceabilityTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let message: String
        var canKill = true
        var resolvers = 1
        var testDescription: String { text }
    }

    static let refused = [
        Case(
            text: "rules:\n"
                + (100...299).map {
                    "- {match: any, process: '/\(String(repeating: "\($0)", count: 40))', action: allow}\n"
                }
                .joined(),
            message: "with rule p.yaml#135, the different `process` globs have more than the 16384 characters"),
        Case(text: "rules: [{match: any, action: kill}]", message: "rule p.yaml#1 kills", canKill: false),
        Case(
            text: "rules: []\ndefaults: {action: kill}", message: "p.yaml:2:20: the default action kills",
            canKill: false),
        Case(
            text: "capture_level: full\ncontent: [{when: {finding: [pii]}, action: alert}]\nrules: []",
            message: "`content` is not enforced"),
        Case(text: "rules: []", message: "more resolvers than the 16", resolvers: 17),
    ]

    @Test(arguments: refused) func refusesWhatTheGatesCannotDo(_ refused: Case) throws {
        let policy = try load(refused.text)
        let resolvers = (0..<refused.resolvers).map { IPAddress(ipv4: UInt32($0 + 1)) }
        let error = #expect(throws: PolicyError.self) {
            try Enforceability.check(policy, resolvers: resolvers, canKill: refused.canKill)
        }
        #expect(error?.description.contains(refused.message) == true, "\(error?.description ?? "")")
    }

    static let accepted = [
        "rules: []", "rules: [{match: [any, 10.0.0.0/8, '::1'], ports: [1, 5-9], protocol: udp, action: block}]",
        "rules: [{match: any, action: kill}]\ndefaults: {action: kill}", "dns: open\ninbound: allow\nrules: []",
        "rules: [{match: 10.0.0.1, verify: address, action: alert}]\ndefaults: {action: block}",
        "inherit: preset:loopback\nrules: []",
        "rules: [{match: [a.example, '*.b.example', 'x*.c.example'], action: allow}]",
        "dns: strict\nrules: []",
        "rules: [{match: any, process: /bin/sh, action: allow}, {match: 10.0.0.1, process: '*/c?rl*', action: block}]",
    ]

    @Test(arguments: accepted) func acceptsWhatTheyCan(_ text: String) throws {
        let resolvers = (0..<16).map { IPAddress(ipv4: UInt32($0 + 1)) }
        try Enforceability.check(try load(text), resolvers: resolvers, canKill: true)
    }

    private func load(_ text: String) throws -> Policy {
        try PolicyLoader.load(["p.yaml"]) { (_: String) throws(PolicyReadFailure) in Array(text.utf8) }
    }
}
