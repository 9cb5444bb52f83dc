// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunSensor
import TrustRunTestSupport

@Suite struct RecordDecoderTests {
    private static let task = RecordBuilderTests.task
    private static let ends = EndpointFields(
        localAddress: [10, 1, 2, 3], localPort: 0x9c40, remoteAddress: [192, 0, 2, 200], remotePort: 443)
    private static let time = RecordBuilderTests.time

    private func check(_ facts: TaskFacts) {
        #expect(facts.key == Self.task.key)
        #expect(facts.cgroupID == Self.task.cgroup)
        #expect(facts.user == Self.task.user)
        #expect(facts.group == Self.task.group)
        #expect((0..<16).map { facts.comm[$0] } == Array("a-long-comm-name".utf8))
    }

    private func check(_ facts: SocketFacts, hasTask: Bool = true) {
        if hasTask { check(facts.task) } else { #expect(facts.task.key == TaskFields.void.key) }
        #expect(facts.cookie == 99)
        #expect(facts.transport == 6)
        #expect(facts.local == Endpoint(address: IPAddress(ipv4: 0x0a01_0203), port: 40000))
        #expect(facts.remote == Endpoint(address: IPAddress(ipv4: 0xc000_02c8), port: 443))
    }

    @Test func readsFork() throws {
        let parent = TaskFields(17, startTime: 3)
        let record = RecordBuilder.fork(Self.task, parent: parent, flags: .kernelThread, at: Self.time)
        let event = try RecordDecoder.decode(record.span.bytes)
        #expect(event.time == Self.time)
        #expect(event.flags == .kernelThread)
        guard case .fork(let task, let read) = event.body else { throw Unexpected() }
        check(task)
        #expect(read == parent.key)
    }

    @Test func readsExecWithItsTexts() throws {
        let parent = TaskFields(17, startTime: 3)
        let record = RecordBuilder.exec(
            Self.task, parent: parent, path: "/usr/bin/env", arguments: ["env", "", "x=1"], at: Self.time)
        let event = try RecordDecoder.decode(record.span.bytes)
        guard case .exec(let task, let read, let count) = event.body else { throw Unexpected() }
        check(task)
        #expect(read == parent.key)
        #expect(count == 12)
        #expect(String(decoding: event.payload.bytes, as: UTF8.self) == "env\0bin\0usr\0env\0\0x=1\0")
    }

    @Test func readsExitAndCgroup() throws {
        let exit = RecordBuilder.exit(Self.task, waitStatus: 0x8b, at: Self.time)
        guard case .exit(let task, let status) = try RecordDecoder.decode(exit.span.bytes).body else {
            throw Unexpected()
        }
        check(task)
        #expect(status == 0x8b)
        let group = RecordBuilder.cgroup(1 << 33, path: "/system.slice", flags: .removed, at: Self.time)
        let event = try RecordDecoder.decode(group.span.bytes)
        guard case .cgroup(let id) = event.body else { throw Unexpected() }
        #expect(id == 1 << 33)
        #expect(event.flags == .removed)
        #expect(event.payload.bytes == Array("/system.slice".utf8))
    }

    @Test func readsConnectionRecords() throws {
        let connect = RecordBuilder.connect(Self.task, cookie: 99, Self.ends, at: Self.time)
        guard case .connect(let begun) = try RecordDecoder.decode(connect.span.bytes).body else { throw Unexpected() }
        check(begun)
        #expect(begun.networkNamespace == Self.task.networkNamespace)
        #expect(begun.errorNumber == 0)
        var refused = Self.ends
        refused.error = 113
        let nothingSent = RecordBuilder.connect(Self.task, cookie: 99, refused, at: Self.time)
        guard case .connect(let failed) = try RecordDecoder.decode(nothingSent.span.bytes).body else {
            throw Unexpected()
        }
        #expect(failed.errorNumber == 113)
        let accept = RecordBuilder.accept(Self.task, cookie: 99, Self.ends, at: Self.time)
        guard case .accept(let accepted) = try RecordDecoder.decode(accept.span.bytes).body else { throw Unexpected() }
        check(accepted)
        let answer = RecordBuilder.established(cookie: 99, Self.ends, networkNamespace: 5, at: Self.time)
        guard case .established(let answered) = try RecordDecoder.decode(answer.span.bytes).body else {
            throw Unexpected()
        }
        check(answered, hasTask: false)
        #expect(answered.networkNamespace == 5)
    }

    @Test func readsClose() throws {
        let end = EndFields(
            oldState: 4, error: 104, acknowledged: 1 << 40, unacknowledged: 1 << 41, received: 1 << 42)
        let record = RecordBuilder.close(
            cookie: 99, socket: 0xffff_8000_0000_0001, Self.ends, networkNamespace: 6, end, flags: .alive,
            at: Self.time)
        let event = try RecordDecoder.decode(record.span.bytes)
        guard case .close(let facts, let read) = event.body else { throw Unexpected() }
        check(facts, hasTask: false)
        #expect(facts.socket == 0xffff_8000_0000_0001)
        #expect(facts.networkNamespace == 6)
        #expect(event.flags == .alive)
        #expect(read.oldState == 4)
        #expect(read.errorNumber == 104)
        #expect([read.acknowledged, read.unacknowledged, read.received] == [1 << 40, 1 << 41, 1 << 42])
    }

    @Test func readsSocketsAndFlows() throws {
        let socket = RecordBuilder.socket(Self.task, cookie: 99, socket: 77, Self.ends, state: 8, at: Self.time)
        guard case .socket(let listed, let state) = try RecordDecoder.decode(socket.span.bytes).body else {
            throw Unexpected()
        }
        check(listed)
        #expect(listed.socket == 77)
        #expect(state == 8)
        let listen = RecordBuilder.listen(Self.task, cookie: 99, socket: 78, Self.ends, at: Self.time)
        guard case .listen(let listener) = try RecordDecoder.decode(listen.span.bytes).body else { throw Unexpected() }
        check(listener)
        #expect(listener.socket == 78)
        let flow = RecordBuilder.udpFlow(Self.task, cookie: 99, Self.ends, flags: .quic, at: Self.time)
        guard case .udpFlow(let facts) = try RecordDecoder.decode(flow.span.bytes).body else { throw Unexpected() }
        check(facts)
        let close = RecordBuilder.udpClose(cookie: 98, at: Self.time)
        guard case .udpClose(let cookie) = try RecordDecoder.decode(close.span.bytes).body else { throw Unexpected() }
        #expect(cookie == 98)
    }

    @Test func readsNameRecords() throws {
        let dns = RecordBuilder.dns(
            Self.task, cookie: 99, Self.ends, flags: [.tcp, .egress], sequence: 0xffff_fff0, payload: [1, 2, 3],
            at: Self.time)
        let lookup = try RecordDecoder.decode(dns.span.bytes)
        guard case .dns(let facts, let sequence) = lookup.body else { throw Unexpected() }
        check(facts)
        #expect(sequence == 0xffff_fff0)
        #expect(lookup.flags == [.tcp, .egress])
        #expect(lookup.payload.bytes == [1, 2, 3])
        let hello = RecordBuilder.hello(
            Self.task, cookie: 99, socket: 55, Self.ends, offset: 1448, payload: [4, 5], at: Self.time)
        let piece = try RecordDecoder.decode(hello.span.bytes)
        guard case .hello(let sent, let offset) = piece.body else { throw Unexpected() }
        check(sent)
        #expect(sent.socket == 55)
        #expect(offset == 1448)
        #expect(piece.payload.bytes == [4, 5])
        let name = RecordBuilder.serverName(Self.task, "www.example.org", at: Self.time)
        let claim = try RecordDecoder.decode(name.span.bytes)
        guard case .serverName(let task) = claim.body else { throw Unexpected() }
        check(task)
        #expect(claim.payload.bytes == Array("www.example.org".utf8))
    }

    @Test func readsAddressesOfBothFamilies() throws {
        let cases: [([UInt8], String)] = [
            ([127, 0, 0, 1], "127.0.0.1"),
            ([0x20, 1, 0xd, 0xb8] + Array(repeating: 0, count: 11) + [0x35], "2001:db8::35"),
            (Array(repeating: 0, count: 10) + [0xff, 0xff, 192, 0, 2, 1], "192.0.2.1"),
            (Array(repeating: 0, count: 16), "::"), (Array(repeating: 0, count: 15) + [1], "::1"),
        ]
        for (address, text) in cases {
            let ends = EndpointFields(localAddress: address, remoteAddress: address, remotePort: 0x0102)
            let record = RecordBuilder.connect(Self.task, cookie: 1, ends, at: Self.time)
            guard case .connect(let facts) = try RecordDecoder.decode(record.span.bytes).body else {
                throw Unexpected()
            }
            #expect(facts.local.address.description == text)
            #expect(facts.remote.address.description == text)
            #expect(facts.remote.port == 0x0102)
        }
    }

    @Test(arguments: [UInt8(0), 1, 2, 5, 10, 255]) func refusesOtherFamilies(family: UInt8) {
        var ends = Self.ends
        ends.family = family
        let record = RecordBuilder.connect(Self.task, cookie: 1, ends, at: Self.time)
        #expect(throws: RecordError.badField) { try decode(record) }
    }
}

struct Unexpected: Error {}

/// Decodes a record and gives up what comes of it.
func decode(_ record: [UInt8]) throws(RecordError) {
    _ = try RecordDecoder.decode(record.span.bytes)
}

extension RawSpan {
    /// A copy.
    var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
