// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunTestSupport

@Suite struct DNSTests {
    private let bench = EnrichmentBench()
    private let task = TaskFields(10)

    private func query(
        _ name: String, id: Int = 7, type: Int = 1, cookie: UInt64 = 1, _ time: UInt64 = at(0)
    ) -> [UInt8] {
        RecordBuilder.dns(
            task, cookie: cookie, flags: .egress, payload: WireBytes.query(name, id: id, type: type), at: time)
    }

    private func answer(
        _ name: String, id: Int = 7, type: Int = 1, cookie: UInt64 = 1, from ends: EndpointFields = .resolver(),
        aliases: [String] = [], _ addresses: [[UInt8]] = [[192, 0, 2, 1]], ttl: Int = 300, _ time: UInt64 = at(0, 9)
    ) -> [UInt8] {
        let bytes = WireBytes.answer(name, id: id, type: type, aliases: aliases, addresses: addresses, ttl: ttl)
        return RecordBuilder.dns(.void, cookie: cookie, ends, flags: .noTask, payload: bytes, at: time)
    }

    /// What a connection to 192.0.2.`last` is called.
    private func name(of last: UInt8, for task: TaskFields? = nil, _ time: UInt64 = at(1)) throws -> String? {
        let events = try bench.events(
            RecordBuilder.connect(task ?? self.task, cookie: 500, EndpointFields().to(last), at: time),
            RecordBuilder.established(cookie: 500, EndpointFields().to(last), at: time),
            RecordBuilder.close(cookie: 500, EndpointFields().to(last), flags: .alive, at: time))
        return events.first?.connection?.names.text
    }

    @Test func pairsQueryAndAnswer() throws {
        let events = try bench.events(
            query("WWW.example.org"), answer("www.Example.org", [[192, 0, 2, 1], [192, 0, 2, 2]], ttl: 60))
        #expect(events.map(\.type) == [.dns, .dns])
        #expect(events.map { $0.process?.key.tgid } == [10, 10])
        let asked = try #require(events[0].dns)
        #expect(!asked.isAnswer)
        #expect(asked.name?.text == "www.example.org")
        #expect(asked.resolver.text == "192.0.2.53|53")
        #expect(asked.durationNanoseconds == nil)
        let told = try #require(events[1].dns)
        #expect(told.isAnswer && !told.isUnsolicited && !told.isTruncated)
        #expect(told.durationNanoseconds == 9_000_000)
        #expect(told.answers.map { "\($0.address) \($0.timeToLiveSeconds)" } == ["192.0.2.1 60", "192.0.2.2 60"])
        #expect(told.id == 7)
        #expect(try name(of: 2) == "www.example.org dns")
        #expect(try name(of: 3) == "- none")
    }

    struct Misfit: Sendable, CustomTestStringConvertible {
        let label: String
        var name = "a.example"
        var id = 7
        var type = 1
        var cookie: UInt64 = 1
        var resolver = EndpointFields.resolver()
        var testDescription: String { label }
    }

    static let misfits = [
        Misfit(label: "id", id: 8), Misfit(label: "name", name: "b.example"), Misfit(label: "type", type: 28),
        Misfit(label: "socket", cookie: 2), Misfit(label: "resolver", resolver: .resolver(last: 54)),
    ]

    @Test(arguments: misfits) func namesNothingByAnAnswerThatNobodyAskedFor(_ row: Misfit) throws {
        try bench.feed(query("a.example"))
        let address: [UInt8] = row.type == 1 ? [192, 0, 2, 1] : Array(repeating: 1, count: 16)
        let events = try bench.events(
            answer(row.name, id: row.id, type: row.type, cookie: row.cookie, from: row.resolver, [address]))
        #expect(events.first?.dns?.isUnsolicited == true)
        #expect(events.first?.process == nil)
        #expect(try name(of: 1) == "- none")
        // The right one is still waited for.
        let right = try bench.events(answer("a.example"))
        #expect(right.first?.dns?.isUnsolicited == false)
        #expect(try name(of: 1) == "a.example dns")
    }

    @Test func takesAnAnswerOnce() throws {
        try bench.feed(query("a.example"), answer("a.example"))
        let again = try bench.events(answer("a.example", [[192, 0, 2, 9]]))
        #expect(again.first?.dns?.isUnsolicited == true)
        #expect(try name(of: 9) == "- none")
    }

    @Test func tellsQueriesWithOneIDApart() throws {
        try bench.feed(query("a.example"), query("a.example", type: 28, at(0, 1)))
        let six: [UInt8] = [0x20, 1, 0xd, 0xb8] + Array(repeating: 0, count: 11) + [1]
        let events = try bench.events(answer("a.example", type: 28, [six]), answer("a.example"))
        #expect(events.map { $0.dns?.isUnsolicited } == [false, false])
        #expect(events.map { $0.dns?.durationNanoseconds } == [8_000_000, 9_000_000])
    }

    @Test func forgetsQueriesAfterAMinute() throws {
        try bench.feed(query("a.example"))
        _ = bench.tick(at: at(61))
        #expect(try bench.events(answer("a.example", [[192, 0, 2, 1]], at(62))).first?.dns?.isUnsolicited == true)
    }

    /// A program that sends the same query over and over must not fill the memory.
    @Test func boundsTheQueriesThatWait() throws {
        for _ in 0..<3000 { try bench.feed(query("a.example")) }
        var answered = 0
        for _ in 0..<3000 {
            guard try bench.events(answer("a.example")).first?.dns?.isUnsolicited == false else { break }
            answered += 1
        }
        #expect((1...256).contains(answered))
    }

    @Test func namesByTheNameThatWasAskedFor() throws {
        try bench.feed(query("www.example.org"))
        let events = try bench.events(
            answer("www.example.org", aliases: ["www.cdn.example", "edge7.cdn.example"]))
        #expect(events.first?.dns?.aliases.map(\.text) == ["www.cdn.example", "edge7.cdn.example"])
        #expect(try name(of: 1) == "www.example.org dns")
    }

    @Test func namesForTheProcessAndItsDescendantsOnly() throws {
        let parent = TaskFields(9, comm: "make")
        let child = TaskFields(11)
        let sibling = TaskFields(12)
        try bench.feed(
            RecordBuilder.exec(parent, at: at(0)), RecordBuilder.fork(task, parent: parent, at: at(0)),
            RecordBuilder.fork(child, parent: task, at: at(0)), RecordBuilder.fork(sibling, parent: parent, at: at(0)),
            query("a.example"), answer("a.example"))
        #expect(try name(of: 1) == "a.example dns")
        #expect(try name(of: 1, for: child) == "a.example dns")
        #expect(try name(of: 1, for: sibling) == "- none")
        #expect(try name(of: 1, for: parent) == "- none")
        #expect(try name(of: 1, for: TaskFields(99)) == "- none")
        #expect(try name(of: 1, for: TaskFields(10, startTime: 77)) == "- none")
    }

    @Test func namesByTheNearestWhoAsked() throws {
        let child = TaskFields(11)
        try bench.feed(
            RecordBuilder.exec(task, at: at(0)), RecordBuilder.fork(child, parent: task, at: at(0)),
            query("a.example"), answer("a.example"))
        let asked = RecordBuilder.dns(
            child, cookie: 3, flags: .egress, payload: WireBytes.query("b.example"), at: at(0, 10))
        try bench.feed(asked, answer("b.example", cookie: 3))
        #expect(try name(of: 1, for: child) == "b.example dns")
        #expect(try name(of: 1) == "a.example dns")
    }

    @Test func keepsNamesAcrossExec() throws {
        try bench.feed(RecordBuilder.exec(task, at: at(0)), query("a.example"), answer("a.example"))
        try bench.feed(RecordBuilder.exec(task, path: "/usr/bin/other", at: at(0, 20)))
        #expect(try name(of: 1) == "a.example dns")
    }

    /// The image that asked may be gone when the answer comes: it is the same process.
    @Test func keepsNamesWhoseAnswerComesAfterExec() throws {
        try bench.feed(
            RecordBuilder.exec(task, at: at(0)), query("a.example"),
            RecordBuilder.exec(task, path: "/new", at: at(0, 5)),
            answer("a.example"))
        #expect(try name(of: 1) == "a.example dns")
    }

    @Test func givesCandidatesNewestFirstIfSeveralNamesHaveAnAddress() throws {
        for (id, asked) in ["a.example", "b.example", "c.example", "a.example"].enumerated() {
            try bench.feed(query(asked, id: id), answer(asked, id: id))
        }
        #expect(try name(of: 1) == "[a.example c.example b.example] dns")
    }

    @Test func keepsNamesForAnHourAtLeastAndForTheirTTLIfLonger() throws {
        try bench.feed(query("a.example", id: 1), answer("a.example", id: 1, ttl: 5, at(0)))
        try bench.feed(
            query("b.example", id: 2), answer("b.example", id: 2, [[192, 0, 2, 2]], ttl: 7200, at(0)))
        #expect(try name(of: 1, at(3599)) == "a.example dns")
        #expect(try name(of: 1, at(3600)) == "- none")
        #expect(try name(of: 2, at(7199)) == "b.example dns")
        #expect(try name(of: 2, at(7200)) == "- none")
    }

    @Test func namesUDPFlowsAsWell() throws {
        try bench.feed(query("a.example"), answer("a.example"))
        let flow = EndpointFields(transport: .udp)
        let events = try bench.events(RecordBuilder.udpFlow(task, cookie: 9, flow, at: at(1)))
        #expect(events.first?.connection?.names.text == "a.example dns")
    }

    @Test func namesNothingByAFailure() throws {
        let bytes = WireBytes.answer("a.example", addresses: [[192, 0, 2, 1]], code: 3)
        try bench.feed(query("a.example"))
        let events = try bench.events(
            RecordBuilder.dns(.void, cookie: 1, .resolver(), flags: .noTask, payload: bytes, at: at(0, 1)))
        #expect(events.first?.dns?.responseCode == 3)
        #expect(events.first?.dns?.answers == [])
        #expect(try name(of: 1) == "- none")
    }

    @Test func leavesThisHostsOwnServerOut() throws {
        let answered = RecordBuilder.dns(
            task, cookie: 1, flags: .egress, payload: WireBytes.answer("a.example", addresses: []), at: at(0))
        let asked = RecordBuilder.dns(
            .void, cookie: 1, flags: .noTask, payload: WireBytes.query("a.example"), at: at(0))
        #expect(try bench.events(answered, asked).isEmpty)
    }

    @Test func countsQueriesThatItCannotKeep() throws {
        let query = WireBytes.query("a.example")
        for cookie in 1...65_538 {
            try bench.feed(RecordBuilder.dns(task, cookie: UInt64(cookie), flags: .egress, payload: query, at: at(0)))
        }
        #expect(bench.enricher.malformedDNS == 2)
    }

    @Test func countsWhatIsNoDNS() throws {
        let bytes = Array(WireBytes.query("a.example").dropLast())
        let cut = RecordBuilder.dns(task, cookie: 1, flags: .egress, payload: bytes, at: at(0))
        #expect(try bench.events(cut).isEmpty)
        #expect(bench.enricher.malformedDNS == 1)
    }
}
