// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunTestSupport

@Suite struct ServerNameTests {
    private let bench = EnrichmentBench()
    private let task = TaskFields(10)
    private let ends = EndpointFields()

    private func open(_ cookie: UInt64 = 1, to last: UInt8 = 1) throws {
        try bench.feed(
            RecordBuilder.connect(task, cookie: cookie, ends.to(last), at: at(0)),
            RecordBuilder.established(cookie: cookie, ends.to(last), at: at(0, 1)))
    }

    private func hello(_ bytes: [UInt8], cookie: UInt64 = 1, offset: Int = 0, _ time: UInt64 = at(1)) -> [UInt8] {
        RecordBuilder.hello(task, cookie: cookie, ends, offset: UInt32(offset), payload: bytes, at: time)
    }

    private func close(_ cookie: UInt64 = 1) throws -> String? {
        let closed = try bench.events(RecordBuilder.close(cookie: cookie, ends, at: at(9)))
        return closed.first?.connection?.names.text
    }

    private func resolve(_ name: String, _ last: UInt8 = 1) throws {
        let answer = WireBytes.answer(name, addresses: [[192, 0, 2, last]])
        try bench.feed(
            RecordBuilder.dns(task, cookie: 90, flags: .egress, payload: WireBytes.query(name), at: at(0)),
            RecordBuilder.dns(.void, cookie: 90, .resolver(), flags: .noTask, payload: answer, at: at(0)))
    }

    @Test func readsAWholeClientHello() throws {
        try open()
        let bytes = WireBytes.clientHello("WWW.example.org", protocols: ["h2", "http/1.1"], hasECH: true)
        let events = try bench.events(hello(bytes))
        #expect(events.map(\.summary) == ["sni 1.1 pid=10"])
        let told = try #require(events.first?.serverName)
        #expect(told.name?.text == "www.example.org")
        #expect(told.isOnWire && !told.isFromLibrary && told.hasECH)
        #expect(told.applicationProtocols == [Array("h2".utf8), Array("http/1.1".utf8)])
        #expect(told.connection?.names.text == "www.example.org sni")
        #expect(try close() == "www.example.org sni")
    }

    @Test(arguments: [(1, 1 << 14), (700, 1 << 14), (1448, 100)]) func joinsPieces(piece: Int, fragment: Int) throws {
        try open()
        let bytes = WireBytes.clientHello("a.example", padding: piece == 1 ? 0 : 4000, fragment: fragment)
        var events: [EnrichedEvent] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let part = Array(bytes[start..<min(start + piece, bytes.count)])
            events += try bench.events(hello(part, offset: start))
        }
        #expect(events.map { $0.serverName?.name?.text } == ["a.example"])
        #expect(bench.enricher.malformedHellos == 0)
    }

    @Test func saysNothingAfterAGap() throws {
        try open()
        let bytes = WireBytes.clientHello("a.example", padding: 4000)
        try bench.feed(hello(Array(bytes.prefix(1000))))
        #expect(try bench.events(hello(Array(bytes[1100...]), offset: 1100)).isEmpty)
        #expect(try bench.events(hello(Array(bytes[1000...]), offset: 1000)).isEmpty)
        #expect(bench.enricher.malformedHellos == 1)
        #expect(try close() == "- none")
    }

    @Test func saysNothingOfWhatIsNoServerName() throws {
        try open()
        let events = try bench.events(
            hello(Array("GET / HTTP/1.1\r\n".utf8)), hello(WireBytes.clientHello(nil)),
            hello(WireBytes.clientHello("192.0.2.1")), hello(WireBytes.clientHello("a\"b")))
        #expect(events.isEmpty)
        #expect(try close() == "- none")
    }

    @Test func provesANameByAnAnswerForTheAddress() throws {
        try resolve("a.example")
        try open()
        let events = try bench.events(hello(WireBytes.clientHello("a.example")))
        #expect(events.first?.connection?.names.text == "a.example dnsAndSNI")
        #expect(try close() == "a.example dnsAndSNI")
    }

    @Test func provesOneOfSeveralCandidates() throws {
        try resolve("a.example")
        try resolve("b.example")
        try open()
        _ = try bench.events(hello(WireBytes.clientHello("a.example")))
        #expect(try close() == "a.example dnsAndSNI")
    }

    @Test func believesNoNameWithoutAnAnswerForThatAddress() throws {
        try resolve("a.example", 2)
        try resolve("b.example", 1)
        try open()
        _ = try bench.events(hello(WireBytes.clientHello("a.example")))
        #expect(try close() == "a.example sni")
    }

    /// A retransmitted ClientHello is no evidence for the first one.
    @Test func provesNothingByRepetition() throws {
        try open()
        _ = try bench.events(hello(WireBytes.clientHello("a.example")), hello(WireBytes.clientHello("a.example")))
        #expect(try close() == "a.example sni")
    }

    @Test func namesEachConnectionForItself() throws {
        let one = WireBytes.clientHello("one.example", padding: 2000)
        let two = WireBytes.clientHello("two.example", padding: 2000)
        try open(1)
        try open(2)
        let events = try bench.events(
            hello(Array(one.prefix(900)), cookie: 1), hello(Array(two.prefix(1100)), cookie: 2),
            hello(Array(two[1100...]), cookie: 2, offset: 1100), hello(Array(one[900...]), cookie: 1, offset: 900))
        #expect(
            events.map { "\($0.connection?.id.cookie ?? 0) \($0.serverName?.name?.text ?? "")" }
                == ["2 two.example", "1 one.example"])
        #expect(try close(1) == "one.example sni")
        #expect(try close(2) == "two.example sni")
        // The next connection of the process knows nothing of them.
        try open(3)
        #expect(try close(3) == "- none")
    }

    @Test func forgetsPiecesWithTheirConnection() throws {
        let bytes = WireBytes.clientHello("a.example", padding: 2000)
        try open()
        try bench.feed(hello(Array(bytes.prefix(900))))
        try bench.feed(RecordBuilder.close(cookie: 1, ends, flags: .alive, at: at(2)))
        try open()
        #expect(try bench.events(hello(Array(bytes[900...]), offset: 900)).isEmpty)
    }

    @Test func tellsANameOfAConnectionThatItDoesNotKnow() throws {
        let events = try bench.events(hello(WireBytes.clientHello("a.example"), cookie: 44))
        #expect(events.map(\.summary) == ["sni nobody"])
    }

    @Test func findsAConnectionThatWasListedWithoutACookie() throws {
        let listed = try bench.list([RecordBuilder.socket(task, cookie: 0, socket: 100, ends, at: at(0))])
        let events = try bench.events(
            RecordBuilder.hello(
                task, cookie: 77, socket: 100, ends, payload: WireBytes.clientHello("a.example"), at: at(1)))
        #expect(events.first?.connection?.id == listed.first?.connection?.id)
        #expect(events.first?.process?.key.tgid == 10)
    }

    @Test func settlesWhatAProgramAskedForByWhatItSent() throws {
        try open()
        #expect(try bench.events(RecordBuilder.serverName(task, "A.example", at: at(0, 5))).isEmpty)
        let events = try bench.events(hello(WireBytes.clientHello("a.example")))
        #expect(events.first?.serverName?.isOnWire == true)
        #expect(events.first?.serverName?.isFromLibrary == true)
        #expect(bench.tick(at: at(20)).isEmpty)
    }

    @Test func tellsWhatAProgramAskedForAndNeverSent() throws {
        try open()
        try bench.feed(
            RecordBuilder.serverName(task, "a.example", at: at(1)),
            RecordBuilder.serverName(TaskFields(11), "b.example", at: at(2)))
        // Another name, and the same name of another process, settle nothing.
        let sent = try bench.events(hello(WireBytes.clientHello("b.example")))
        #expect(sent.first?.serverName?.isFromLibrary == false)
        #expect(bench.tick(at: at(5, 900)).isEmpty)
        let told = bench.tick(at: at(6, 1))
        #expect(told.map { $0.serverName?.name?.text } == ["a.example"])
        #expect(told.first?.serverName?.isOnWire == false)
        #expect(told.first?.serverName?.isFromLibrary == true)
        #expect(told.first?.connection == nil)
        #expect(told.first?.process?.key.tgid == 10)
        #expect(told.first?.hook == .sslCtrl)
        bench.enricher.finish()
        #expect(bench.receiver.take().map { $0.serverName?.name?.text } == ["b.example"])
        #expect(try close() == "b.example sni")
    }

    @Test func tellsTheOldestClaimsAtOnceWhenTooManyWait() throws {
        var told: [String?] = []
        for index in 0..<4098 {
            let events = try bench.events(RecordBuilder.serverName(task, "n\(index).example", at: at(0)))
            told += events.map { $0.serverName?.name?.text }
        }
        #expect(told == ["n0.example", "n1.example"])
    }

    @Test func ignoresClaimsThatAreNoHostName() throws {
        for text in ["", "a b", "\u{1}", String(repeating: "a", count: 256)] {
            try bench.feed(RecordBuilder.serverName(task, text, at: at(0)))
        }
        #expect(bench.tick(at: at(20)).isEmpty)
    }
}
