// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents

@testable import TrustRunSinks

@Suite struct VerdictTests {
    static func event(_ verdict: Verdict, _ body: (ConnectionEvent) -> EnrichedEvent.Body) -> EnrichedEvent {
        var connection = Samples.connection()
        connection.verdict = verdict
        return Samples.event(body(connection), hook: .connect)
    }

    @Test func writesEveryMember() throws {
        let verdict = Verdict(
            action: .block, isEnforced: false, basis: .serverName, rule: "p.yaml#2", reason: "not \"ours\"",
            policy: "p",
            name: HostName(try #require(DomainName("a.example"))))
        let line = try Samples.checked { Samples.encoder().encode(Self.event(verdict) { .connect($0) }, into: &$0) }
        #expect(
            line.contains(
                #","verdict":{"action":"block","enforced":false,"would_block":true,"rule":"p.yaml#2","#
                    + #""basis":"server_name","name":"a.example","reason":"not \"ours\"","policy":"p"},"sensor""#))
    }

    @Test(arguments: [
        (PolicyAction.allow, false, #"{"action":"allow","enforced":false,"basis":"any","policy":"p"}"#),
        (.kill, true, #"{"action":"kill","enforced":true,"basis":"any","policy":"p"}"#),
        (.alert, false, #"{"action":"alert","enforced":false,"basis":"any","policy":"p"}"#),
    ])
    func wouldBlockOnlyWhatItDoesNot(_ action: PolicyAction, _ isEnforced: Bool, _ text: String) throws {
        let verdict = Verdict(
            action: action, isEnforced: isEnforced, basis: .any, rule: nil, reason: nil, policy: "p")
        let line = try Samples.checked { Samples.encoder().encode(Self.event(verdict) { .accept($0) }, into: &$0) }
        #expect(line.contains(#","verdict":\#(text)"#))
        let again = try Samples.checked { Samples.encoder().encode(Self.event(verdict) { .close($0) }, into: &$0) }
        #expect(again.contains(#","verdict":\#(text)"#))
    }

    @Test func aViolationSaysNothingOfTheOutcome() throws {
        let verdict = Verdict(
            action: .alert, isEnforced: false, basis: .defaults, rule: nil, reason: "no rule matches", policy: "p")
        var connection = Samples.connection()
        connection.outcome = .established
        connection.durationNanoseconds = 7
        connection.verdict = verdict
        let event = Samples.event(.violation(connection), hook: .connect)
        let line = try Samples.checked { Samples.encoder().encode(event, into: &$0) }
        #expect(line.contains(#""type":"violation""#))
        #expect(!line.contains("outcome") && !line.contains("duration"))
        let text = Samples.text { _ = TextEncoder(isColoured: false).encode(event, into: &$0) }
        #expect(text.hasSuffix("  alert by defaults: no rule matches\n"))
    }

    @Test func aPathIsWrittenWithoutItsControlBytes() throws {
        let task = TaskFacts(
            key: ProcessKey(tgid: 1, startTime: 1), user: 0, group: 0, cgroupID: 0, comm: .init(repeating: 0))
        let ruling = GateRuling(
            task: task, gate: .process, action: .block, basis: .none, generation: 1, cookie: 0, networkNamespace: 0,
            peer: Samples.resolver, own: Samples.resolver.address, port: ProcessReach.unixSocket.rawValue, transport: 0)
        let verdict = Verdict(
            action: .block, isEnforced: true, basis: .scope, rule: nil, reason: nil, policy: "p", gate: .process)
        let event = Samples.event(
            .attempt(AttemptEvent(ruling, path: Array("/a\u{1b}[31m".utf8), verdict: verdict)), hook: .gate)
        let line = try Samples.checked { Samples.encoder().encode(event, into: &$0) }
        #expect(line.contains(#""attempt":{"kind":"process","by":"unix_socket","path":"/a\u001b[31m"}"#))
        let text = Samples.text { _ = TextEncoder(isColoured: false).encode(event, into: &$0) }
        #expect(!text.contains("\u{1b}") && text.contains("does not list: /a"))
    }

    @Test func aNamedServerCarriesTheVerdict() throws {
        let verdict = Verdict(
            action: .allow, isEnforced: false, basis: .name, rule: "p.yaml#1", reason: nil, policy: "p")
        var told = ServerNameEvent(name: nil, isOnWire: true, isFromLibrary: false)
        var connection = Samples.connection()
        connection.verdict = verdict
        told.connection = connection
        let line = try Samples.checked {
            Samples.encoder().encode(Samples.event(.sni(told), hook: .clientHello), into: &$0)
        }
        #expect(line.contains(#""verdict":{"action":"allow""#))
    }
}
