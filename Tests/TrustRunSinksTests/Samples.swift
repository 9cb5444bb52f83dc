// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TrustRunEvents
import TrustRunSinks

/// One of each thing that a sink writes.
enum Samples {
    /// 2026-01-31T23:59:59.000000007Z
    static let time: UInt64 = 1_769_903_999_000_000_007
    static let bootOffset: UInt64 = 1_769_900_000_000_000_000
    static let hooks: [StaticHook: String] = [
        .exec: "tp_btf/sched_process_exec", .exit: "tp_btf/sched_process_exit", .connect: "fentry/tcp_connect",
        .close: "fentry/tcp_close", .dns: "cgroup_skb/ingress", .clientHello: "cgroup_skb/egress",
    ]

    static func process(name: String = "curl", arguments: String = "") -> ProcessIdentity {
        let parent = ProcessIdentity(
            key: ProcessKey(tgid: 50, startTime: 1), parent: identity(1, "systemd"), parentTgid: 1, user: 1000,
            group: 1000, name: Array("bash".utf8), executable: Array("/bin/bash".utf8), cgroup: nil)
        let process = ProcessIdentity(
            key: ProcessKey(tgid: 100, startTime: 5_000_000_000), parent: parent, parentTgid: 50, user: 1000,
            group: 100, name: Array(name.utf8), executable: Array("/usr/bin/curl".utf8), cgroup: nil)
        process.arguments = Array(arguments.utf8)
        return process
    }

    static func identity(_ tgid: UInt32, _ name: String, parent: ProcessIdentity? = nil) -> ProcessIdentity {
        ProcessIdentity(
            key: ProcessKey(tgid: tgid, startTime: 0), parent: parent, parentTgid: parent?.key.tgid ?? 0, user: 0,
            group: 0, name: Array(name.utf8), executable: [], cgroup: nil, isExisting: true)
    }

    static func cgroup() -> CgroupIdentity {
        let id = String(repeating: "0123456789abcdef", count: 4)
        return CgroupIdentity(
            id: 42, path: Array("/docker/\(id)".utf8),
            container: ContainerIdentity(id: id, runtime: .docker, podUID: nil))
    }

    static func host(_ name: String) throws -> HostName {
        HostName(try #require(DomainName(name)))
    }

    static let client = Endpoint(address: IPAddress(ipv4: 0x0a00_0002), port: 40000)
    static let server = Endpoint(address: IPAddress(ipv4: 0x5db8_d822), port: 443)
    static let resolver = Endpoint(address: IPAddress(high: 0x2001_0db8_0000_0000, low: 0x35), port: 53)

    static func connection(_ names: DestinationNames = DestinationNames()) -> ConnectionEvent {
        ConnectionEvent(
            id: ConnectionID(cookie: 0x1f0a, generation: 1), direction: .outbound, transport: .tcp, source: client,
            destination: server, names: names, networkNamespace: 4_026_531_840)
    }

    static func event(
        _ body: EnrichedEvent.Body, hook: StaticHook, process: ProcessIdentity? = nil, cgroup: CgroupIdentity? = nil
    ) -> EnrichedEvent {
        EnrichedEvent(time: time, process: process, cgroup: cgroup, hook: hook, body: body)
    }

    static func encoder() -> JSONLinesEncoder {
        JSONLinesEncoder(host: "box", hooks: hooks, bootOffset: bootOffset)
    }

    /// What the closure writes, as text.
    static func text(capacity: Int = 64 << 10, _ write: (inout OutputBuffer) -> Void) -> String {
        var buffer = OutputBuffer(capacity: capacity)
        write(&buffer)
        return buffer.text
    }

    /// The JSON of an event, checked to be one line and an object.
    static func line(_ event: EnrichedEvent) throws -> String {
        try checked { encoder().encode(event, into: &$0) }
    }

    static func checked(_ encode: (inout OutputBuffer) -> Bool) throws -> String {
        var buffer = OutputBuffer()
        let isWritten = encode(&buffer)
        #expect(isWritten)
        let text = buffer.text
        #expect(text.hasSuffix("}\n"))
        #expect(!text.dropLast().contains("\n"))
        #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
        return String(text.dropLast())
    }
}

extension OutputBuffer {
    var text: String {
        bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
