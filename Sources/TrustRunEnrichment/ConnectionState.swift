// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What is remembered of a connection between its records.
struct ConnectionState {
    var id: ConnectionID
    var process: ProcessIdentity?
    var cgroup: CgroupIdentity?
    var direction: Direction
    var transport: TransportProtocol
    var local: Endpoint
    var remote: Endpoint
    var names: DestinationNames
    var networkNamespace: UInt32
    /// When it began, in nanoseconds since boot.
    var startTime: UInt64
    /// It was answered, or accepted, or there before.
    var isEstablished = false
    /// Its `connect` or `accept` has been written.
    var isAnnounced = false
    /// That `connect` said `pending`.
    var wasPending = false
    /// UDP: the kernel forgot the flow once, so that its counts are not the whole.
    var areCountsPartial = false

    @inline(always)
    func event() -> ConnectionEvent {
        let isOutbound = direction.isOutbound
        return ConnectionEvent(
            id: id,
            direction: direction,
            transport: transport,
            source: isOutbound ? local : remote,
            destination: isOutbound ? remote : local,
            names: names,
            networkNamespace: networkNamespace
        )
    }
}

/// TCP states as the kernel numbers them (include/net/tcp_states.h).
enum TCPState {
    static let established: UInt32 = 1
    static let synSent: UInt32 = 2
    static let synReceived: UInt32 = 3
    static let close: UInt32 = 7
    static let listen: UInt32 = 10
}

extension ConnectionOutcome {
    /// The outcome of a connect that ended with this socket error (errno(3)).
    init(errorNumber: UInt32) {
        switch errorNumber {
        case 0: self = .aborted
        case 111: self = .refused
        case 110: self = .timedOut
        case 100, 101, 112, 113: self = .unreachable
        case 104: self = .reset
        default: self = .failed
        }
    }
}
