// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport

@Suite struct ExistingTests {
    private let bench = EnrichmentBench()
    private let client = TaskFields(10)
    private let server = TaskFields(30, comm: "nginx")
    private let worker = TaskFields(31, comm: "nginx")
    private let ends = EndpointFields()
    private let inbound = EndpointFields(localPort: 443, remotePort: 50000)
    private let listening = EndpointFields(
        localAddress: [0, 0, 0, 0], localPort: 443, remoteAddress: [0, 0, 0, 0], remotePort: 0)

    private func listener(_ task: TaskFields, _ socket: UInt64) -> [UInt8] {
        RecordBuilder.socket(task, cookie: 0, socket: socket, listening, state: 10, at: at(0))
    }

    @Test func areListedOnceHoweverManyHoldThem() throws {
        let events = try bench.list([
            RecordBuilder.socket(client, cookie: 1, socket: 100, ends, at: at(0)),
            RecordBuilder.socket(worker, cookie: 1, socket: 100, ends, at: at(0)),
            RecordBuilder.socket(worker, cookie: 2, socket: 101, ends.to(2), at: at(0)),
        ])
        #expect(
            events.map(\.summary) == [
                "connect 1.1 pid=10 existing established", "connect 2.1 pid=31 existing established",
            ])
        #expect(events[0].hook == .existingConnections)
        let closed = try bench.events(
            RecordBuilder.close(cookie: 1, socket: 100, ends, EndFields(acknowledged: 9), at: at(1)))
        #expect(closed.map(\.summary) == ["close 1.1 pid=10 8/0 0"])
    }

    @Test func areInboundWhereSomebodyListens() throws {
        let events = try bench.list([
            RecordBuilder.socket(worker, cookie: 1, socket: 100, inbound, at: at(0)), listener(server, 50),
        ])
        #expect(events.map(\.summary) == ["accept 1.1 pid=31 existing"])
        #expect(events[0].connection?.source.text == "192.0.2.1|50000")
    }

    /// Which of several listeners took a connection says nothing about who began it.
    @Test func areInboundWhereSeveralListen() throws {
        let events = try bench.list([
            RecordBuilder.socket(worker, cookie: 1, socket: 100, inbound, at: at(0)), listener(server, 50),
            listener(worker, 51),
        ])
        #expect(events.map(\.summary) == ["accept 1.1 pid=31 existing"])
    }

    @Test func areKnownByAddressIfTheyHaveNoCookie() throws {
        let events = try bench.list([
            RecordBuilder.socket(client, cookie: 0, socket: 100, ends, at: at(0)),
            RecordBuilder.socket(client, cookie: 0, socket: 101, ends.to(2), at: at(0)),
        ])
        let ids = events.compactMap { $0.connection?.id }
        #expect(Set(ids).count == 2)
        // The kernel makes a cookie when somebody asks, at the close at the latest.
        let closed = try bench.events(
            RecordBuilder.close(cookie: 77, socket: 101, ends.to(2), at: at(1)),
            RecordBuilder.close(cookie: 78, socket: 100, ends, at: at(1)))
        #expect(closed.compactMap { $0.connection?.id } == ids.reversed())
        #expect(closed.map(\.type) == [.close, .close])
        #expect(closed[0].connection?.destination.text == "192.0.2.2|443")
    }

    @Test func areLeftOutIfTheirBeginningIsOnItsWay() throws {
        let events = try bench.list(
            [
                RecordBuilder.socket(client, cookie: 1, socket: 100, ends, at: at(0)),
                RecordBuilder.socket(client, cookie: 2, socket: 101, ends, state: 7, at: at(0)),
                RecordBuilder.socket(client, cookie: 3, socket: 102, EndpointFields(remotePort: 0), at: at(0)),
            ], reported: [1])
        #expect(events.isEmpty)
    }

    @Test func arePendingWhileTheyWaitForAnAnswer() throws {
        let events = try bench.list([RecordBuilder.socket(client, cookie: 1, socket: 100, ends, state: 2, at: at(0))])
        #expect(events.map(\.summary) == ["connect 1.1 pid=10 existing pending"])
        let end = EndFields(oldState: 2, error: 111, unacknowledged: 1)
        let closed = try bench.events(RecordBuilder.close(cookie: 1, socket: 100, ends, end, at: at(1)))
        #expect(closed.map(\.summary) == ["close 1.1 pid=10 refused 0/0 0"])
    }

    @Test func countTheirUsesLikeOthers() throws {
        _ = try bench.list([RecordBuilder.socket(client, cookie: 1, socket: 100, ends, at: at(0))])
        try bench.feed(RecordBuilder.close(cookie: 1, socket: 100, ends, flags: .alive, at: at(1)))
        try bench.feed(RecordBuilder.connect(client, cookie: 1, ends, at: at(2)))
        let events = try bench.events(RecordBuilder.established(cookie: 1, ends, at: at(2, 1)))
        #expect(events.map(\.summary) == ["connect 1.2 pid=10 established"])
    }

    @Test func ofUDPEndWithTheirSocketAndWithoutBytes() throws {
        var udp = ends
        udp.transport = TransportProtocol.udp.rawValue
        let events = try bench.list([RecordBuilder.socket(client, cookie: 6, socket: 100, udp, at: at(0))])
        #expect(events.map(\.summary) == ["connect 6.1 pid=10 existing"])
        let remote = try #require(events.first?.connection?.destination)
        bench.counts.counts[FakeFlowCounts.Flow(cookie: 6, remote: remote)] = (10, 20)
        let closed = try bench.events(RecordBuilder.udpClose(cookie: 6, at: at(2)))
        #expect(closed.map(\.summary) == ["close 6.1 pid=10"])
    }
}
