// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport

@Suite struct UDPTests {
    private let bench = EnrichmentBench()
    private let task = TaskFields(10)
    private let ends = EndpointFields(remotePort: 443, transport: .udp)

    private func count(_ last: UInt32, _ sent: UInt64, _ received: UInt64) {
        let remote = Endpoint(address: IPAddress(ipv4: 0xc000_0200 | last), port: 443)
        bench.counts.counts[FakeFlowCounts.Flow(cookie: 1, remote: remote)] = (sent, received)
    }

    @Test func countsADestinationAsAFlow() throws {
        let begun = try bench.events(
            RecordBuilder.udpFlow(task, cookie: 1, ends, flags: .quic, at: at(0)),
            RecordBuilder.udpFlow(task, cookie: 1, ends.to(2), at: at(1)),
            RecordBuilder.udpFlow(task, cookie: 2, ends, at: at(1)))
        #expect(begun.map(\.summary) == ["connect 1.1 pid=10", "connect 1.2 pid=10", "connect 2.1 pid=10"])
        #expect(begun.map { $0.connection?.isQUIC } == [true, false, false])
        #expect(begun[0].connection?.transport == .udp)
        #expect(begun[0].connection?.outcome == nil)
        count(1, 100, 200)
        count(2, 3, 4)
        let closed = try bench.events(RecordBuilder.udpClose(cookie: 1, at: at(3)))
        #expect(closed.map(\.summary) == ["close 1.1 pid=10 100 200", "close 1.2 pid=10 3 4"])
        #expect(closed.map { $0.connection?.durationNanoseconds } == [3, 2].map { $0 * EnrichmentBench.second })
        #expect(bench.counts.counts.isEmpty)
        #expect(try bench.events(RecordBuilder.udpClose(cookie: 1, at: at(4))).isEmpty)
    }

    @Test func tellsWhoBegan() throws {
        let inbound = EndpointFields(localPort: 53, remotePort: 50000, transport: .udp)
        let events = try bench.events(RecordBuilder.udpFlow(task, cookie: 1, inbound, flags: .inbound, at: at(0)))
        #expect(events.map(\.summary) == ["accept 1.1 pid=10"])
        #expect(events[0].connection?.source.text == "192.0.2.1|50000")
        #expect(try bench.events(RecordBuilder.udpClose(cookie: 1, at: at(1))).map(\.type) == [.close])
    }

    @Test func givesNoBytesOfAFlowThatTheKernelForgot() throws {
        try bench.feed(RecordBuilder.udpFlow(task, cookie: 1, ends, at: at(0)))
        #expect(try bench.events(RecordBuilder.udpFlow(task, cookie: 1, ends, at: at(1))).isEmpty)
        count(1, 100, 200)
        let closed = try bench.events(RecordBuilder.udpClose(cookie: 1, at: at(2)))
        #expect(closed.map(\.summary) == ["close 1.1 pid=10"])
        #expect(bench.counts.counts.isEmpty)
    }

    @Test func givesNoBytesThatTheKernelDoesNotKnow() throws {
        try bench.feed(RecordBuilder.udpFlow(task, cookie: 1, ends, at: at(0)))
        #expect(try bench.events(RecordBuilder.udpClose(cookie: 1, at: at(2))).map(\.summary) == ["close 1.1 pid=10"])
    }

    /// A scanner or a peer-to-peer program has one socket for all of them: the last ones cost what the first ones did.
    @Test func bearsManyDestinationsOfOneSocket() throws {
        let clock = ContinuousClock()
        var times: [Duration] = []
        for round in 0..<UInt32(10) {
            let time = try clock.measure {
                for number in 0..<UInt32(600) {
                    let address = withUnsafeBytes(of: (0x0a00_0000 + round * 600 + number).bigEndian) { Array($0) }
                    let there = EndpointFields(remoteAddress: address, remotePort: 6881, transport: .udp)
                    try bench.feed(RecordBuilder.udpFlow(task, cookie: 1, there, at: at(0)))
                }
            }
            times.append(time)
        }
        #expect(bench.receiver.take().count == 6000)
        let first = times[0] + times[1]
        let last = times[8] + times[9]
        #expect(last < first * 4, "\(times)")
    }
}
