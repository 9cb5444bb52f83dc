// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport

/// Incoming connections that the kernel reports without a process.
@Suite struct ListenerTests {
    private let bench = EnrichmentBench()
    private let first = TaskFields(30, comm: "nginx")
    private let second = TaskFields(31, comm: "haproxy")
    private let inbound = EndpointFields(localPort: 443, remotePort: 50000)

    private func local(_ address: [UInt8], port: UInt16 = 443) -> EndpointFields {
        let none = [UInt8](repeating: 0, count: address.count)
        return EndpointFields(localAddress: address, localPort: port, remoteAddress: none, remotePort: 0)
    }

    private func accept(_ cookie: UInt64 = 1) throws -> String? {
        try bench.events(RecordBuilder.accept(nil, cookie: cookie, inbound, at: at(1))).first?.summary
    }

    private func stop(_ socket: UInt64, _ ends: EndpointFields) throws {
        let events = try bench.events(
            RecordBuilder.close(cookie: socket, socket: socket, ends, EndFields(oldState: 10), at: at(1)))
        #expect(events.isEmpty)
    }

    static let addresses: [[UInt8]] = [[10, 0, 0, 2], [0, 0, 0, 0], Array(repeating: 0, count: 16)]

    @Test(arguments: addresses) func ownTheirConnections(address: [UInt8]) throws {
        try bench.feed(RecordBuilder.listen(first, socket: 7, local(address), at: at(0)))
        #expect(try accept() == "accept 1.1 pid=30")
    }

    @Test func ownNothingElsewhere() throws {
        try bench.feed(
            RecordBuilder.listen(first, socket: 7, local([10, 0, 0, 3]), at: at(0)),
            RecordBuilder.listen(first, socket: 8, local([10, 0, 0, 2], port: 444), at: at(0)))
        var elsewhere = first
        elsewhere.networkNamespace = 1
        try bench.feed(RecordBuilder.listen(elsewhere, socket: 9, local([10, 0, 0, 2]), at: at(0)))
        #expect(try accept() == "accept 1.1 nobody")
    }

    @Test func giveWayToTheOneWithTheAddress() throws {
        try bench.feed(
            RecordBuilder.listen(first, socket: 7, local([0, 0, 0, 0]), at: at(0)),
            RecordBuilder.listen(second, socket: 8, local([10, 0, 0, 2]), at: at(0)))
        #expect(try accept() == "accept 1.1 pid=31")
    }

    @Test func nameNobodyIfSeveralShareAPort() throws {
        try bench.feed(
            RecordBuilder.listen(first, socket: 7, local([0, 0, 0, 0]), at: at(0)),
            RecordBuilder.listen(second, socket: 8, local([0, 0, 0, 0]), at: at(0)))
        #expect(try accept() == "accept 1.1 nobody")
    }

    @Test func nameTheProcessThatHasSeveral() throws {
        try bench.feed(
            RecordBuilder.listen(first, socket: 7, local([0, 0, 0, 0]), at: at(0)),
            RecordBuilder.listen(first, socket: 8, local([0, 0, 0, 0]), at: at(0)))
        #expect(try accept() == "accept 1.1 pid=30")
    }

    @Test func areForgottenWhenTheyClose() throws {
        try bench.feed(RecordBuilder.listen(first, socket: 7, local([0, 0, 0, 0]), at: at(0)))
        try stop(7, local([0, 0, 0, 0]))
        #expect(try accept() == "accept 1.1 nobody")
    }

    /// With SO_REUSEPORT the one that stays must be the one that is named.
    @Test func areForgottenOneByOne() throws {
        try bench.feed(
            RecordBuilder.listen(first, socket: 7, local([0, 0, 0, 0]), at: at(0)),
            RecordBuilder.listen(second, socket: 8, local([0, 0, 0, 0]), at: at(0)))
        try stop(8, local([0, 0, 0, 0]))
        #expect(try accept() == "accept 1.1 pid=30")
    }

    /// A socket that began to listen while the agent started is listed, and its record comes after.
    @Test func areCountedOnce() throws {
        _ = try bench.list([
            RecordBuilder.socket(first, cookie: 0, socket: 7, local([0, 0, 0, 0]), state: 10, at: at(0))
        ])
        try bench.feed(RecordBuilder.listen(first, cookie: 3, socket: 7, local([0, 0, 0, 0]), at: at(0)))
        try stop(7, local([0, 0, 0, 0]))
        #expect(try accept() == "accept 1.1 nobody")
    }
}
