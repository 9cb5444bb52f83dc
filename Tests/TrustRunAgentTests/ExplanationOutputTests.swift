// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunEvents
import TrustRunPolicy
import TrustRunSinks

@testable import TrustRunAgent

@Suite struct ExplanationOutputTests {
    @Test func tellsEachRuleAndItsOutcome() throws {
        let network = try #require(IPNetwork(IPAddress(ipv4: 0x0a00_0000), length: 8))
        let name = try #require(NamePattern("*.a.com"))
        let policy = Policy(
            name: "p", description: nil,
            rules: [
                Rule(id: "p#1", patterns: [.network(network)], action: .allow),
                Rule(id: "p#2", patterns: [.name(name)], action: .block, reason: "Not \"here\""),
                Rule(id: "p#3", patterns: [.name(name)], ports: [80...80], action: .allow),
            ],
            settings: PolicySettings(), documents: [Policy.Document(label: "p.yaml", name: "p", description: nil)])
        let question = PolicyQuestion(address: IPAddress(ipv4: 0x0a01_0203), port: 443, name: DomainName("b.a.com"))
        var buffer = OutputBuffer(capacity: 4096)
        policy.explain(question).writeJSON(to: &buffer)
        let text = buffer.bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(
            text == #"""
                {"schema":"trustrun.policy-explain.v1",\#
                "destination":{"name":"b.a.com","address":"10.1.2.3","port":443,"protocol":"tcp","direction":"outbound"},\#
                "verdict":{"action":"block","basis":"name","rule":"p#2","reason":"Not \"here\""},\#
                "rules":[{"rule":"p#2","place":"p.yaml:1","match":"*.a.com","action":"block","outcome":"won"},\#
                {"rule":"p#3","place":"p.yaml:1","match":"*.a.com","action":"allow","outcome":"unfit","because":"for ports 80 only"},\#
                {"rule":"p#1","place":"p.yaml:1","match":"10.0.0.0/8","action":"allow","outcome":"lost",\#
                "because":"an address rule that permits comes after rules for names"}],"notes":[]}

                """#)
    }
}
