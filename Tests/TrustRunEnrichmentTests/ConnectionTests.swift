// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunTestSupport

@Suite struct ConnectionTests {
    private let bench = EnrichmentBench()
    private let client = TaskFields(10)
    private let ends = EndpointFields()

    private func begin(_ cookie: UInt64 = 1, _ time: UInt64 = at(0)) -> [UInt8] {
        var unbound = ends
        unbound.localAddress = [0, 0, 0, 0]
        unbound.localPort = 0
        return RecordBuilder.connect(client, cookie: cookie, unbound, at: time)
    }

    @Test func tellsOfAConnectionWhenItIsAnswered() throws {
        #expect(try bench.events(begin()).isEmpty)
        let events = try bench.events(RecordBuilder.established(cookie: 1, ends, at: at(0, 30)))
        #expect(events.map(\.summary) == ["connect 1.1 pid=10 established"])
        let told = try #require(events.first?.connection)
        #expect(events[0].time == at(0) + EnrichmentBench.bootOffset)
        #expect(told.durationNanoseconds == 30_000_000)
        #expect(told.direction == .outbound)
        #expect(told.source.text == "10.0.0.2|40000")
        #expect(told.destination.text == "192.0.2.1|443")
        #expect(told.networkNamespace == 4_026_531_840)
        #expect(!told.isExisting)
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        let error: UInt32
        let outcome: ConnectionOutcome
        var testDescription: String { "errno \(error)" }
    }

    static let failures = [
        Failure(error: 111, outcome: .refused), Failure(error: 110, outcome: .timedOut),
        Failure(error: 113, outcome: .unreachable), Failure(error: 101, outcome: .unreachable),
        Failure(error: 112, outcome: .unreachable), Failure(error: 100, outcome: .unreachable),
        Failure(error: 104, outcome: .reset), Failure(error: 0, outcome: .aborted), Failure(error: 1, outcome: .failed),
    ]

    @Test(arguments: failures) func tellsOfAConnectionThatFailed(_ row: Failure) throws {
        try bench.feed(begin())
        let end = EndFields(oldState: 2, error: row.error, unacknowledged: 1)
        let events = try bench.events(RecordBuilder.close(cookie: 1, ends, end, at: at(0, 7)))
        #expect(events.map(\.summary) == ["connect 1.1 pid=10 \(row.outcome.rawValue)"])
        #expect(events[0].connection?.errorNumber == row.error)
        #expect(events[0].connection?.durationNanoseconds == 7_000_000)
        #expect(bench.tick(at: at(9)).isEmpty)
    }

    @Test func tellsOfAConnectionThatTheKernelRefusedItself() throws {
        var nowhere = ends
        nowhere.error = 101
        let refused = RecordBuilder.connect(client, cookie: 1, nowhere, at: at(0))
        let events = try bench.events(refused, begin(1, at(1)), RecordBuilder.established(cookie: 1, at: at(1, 1)))
        #expect(events.map(\.summary) == ["connect 1.1 pid=10 unreachable", "connect 1.2 pid=10 established"])
        #expect(events[0].hook == .connectRefusedHere)
        #expect(events[0].connection?.errorNumber == 101)
        #expect(events[0].connection?.durationNanoseconds == 0)
    }

    @Test func announcesWhatWaitsForLongerThanASecond() throws {
        try bench.feed(begin(1), begin(2, at(0, 1)), begin(3, at(0, 2)))
        try bench.feed(RecordBuilder.established(cookie: 2, ends, at: at(0, 900)))
        #expect(bench.tick(at: at(0, 999)).isEmpty)
        #expect(bench.tick(at: at(1, 1)).map(\.summary) == ["connect 1.1 pid=10 pending"])
        #expect(bench.tick(at: at(2)).map(\.summary) == ["connect 3.1 pid=10 pending"])
        #expect(bench.tick(at: at(3)).isEmpty)
        let answered = try bench.events(
            RecordBuilder.established(cookie: 1, ends, at: at(4)),
            RecordBuilder.close(cookie: 1, ends, EndFields(acknowledged: 11, received: 5), at: at(5)))
        #expect(answered.map(\.summary) == ["close 1.1 pid=10 established 10/0 5"])
        #expect(answered[0].connection?.durationNanoseconds == 5 * EnrichmentBench.second)
        let refused = try bench.events(
            RecordBuilder.close(cookie: 3, ends, EndFields(oldState: 2, error: 110, unacknowledged: 1), at: at(130)))
        #expect(refused.map(\.summary) == ["close 3.1 pid=10 timed_out 0/0 0"])
        #expect(refused[0].connection?.errorNumber == 110)
    }

    @Test func tellsOfWhatWaitsWhenTheSessionEnds() throws {
        try bench.feed(begin())
        bench.enricher.finish()
        #expect(bench.receiver.take().map(\.summary) == ["connect 1.1 pid=10 pending"])
    }

    @Test func takesTheSYNOffForThoseWhoSentIt() throws {
        let server = TaskFields(30, comm: "nginx")
        let inbound = EndpointFields(localPort: 443, remotePort: 50000)
        try bench.feed(begin(1), RecordBuilder.established(cookie: 1, ends, at: at(0, 1)))
        try bench.feed(RecordBuilder.accept(server, cookie: 2, inbound, at: at(0, 1)))
        let end = EndFields(acknowledged: 101, unacknowledged: 7, received: 50)
        let events = try bench.events(
            RecordBuilder.close(cookie: 1, ends, end, at: at(1)),
            RecordBuilder.close(cookie: 2, inbound, end, at: at(1)),
            RecordBuilder.close(cookie: 1, ends, end, at: at(1)))
        #expect(events.map(\.summary).prefix(2) == ["close 1.1 pid=10 100/7 50", "close 2.1 pid=30 101/7 50"])
    }

    @Test func tellsWhoAccepted() throws {
        let server = TaskFields(30, comm: "nginx")
        let inbound = EndpointFields(localPort: 443, remotePort: 50000)
        let events = try bench.events(RecordBuilder.accept(server, cookie: 2, inbound, at: at(0)))
        #expect(events.map(\.summary) == ["accept 2.1 pid=30"])
        let told = try #require(events.first?.connection)
        #expect(told.direction == .inbound)
        #expect(told.source.text == "192.0.2.1|50000")
        #expect(told.destination.text == "10.0.0.2|443")
    }

    @Test func tellsOfAConnectionWhoseBeginningWasLostWithoutAProcess() throws {
        let events = try bench.events(
            RecordBuilder.established(cookie: 4, ends, at: at(0)), RecordBuilder.close(cookie: 4, ends, at: at(1)))
        #expect(events.map(\.summary) == ["connect 4.1 nobody established", "close 4.1 nobody 0/0 0"])
    }

    @Test func tellsNothingOfAChildThatNeverGotToItsListener() throws {
        for state in [UInt32(2), 3] {
            let end = EndFields(oldState: state, error: 104)
            #expect(try bench.events(RecordBuilder.close(cookie: 5, ends, end, at: at(0))).isEmpty)
        }
    }

    @Test func countsTheUsesOfASocket() throws {
        try bench.feed(begin())
        let end = EndFields(oldState: 2, error: 111)
        var events = try bench.events(RecordBuilder.close(cookie: 1, ends, end, flags: .alive, at: at(0, 1)))
        try bench.feed(begin(1, at(1)))
        events += try bench.events(
            RecordBuilder.established(cookie: 1, ends.to(2), at: at(1, 1)),
            RecordBuilder.close(cookie: 1, ends.to(2), flags: .alive, at: at(2)))
        try bench.feed(begin(1, at(3)))
        events += try bench.events(RecordBuilder.established(cookie: 1, ends, at: at(3, 1)))
        #expect(
            events.map(\.summary) == [
                "connect 1.1 pid=10 refused", "connect 1.2 pid=10 established", "close 1.2 pid=10 0/0 0",
                "connect 1.3 pid=10 established",
            ])
    }

    @Test func takesAStartThatIsToldTwiceForOne() throws {
        try bench.feed(begin(), begin(1, at(0, 1)))
        let events = try bench.events(RecordBuilder.established(cookie: 1, ends, at: at(0, 5)))
        #expect(events.map(\.summary) == ["connect 1.1 pid=10 established"])
        #expect(events.first?.connection?.durationNanoseconds == 5_000_000)
    }

    @Test func announcesEachUseOfASocketForItself() throws {
        try bench.feed(begin())
        try bench.feed(
            RecordBuilder.close(cookie: 1, ends, EndFields(oldState: 2, error: 111), flags: .alive, at: at(0, 1)))
        try bench.feed(begin(1, at(0, 900)))
        #expect(bench.tick(at: at(1, 500)).isEmpty)
        #expect(bench.tick(at: at(2)).map(\.summary) == ["connect 1.2 pid=10 pending"])
    }

    @Test func keepsTheProcessOfAConnectionBeyondItsEnd() throws {
        try bench.feed(
            RecordBuilder.exec(client, path: "/usr/bin/curl", at: at(0)), begin(),
            RecordBuilder.established(cookie: 1, ends, at: at(0, 1)), RecordBuilder.exit(client, at: at(1)))
        _ = bench.tick(at: at(60))
        let events = try bench.events(RecordBuilder.close(cookie: 1, ends, at: at(61)))
        #expect(events.first?.process?.executableText == "/usr/bin/curl")
    }
}
