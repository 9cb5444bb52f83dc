// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunTestSupport

/// Incoming connections where one record says that the kernel established them, and another which process accepted them.
@Suite struct AcceptorTests {
    private let bench = EnrichmentBench(awaitsAcceptor: true)
    private let manager = TaskFields(1, comm: "systemd")
    private let server = TaskFields(30, comm: "nginx")
    private let inbound = EndpointFields(localPort: 443, remotePort: 50000)

    init() throws {
        let nobody: [UInt8] = [0, 0, 0, 0]
        let any = EndpointFields(localAddress: nobody, localPort: 443, remoteAddress: nobody, remotePort: 0)
        try bench.feed(RecordBuilder.listen(manager, socket: 7, any, at: at(0)))
    }

    private func established(_ time: UInt64 = at(1)) -> [UInt8] {
        RecordBuilder.accept(nil, cookie: 1, inbound, at: time)
    }

    @Test func areNamedRatherThanTheListenersOwner() throws {
        #expect(try bench.events(established()).isEmpty)
        let events = try bench.events(RecordBuilder.accept(server, cookie: 1, inbound, at: at(1, 5)))
        #expect(events.map(\.summary) == ["accept 1.1 pid=30"])
        #expect(events.first?.time == at(1) + EnrichmentBench.bootOffset)
        #expect(bench.tick(at: at(9)).isEmpty)
        let closed = try bench.events(RecordBuilder.close(cookie: 1, inbound, at: at(10)))
        #expect(closed.map(\.summary) == ["close 1.1 pid=30 0/0 0"])
    }

    @Test func areWaitedForASecond() throws {
        try bench.feed(established())
        #expect(bench.tick(at: at(1, 900)).isEmpty)
        let told = bench.tick(at: at(2, 1))
        #expect(told.map(\.summary) == ["accept 1.1 pid=1"])
        #expect(try bench.events(RecordBuilder.accept(server, cookie: 1, inbound, at: at(3))).isEmpty)
        // An incoming connection never was pending.
        let closed = try bench.events(RecordBuilder.close(cookie: 1, inbound, at: at(10)))
        #expect(closed.first?.connection?.outcome == nil)
    }

    @Test func needNotCome() throws {
        try bench.feed(established())
        let events = try bench.events(
            RecordBuilder.close(cookie: 1, inbound, EndFields(acknowledged: 5), at: at(1, 5)))
        #expect(events.map(\.summary) == ["accept 1.1 pid=1", "close 1.1 pid=1 5/0 0"])
    }

    @Test func areToldWhenTheSessionEnds() throws {
        try bench.feed(established())
        bench.enricher.finish()
        #expect(bench.receiver.take().map(\.summary) == ["accept 1.1 pid=1"])
    }

    @Test func areEnoughWithoutTheOtherRecord() throws {
        let events = try bench.events(
            RecordBuilder.accept(server, cookie: 1, inbound, at: at(1)), established(at(1, 1)))
        #expect(events.map(\.summary) == ["accept 1.1 pid=30"])
        #expect(bench.tick(at: at(9)).isEmpty)
    }

    @Test func mayComeBehindTheEnd() throws {
        try bench.feed(established())
        let told = try bench.events(RecordBuilder.close(cookie: 1, inbound, at: at(1, 5)))
        #expect(told.map(\.summary) == ["accept 1.1 pid=1", "close 1.1 pid=1 0/0 0"])
        #expect(try bench.events(RecordBuilder.accept(server, cookie: 1, inbound, at: at(1, 4))).isEmpty)
        bench.enricher.finish()
        #expect(bench.receiver.take().isEmpty)
    }

    @Test func mayComeBehindTheEndOfOneThatWaitedLong() throws {
        try bench.feed(established())
        #expect(bench.tick(at: at(2, 1)).map(\.summary) == ["accept 1.1 pid=1"])
        #expect(
            try bench.events(RecordBuilder.close(cookie: 1, inbound, at: at(3))).map(\.summary) == [
                "close 1.1 pid=1 0/0 0"
            ])
        #expect(try bench.events(RecordBuilder.accept(server, cookie: 1, inbound, at: at(3))).isEmpty)
    }
}
