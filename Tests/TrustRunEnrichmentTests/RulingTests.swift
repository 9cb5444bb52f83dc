// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunTestSupport

/// What gates decided, with the records of the connections that they decided.
@Suite struct RulingTests {
    private let bench = EnrichmentBench(proverParent: 99)
    private let task = TaskFields(10)
    private let ends = EndpointFields()
    private let udp = EndpointFields(transport: .udp)
    private let peer = Endpoint(address: IPAddress(ipv4: 0xc000_0201), port: 443)

    init() {
        bench.receiver.verdictOfRuling = { ruling, name in
            Verdict(
                action: ruling.action ?? .block, isEnforced: true, basis: .address, rule: nil, reason: "r", policy: "p",
                name: name, gate: ruling.gate, generation: ruling.generation)
        }
    }

    private func ruling(
        _ action: UInt8, gate: GateKind = .connect, cookie: UInt64 = 1, rule: UInt32 = 0, name: String = ""
    ) -> [UInt8] {
        RecordBuilder.verdict(
            task, gate: gate, action: action, rule: rule, cookie: cookie, to: peer,
            transport: gate == .datagram ? 17 : 6,
            name: name, at: at(0))
    }

    private func summaries(_ events: [EnrichedEvent]) -> [String] {
        events.map { event in
            event.summary + (event.connection?.verdict.map { verdict in " \(verdict.action.text)" } ?? "")
        }
    }

    @Test func aConnectionHasTheVerdictOfItsGate() throws {
        let events = try bench.events(
            ruling(0), RecordBuilder.connect(task, cookie: 1, ends, at: at(0)),
            RecordBuilder.established(cookie: 1, ends, at: at(0)), RecordBuilder.close(cookie: 1, ends, at: at(1)))
        #expect(summaries(events) == ["connect 1.1 pid=10 established allow", "close 1.1 pid=10 0/0 0 allow"])
        #expect(events[0].connection?.verdict?.gate == .connect)
    }

    @Test func anAlertIsToldAtOnceAndTheConnectionHasItsId() throws {
        let events = try bench.events(
            ruling(1, name: "a.example"), RecordBuilder.connect(task, cookie: 1, ends, at: at(0)),
            RecordBuilder.established(cookie: 1, ends, at: at(0)))
        #expect(summaries(events) == ["violation 1.1 pid=10 alert", "connect 1.1 pid=10 established alert"])
        #expect(events[0].connection?.verdict?.name.map { String(decoding: $0.bytes, as: UTF8.self) } == "a.example")
    }

    @Test func aRefusedConnectionIsToldAsFailedAndTheNextUseOfItsSocketIsAnother() throws {
        let events = try bench.events(
            ruling(2), ruling(4), ruling(0), RecordBuilder.connect(task, cookie: 1, ends, at: at(1)),
            RecordBuilder.established(cookie: 1, ends, at: at(1)))
        #expect(
            summaries(events) == [
                "connect 1.1 pid=10 failed block", "violation 1.1 pid=10 block", "connect 1.2 pid=10 failed block",
                "violation 1.2 pid=10 block", "connect 1.3 pid=10 established allow",
            ])
        #expect(events[0].connection?.errorNumber == 1)
    }

    @Test func aDatagramThatDidNotLeaveIsNoFlow() throws {
        let refused = try bench.events(
            ruling(2, gate: .datagram), RecordBuilder.udpFlow(task, cookie: 1, udp, at: at(0)),
            ruling(2, gate: .datagram))
        #expect(
            summaries(refused) == [
                "connect 1.0 pid=10 failed block", "violation 1.0 pid=10 block", "violation 1.0 pid=10 block",
            ])
        // Once another policy lets it through, the flow begins, and the record that came before does not come again.
        #expect(summaries(try bench.events(ruling(0, gate: .datagram))) == ["connect 1.1 pid=10 allow"])
        #expect(summaries(try bench.events(RecordBuilder.udpClose(cookie: 1, at: at(2)))) == ["close 1.1 pid=10 allow"])
    }

    @Test func aFlowHasTheVerdictOfItsFirstDatagram() throws {
        let events = try bench.events(
            ruling(1, gate: .datagram), RecordBuilder.udpFlow(task, cookie: 1, udp, at: at(0)),
            RecordBuilder.udpFlow(task, cookie: 1, udp.to(2), at: at(0)))
        #expect(summaries(events) == ["violation 1.1 pid=10 alert", "connect 1.1 pid=10 alert", "connect 1.2 pid=10"])
    }

    @Test func whoConnectsInIsJudgedByBothEnds() throws {
        let own = IPAddress(ipv4: 0x0a00_0002)
        func syn(_ action: UInt8, from peerPort: UInt16) -> [UInt8] {
            RecordBuilder.verdict(
                .void, gate: .inbound, action: action, rule: 3, to: Endpoint(address: peer.address, port: peerPort),
                own: own,
                port: 8080, flags: .noTask, at: at(0))
        }
        let ends = EndpointFields(localPort: 8080, remotePort: 50000)
        let listener = RecordBuilder.listen(task, socket: 9, EndpointFields(localPort: 8080, remotePort: 0), at: at(0))
        let events = try bench.events(
            listener, syn(2, from: 50001), syn(0, from: 50000), RecordBuilder.accept(nil, cookie: 7, ends, at: at(0)))
        #expect(summaries(events) == ["violation pid=10", "accept 7.1 pid=10 allow"])
        guard case .attempt(let attempt) = events[0].body else { throw Unexpected() }
        #expect(attempt.peer == Endpoint(address: peer.address, port: 50001))
        #expect(attempt.own == Endpoint(address: own, port: 8080))
    }

    @Test func aUnixSocketThatIsNotListedIsToldWithItsPath() throws {
        let record = RecordBuilder.verdict(
            task, gate: .process, action: 2,
            to: Endpoint(address: peer.address, port: ProcessReach.unixSocket.rawValue),
            name: String("/run/a".reversed()), at: at(0))
        let events = try bench.events(record)
        #expect(events.map(\.summary) == ["violation pid=10"])
        guard case .attempt(let attempt) = events[0].body else { throw Unexpected() }
        #expect(attempt.path == Array("/run/a".utf8) && attempt.verdict.name == nil)
    }

    @Test func theProofIsNotTold() throws {
        #expect(try bench.events(ruling(2, rule: 0xffff_fffd)).isEmpty)
        let agent = TaskFields(99, comm: "trustrun-agent")
        let child = RecordBuilder.verdict(
            TaskFields(100, startTime: 5), gate: .socket, action: 2, to: peer, at: at(1))
        try bench.feed(
            RecordBuilder.exec(agent, path: "/usr/bin/trustrun-agent", at: at(0)),
            RecordBuilder.fork(TaskFields(100, startTime: 5), parent: agent, at: at(0)))
        #expect(try bench.events(child).isEmpty)
        // What it becomes by exec is the command.
        try bench.feed(
            RecordBuilder.exec(TaskFields(100, startTime: 5), parent: agent, path: "/usr/bin/curl", at: at(1)))
        #expect(try bench.events(child).map(\.summary) == ["violation pid=100"])
    }

    @Test func withoutAnybodyToTellNothingIsTold() throws {
        bench.receiver.verdictOfRuling = nil
        #expect(try bench.events(ruling(2)).isEmpty)
    }

    private struct Unexpected: Error {}
}
