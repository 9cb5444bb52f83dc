// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunTestSupport

@Suite struct HintTests {
    /// Numbers addresses by their last byte, and finds every name's domain at its fourth byte.
    private final class Hints: DestinationHints {
        var namesAsked = 0

        func organisation(of address: IPAddress) -> UInt8 { UInt8(truncatingIfNeeded: address.low) }

        func registrableDomain(of name: borrowing DomainName) -> Int? {
            namesAsked += 1
            return 4
        }
    }

    private let hints = Hints()
    private let bench: EnrichmentBench
    private let task = TaskFields(10)

    init() {
        bench = EnrichmentBench(hints: hints)
    }

    @Test func tellsWhoseTheDestinationIs() throws {
        let events = try bench.events(
            RecordBuilder.connect(task, cookie: 1, EndpointFields().to(7), at: at(0)),
            RecordBuilder.established(cookie: 1, EndpointFields().to(7), at: at(1)),
            RecordBuilder.close(cookie: 1, EndpointFields().to(7), at: at(2)),
            RecordBuilder.connect(task, cookie: 2, EndpointFields().to(8), at: at(3)),
            RecordBuilder.established(cookie: 2, EndpointFields().to(8), at: at(4)))
        #expect(events.map(\.type) == [.connect, .close, .connect])
        #expect(events.map { event in event.connection?.organisation } == [7, 7, 8])
    }

    @Test func tellsNothingOfThisHost() throws {
        let events = try bench.events(RecordBuilder.accept(task, cookie: 3, EndpointFields().to(9), at: at(0)))
        #expect(events.map(\.type) == [.accept])
        #expect(events.map { event in event.connection?.organisation } == [0])
    }

    @Test func asksOnceForTheDomainOfAName() throws {
        var names: [HostName] = []
        for cookie in UInt64(1)...3 {
            let events = try bench.events(
                RecordBuilder.dns(
                    task, cookie: cookie, flags: .egress, payload: WireBytes.query("www.example.org", id: 7, type: 1),
                    at: at(cookie)))
            names += events.compactMap { event in event.dns?.name }
        }
        #expect(names.count == 3)
        #expect(names.allSatisfy { name in name.domainOffset == 4 })
        #expect(hints.namesAsked == 1)
    }
}
