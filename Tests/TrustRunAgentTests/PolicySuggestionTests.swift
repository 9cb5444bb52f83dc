// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunReplay

@testable import TrustRunAgent

/// The YAML that would let a recorded connection through.
@Suite struct PolicySuggestionTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var basis: String
        var gate: String?
        var name: String?
        var ruledName: String?
        var transport = "tcp"
        var direction = "outbound"
        var port = 443
        var text: String?
        var more: String {
            (gate.map { gate in #","gate":"\#(gate)""# } ?? "")
                + (ruledName.map { name in #","name":"\#(name)""# } ?? "")
        }
        var testDescription: String { "\(basis) \(transport) \(direction) \(name ?? "-")" }
    }

    @Test(arguments: [
        Row(basis: "defaults", text: #"  - { match: "192.0.2.7", ports: [443], protocol: tcp, action: allow }"#),
        Row(
            basis: "defaults", name: "a.example",
            text: #"  - { match: "a.example", ports: [443], protocol: tcp, action: allow }"#),
        // A prefix that refuses comes before names.
        Row(
            basis: "address", name: "a.example",
            text: #"  - { match: "192.0.2.7", ports: [443], protocol: tcp, action: allow }"#),
        Row(
            basis: "defaults", name: "a.example", transport: "udp",
            text: #"  - { match: "a.example", verify: address, ports: [443], protocol: udp, action: allow }"#),
        Row(
            basis: "server_name", gate: "name", name: "a.example",
            text: #"  - { match: "a.example", verify: address, ports: [443], protocol: tcp, action: allow }"#),
        // No answer ties the server name to the address.
        Row(
            basis: "server_name", gate: "name", name: "a.example", ruledName: "b.example",
            text: #"  - { match: "192.0.2.7", ports: [443], protocol: tcp, action: allow }"#),
        Row(basis: "defaults", direction: "inbound", text: #"  - { match: "10.0.0.2", action: allow }"#),
        Row(basis: "scope", transport: "udp", port: 53, text: #"resolvers: ["192.0.2.7"]"#),
        Row(basis: "scope", transport: "udp", text: nil),
    ]) func isTheSmallest(row: Row) throws {
        let line = #"""
            {"schema":"trustrun.event.v1","time":"x","type":"connect","connection":"1.1","direction":"\#(row.direction)","protocol":"\#(row.transport)",\#
            "source":{"address":"10.0.0.2","port":1},"destination":{"address":"192.0.2.7","port":\#(row.port)},\#
            "verdict":{"action":"block","enforced":true,"basis":"\#(row.basis)","reason":"r","policy":"p"\#(row.more)}}
            """#
        let event = try RecordedEventReader().read(Array(line.utf8))
        let suggestion = PolicySuggestion(
            try #require(event.connection), try #require(event.details.verdict), rule: "p.yaml#1", name: row.name)
        #expect(suggestion.text == row.text)
    }
}
