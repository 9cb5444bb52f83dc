// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// What a `tr_task` says.
package struct TaskFields: Sendable {
    package var tgid: UInt32
    package var startTime: UInt64
    package var cgroup: UInt64 = 0
    package var user: UInt32 = 1000
    package var group: UInt32 = 100
    package var networkNamespace: UInt32 = 4_026_531_840
    package var comm: String

    package init(_ tgid: UInt32, startTime: UInt64 = 1_000_000_000, comm: String = "curl") {
        self.tgid = tgid
        self.startTime = startTime
        self.comm = comm
    }

    /// What stands where the kernel could not say whose a packet is.
    package static let void = TaskFields(0, startTime: 0, comm: "")

    package var key: ProcessKey { ProcessKey(tgid: tgid, startTime: startTime) }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(number: startTime)  // 0
        bytes.append(number: cgroup)  // 8
        bytes.append(number: tgid)  // 16
        bytes.append(number: user)  // 20
        bytes.append(number: group)  // 24
        bytes.append(number: networkNamespace)  // 28
        return bytes + .padded(comm, count: 16)  // 32
    }
}

/// What a `tr_endpoints` says.
package struct EndpointFields: Sendable {
    /// 4 or 16 bytes in network order.
    package var localAddress: [UInt8]
    package var remoteAddress: [UInt8]
    package var localPort: UInt16
    package var remotePort: UInt16
    package var family: UInt8
    package var transport: UInt8
    /// Why the kernel sent nothing.
    package var error: UInt16 = 0

    package init(
        localAddress: [UInt8] = [10, 0, 0, 2], localPort: UInt16 = 40000, remoteAddress: [UInt8] = [192, 0, 2, 1],
        remotePort: UInt16 = 443, transport: TransportProtocol = .tcp
    ) {
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
        self.localPort = localPort
        self.remotePort = remotePort
        family = localAddress.count == 4 ? 4 : 6
        self.transport = transport.rawValue
    }

    /// The ends of a lookup at 192.0.2.53.
    package static func resolver(_ transport: TransportProtocol = .udp, last: UInt8 = 53) -> EndpointFields {
        EndpointFields(remoteAddress: [192, 0, 2, last], remotePort: 53, transport: transport)
    }

    /// The same peer as another host, 192.0.2.`last`.
    package func to(_ last: UInt8) -> EndpointFields {
        var other = self
        other.remoteAddress = [192, 0, 2, last]
        return other
    }

    package var bytes: [UInt8] {
        var bytes = localAddress + [UInt8](repeating: 0, count: 16 - localAddress.count)  // 0
        bytes += remoteAddress + [UInt8](repeating: 0, count: 16 - remoteAddress.count)  // 16
        bytes.append(number: localPort.bigEndian)  // 32
        bytes.append(number: remotePort.bigEndian)  // 34
        bytes += [family, transport]  // 36
        bytes.append(number: error)  // 38
        return bytes
    }
}

/// What a `tr_close_record` says of a socket's end.
package struct EndFields: Sendable {
    package var oldState: UInt32 = 1
    package var error: UInt32 = 0
    package var acknowledged: UInt64 = 0
    package var unacknowledged: UInt64 = 0
    package var received: UInt64 = 0

    package init(
        oldState: UInt32 = 1, error: UInt32 = 0, acknowledged: UInt64 = 0, unacknowledged: UInt64 = 0,
        received: UInt64 = 0
    ) {
        self.oldState = oldState
        self.error = error
        self.acknowledged = acknowledged
        self.unacknowledged = unacknowledged
        self.received = received
    }
}
