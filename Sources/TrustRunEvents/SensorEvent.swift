// SPDX-License-Identifier: Apache-2.0

/// What the kernel said, decoded: facts of fixed size, and the record's variable bytes as long as the record lives.
package struct SensorEvent: ~Escapable {
    /// Nanoseconds since boot.
    package let time: UInt64
    package let flags: Flags
    package let body: Body
    /// What follows the facts: a path, arguments, a packet's payload.
    package let payload: RawSpan

    @_lifetime(copy payload)
    package init(time: UInt64, flags: Flags, body: Body, payload: RawSpan) {
        self.time = time
        self.flags = flags
        self.body = body
        self.payload = payload
    }

    package enum Body: Sendable {
        case fork(TaskFacts, parent: ProcessKey)
        case exec(TaskFacts, parent: ProcessKey, pathByteCount: Int)
        case exit(TaskFacts, waitStatus: UInt32)
        case cgroup(id: UInt64)
        case connect(SocketFacts)
        case established(SocketFacts)
        case accept(SocketFacts)
        case close(SocketFacts, CloseFacts)
        case listen(SocketFacts)
        case socket(SocketFacts, state: UInt32)
        case udpFlow(SocketFacts)
        case udpClose(cookie: UInt64)
        case dns(SocketFacts, sequence: UInt32)
        case hello(SocketFacts, offset: UInt32)
        /// The payload is a QUIC Initial packet of a client.
        case quic(SocketFacts)
        case serverName(TaskFacts)
        /// The payload is the name that it rested on, if there is one.
        case ruling(GateRuling)
    }

    package struct Flags: OptionSet, Sendable {
        package var rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// `contains` of another module's option set goes through its protocol.
        package var isAlive: Bool { rawValue & Self.alive.rawValue != 0 }

        package static let existing = Flags(rawValue: 1 << 0)
        package static let truncated = Flags(rawValue: 1 << 1)
        package static let inbound = Flags(rawValue: 1 << 2)
        package static let alive = Flags(rawValue: 1 << 3)
        package static let quic = Flags(rawValue: 1 << 4)
        package static let egress = Flags(rawValue: 1 << 5)
        package static let tcp = Flags(rawValue: 1 << 6)
        package static let syn = Flags(rawValue: 1 << 7)
        package static let noTask = Flags(rawValue: 1 << 8)
        package static let kernelThread = Flags(rawValue: 1 << 9)
        package static let removed = Flags(rawValue: 1 << 10)
    }
}

/// A record of an outgoing TCP connection's life: nearly all records are, so these pass without a `SensorEvent` around them.
///
/// One is filled anew for each record and lent from stage to stage: no code of one module is inlined into another, so that making one, or each of
/// its parts, would be a call.
package struct ConnectionStep: Sendable {
    package enum Kind: Sendable {
        case connect, established, close
    }

    package var kind = Kind.connect
    package var flags: SensorEvent.Flags = []
    /// Nanoseconds since boot.
    package var time: UInt64 = 0
    /// The task is the last connect's unless this is one.
    package var facts = SocketFacts(
        task: TaskFacts(
            key: ProcessKey(tgid: 0, startTime: 0), user: 0, group: 0, cgroupID: 0, comm: .init(repeating: 0)
        ),
        cookie: 0, networkNamespace: 0, transport: 0,
        local: Endpoint(address: IPAddress(high: 0, low: 0), port: 0),
        remote: Endpoint(address: IPAddress(high: 0, low: 0), port: 0)
    )
    /// The last close's unless this is one.
    package var end = CloseFacts(oldState: 0, errorNumber: 0, acknowledged: 0, unacknowledged: 0, received: 0)

    package init() {}
}

/// A process as a record describes it.
package struct TaskFacts: Sendable {
    package var key: ProcessKey
    package var user: UInt32
    package var group: UInt32
    package var cgroupID: UInt64
    package var comm: InlineArray<16, UInt8>

    package init(key: ProcessKey, user: UInt32, group: UInt32, cgroupID: UInt64, comm: InlineArray<16, UInt8>) {
        self.key = key
        self.user = user
        self.group = group
        self.cgroupID = cgroupID
        self.comm = comm
    }
}

/// A socket as a record describes it; `task` is void where the flags say `noTask`.
package struct SocketFacts: Sendable {
    package var task: TaskFacts
    package var cookie: UInt64
    /// The kernel's address of it: a key only, never shown.
    package var socket: UInt64 = 0
    package var networkNamespace: UInt32
    package var transport: UInt8
    package var local: Endpoint
    package var remote: Endpoint
    /// Why the kernel sent nothing (errno(3)); 0 if it did.
    package var errorNumber: UInt16 = 0

    package init(
        task: TaskFacts, cookie: UInt64, networkNamespace: UInt32, transport: UInt8, local: Endpoint, remote: Endpoint
    ) {
        self.task = task
        self.cookie = cookie
        self.networkNamespace = networkNamespace
        self.transport = transport
        self.local = local
        self.remote = remote
    }
}

/// How a TCP socket ended; the kernel counts a SYN that it sent as an acknowledged byte.
package struct CloseFacts: Sendable {
    package var oldState: UInt32
    package var errorNumber: UInt32
    package var acknowledged: UInt64
    package var unacknowledged: UInt64
    package var received: UInt64

    package init(
        oldState: UInt32, errorNumber: UInt32, acknowledged: UInt64, unacknowledged: UInt64, received: UInt64
    ) {
        self.oldState = oldState
        self.errorNumber = errorNumber
        self.acknowledged = acknowledged
        self.unacknowledged = unacknowledged
        self.received = received
    }
}
