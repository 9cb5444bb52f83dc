// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Writes the kernel's records byte by byte, field for field in the order of `tr_record.h`; the numbers are offsets.
package struct RecordBuilder: Sendable {
    package var kind: UInt16
    package var flags: SensorEvent.Flags = []
    package var time: UInt64
    /// What follows the header.
    package var body: [UInt8]

    private init(_ kind: UInt16, at time: UInt64, _ flags: SensorEvent.Flags, _ body: [UInt8]) {
        self.kind = kind
        self.flags = flags
        self.time = time
        self.body = body
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(number: kind)  // 0
        bytes.append(number: flags.rawValue)  // 2
        bytes.append(number: UInt32(16 + body.count))  // 4
        bytes.append(number: time)  // 8
        return bytes + body
    }

    package static func fork(
        _ task: TaskFields, parent: TaskFields, flags: SensorEvent.Flags = [], at time: UInt64
    ) -> [UInt8] {
        var body = task.bytes  // 16
        body.append(number: parent.startTime)  // 64
        body.append(number: parent.tgid)  // 72
        body.append(number: UInt32(0))  // 76
        return RecordBuilder(1, at: time, flags, body).bytes
    }

    /// `path` has its components root first, as people write them.
    package static func exec(
        _ task: TaskFields, parent: TaskFields = .void, path: String = "/usr/bin/curl", arguments: [String] = [],
        flags: SensorEvent.Flags = [], at time: UInt64
    ) -> [UInt8] {
        let components = [UInt8].terminated(path.split(separator: "/").reversed().map(String.init))
        let texts = [UInt8].terminated(arguments)
        var body = task.bytes  // 16
        body.append(number: parent.startTime)  // 64
        body.append(number: parent.tgid)  // 72
        body.append(number: UInt16(components.count))  // 76
        body.append(number: UInt16(texts.count))  // 78
        return RecordBuilder(2, at: time, flags, body + components + texts).bytes
    }

    package static func exit(_ task: TaskFields, waitStatus: UInt32 = 0, at time: UInt64) -> [UInt8] {
        var body = task.bytes  // 16
        body.append(number: waitStatus)  // 64
        body.append(number: UInt32(0))  // 68
        return RecordBuilder(3, at: time, [], body).bytes
    }

    package static func cgroup(
        _ id: UInt64, path: String, flags: SensorEvent.Flags = [], at time: UInt64
    ) -> [UInt8] {
        let text = [UInt8](path.utf8)
        var body: [UInt8] = []
        body.append(number: id)  // 16
        body.append(number: UInt32(text.count))  // 24
        body.append(number: UInt32(0))  // 28
        return RecordBuilder(4, at: time, flags, body + text).bytes
    }

    package static func connect(
        _ task: TaskFields, cookie: UInt64, _ ends: EndpointFields = EndpointFields(), at time: UInt64
    ) -> [UInt8] {
        RecordBuilder(5, at: time, [], socketBody(task, cookie, ends)).bytes
    }

    package static func established(
        cookie: UInt64, _ ends: EndpointFields = EndpointFields(), networkNamespace: UInt32 = 4_026_531_840,
        at time: UInt64
    ) -> [UInt8] {
        var body: [UInt8] = []
        body.append(number: cookie)  // 16
        body += ends.bytes  // 24
        body.append(number: networkNamespace)  // 64
        body.append(number: UInt32(0))  // 68
        return RecordBuilder(6, at: time, [], body).bytes
    }

    /// Without a task the record says so.
    package static func accept(
        _ task: TaskFields?, cookie: UInt64, _ ends: EndpointFields, at time: UInt64
    ) -> [UInt8] {
        var owner = TaskFields.void
        owner.networkNamespace = 4_026_531_840
        return RecordBuilder(
            7, at: time, task == nil ? [.inbound, .noTask] : [.inbound], socketBody(task ?? owner, cookie, ends)
        ).bytes
    }

    package static func close(
        cookie: UInt64, socket: UInt64 = 0, _ ends: EndpointFields = EndpointFields(),
        networkNamespace: UInt32 = 4_026_531_840, _ end: EndFields = EndFields(), flags: SensorEvent.Flags = [],
        at time: UInt64
    ) -> [UInt8] {
        var body: [UInt8] = []
        body.append(number: cookie)  // 16
        body.append(number: socket)  // 24
        body += ends.bytes  // 32
        body.append(number: networkNamespace)  // 72
        body.append(number: end.oldState)  // 76
        body.append(number: end.error)  // 80
        body.append(number: UInt32(0))  // 84
        body.append(number: end.acknowledged)  // 88
        body.append(number: end.unacknowledged)  // 96
        body.append(number: end.received)  // 104
        return RecordBuilder(8, at: time, flags, body).bytes
    }

    package static func listen(
        _ task: TaskFields, cookie: UInt64 = 0, socket: UInt64, _ ends: EndpointFields, at time: UInt64
    ) -> [UInt8] {
        RecordBuilder(9, at: time, [], listedBody(task, cookie, socket, ends, state: 10)).bytes
    }

    package static func udpFlow(
        _ task: TaskFields, cookie: UInt64, _ ends: EndpointFields, flags: SensorEvent.Flags = [], at time: UInt64
    ) -> [UInt8] {
        RecordBuilder(10, at: time, flags, socketBody(task, cookie, ends)).bytes
    }

    package static func udpClose(cookie: UInt64, at time: UInt64) -> [UInt8] {
        var body: [UInt8] = []
        body.append(number: cookie)  // 16
        return RecordBuilder(11, at: time, [], body).bytes
    }

    package static func dns(
        _ task: TaskFields, cookie: UInt64, _ ends: EndpointFields = .resolver(), flags: SensorEvent.Flags,
        sequence: UInt32 = 0, payload: [UInt8], at time: UInt64
    ) -> [UInt8] {
        var body = socketBody(task, cookie, ends)
        body.append(number: sequence)  // 112
        body.append(number: UInt32(payload.count))  // 116
        return RecordBuilder(12, at: time, flags, body + payload).bytes  // 120
    }

    package static func hello(
        _ task: TaskFields, cookie: UInt64, socket: UInt64 = 0, _ ends: EndpointFields = EndpointFields(),
        offset: UInt32 = 0, payload: [UInt8], at time: UInt64
    ) -> [UInt8] {
        var body = socketBody(task, cookie, ends)
        body.append(number: offset)  // 112
        body.append(number: UInt32(payload.count))  // 116
        body.append(number: socket)  // 120
        return RecordBuilder(13, at: time, [], body + payload).bytes  // 128
    }

    package static func quic(
        _ task: TaskFields, cookie: UInt64, _ ends: EndpointFields = EndpointFields(), payload: [UInt8], at time: UInt64
    ) -> [UInt8] {
        var body = socketBody(task, cookie, ends)
        body.append(number: UInt32(0))  // 112
        body.append(number: UInt32(payload.count))  // 116
        return RecordBuilder(17, at: time, [.noTask], body + payload).bytes  // 120
    }

    package static func serverName(_ task: TaskFields, _ name: String, ssl: UInt64 = 1, at time: UInt64) -> [UInt8] {
        var body = task.bytes  // 16
        body.append(number: ssl)  // 64
        body.append(number: UInt32(min(name.utf8.count, 256)))  // 72
        body.append(number: UInt32(0))  // 76
        return RecordBuilder(14, at: time, [], body + .padded(name, count: 256)).bytes  // 80
    }

    package static func socket(
        _ task: TaskFields, cookie: UInt64, socket: UInt64, _ ends: EndpointFields = EndpointFields(),
        state: UInt32 = 1, at time: UInt64
    ) -> [UInt8] {
        RecordBuilder(15, at: time, [.existing], listedBody(task, cookie, socket, ends, state: state)).bytes
    }

    /// What a gate decided; `action`: as the kernel side numbers it. `peerPort` is that of who connects in.
    package static func verdict(
        _ task: TaskFields, gate: GateKind, action: UInt8, rule: UInt32 = .max, cookie: UInt64 = 1,
        to peer: Endpoint, own: IPAddress = IPAddress(high: 0, low: 0), port: UInt16? = nil, transport: UInt16 = 6,
        generation: UInt32 = 1, name: String = "", flags: SensorEvent.Flags = [], at time: UInt64
    ) -> [UInt8] {
        var body = task.bytes  // 16
        body.append(number: cookie)  // 64
        for address in [peer.address, own] {  // 72, 88
            body.append(number: address.high.bigEndian)
            body.append(number: address.low.bigEndian)
        }
        body.append(number: port ?? peer.port)  // 104
        body.append(number: transport)  // 106
        body += [gate.rawValue, action]  // 108
        body.append(number: peer.port)  // 110
        body.append(number: rule)  // 112
        body.append(number: generation)  // 116
        body.append(number: UInt32(name.utf8.count))  // 120
        body.append(number: UInt32(0))  // 124
        if !name.isEmpty { body += .padded(String(name.reversed()), count: 256) }  // 128
        return RecordBuilder(16, at: time, flags, body).bytes
    }

    private static func socketBody(_ task: TaskFields, _ cookie: UInt64, _ ends: EndpointFields) -> [UInt8] {
        var body = task.bytes  // 16
        body.append(number: cookie)  // 64
        return body + ends.bytes  // 72
    }

    private static func listedBody(
        _ task: TaskFields, _ cookie: UInt64, _ socket: UInt64, _ ends: EndpointFields, state: UInt32
    ) -> [UInt8] {
        var body = task.bytes  // 16
        body.append(number: cookie)  // 64
        body.append(number: socket)  // 72
        body += ends.bytes  // 80
        body.append(number: state)  // 120
        body.append(number: UInt32(0))  // 124
        return body
    }
}
