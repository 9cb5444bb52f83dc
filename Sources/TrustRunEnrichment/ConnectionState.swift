// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What is remembered of a connection between its records.
struct ConnectionState {
    /// What its next event says: changed in place where events are many, since making one costs as much as writing it.
    var report: ConnectionReport
    /// When it began, in nanoseconds since boot.
    var startTime: UInt64
    /// It was answered, or accepted, or there before.
    var isEstablished = false
    /// A record said which process accepted it.
    var isAccepted = false
    /// Its `connect` or `accept` has been written.
    var isAnnounced = false
    /// That `connect` said `pending`.
    var wasPending = false
    /// UDP: the kernel forgot the flow once, so that its counts are not the whole.
    var areCountsPartial = false

    /// It came in, and no process has accepted it.
    var lacksAcceptor: Bool { !direction.isOutbound && !isAccepted }

    @inline(always)
    init(
        id: ConnectionID, owner: Owner?, direction: Direction, transport: TransportProtocol, local: Endpoint,
        remote: Endpoint, names: DestinationNames, networkNamespace: UInt32, startTime: UInt64
    ) {
        let isOutbound = direction.isOutbound
        let connection = ConnectionEvent(
            id: id,
            direction: direction,
            transport: transport,
            source: isOutbound ? local : remote,
            destination: isOutbound ? remote : local,
            names: names,
            networkNamespace: networkNamespace
        )
        report = ConnectionReport(connection: connection, owner: owner)
        self.startTime = startTime
    }

    /// That of no connection.
    static var void: ConnectionState {
        let nowhere = Endpoint(address: IPAddress(high: 0, low: 0), port: 0)
        return ConnectionState(
            id: ConnectionID(cookie: 0, generation: 0), owner: nil, direction: .outbound, transport: .tcp,
            local: nowhere, remote: nowhere, names: DestinationNames(), networkNamespace: 0, startTime: 0
        )
    }

    /// Lets go of what it refers to.
    mutating func clear() {
        report.owner = nil
        // Most have no names, and a call into another module is saved.
        if report.connection.names.name != nil || report.connection.names.several != nil {
            report.connection.names.clear()
        }
        report.connection.names.source = .none
        if report.connection.verdict != nil { report.connection.verdict = nil }
    }

    /// Makes a void state that of an outbound TCP connection that nobody has answered yet.
    @inline(always)
    mutating func begin(_ facts: inout SocketFacts, generation: UInt32, at time: UInt64) {
        report.connection.id.cookie = facts.cookie
        report.connection.id.generation = generation
        report.connection.direction = .outbound
        report.connection.transport = .tcp
        report.connection.source = facts.local
        report.connection.destination = facts.remote
        report.connection.networkNamespace = facts.networkNamespace
        report.connection.isExisting = false
        report.connection.isQUIC = false
        startTime = time
        isEstablished = false
        isAccepted = false
        isAnnounced = false
        wasPending = false
        areCountsPartial = false
    }

    /// An event that says nothing yet of what became of it.
    func event() -> ConnectionEvent {
        var event = report.connection
        event.outcome = nil
        event.errorNumber = 0
        event.durationNanoseconds = nil
        event.bytes = nil
        return event
    }

    /// Makes the report say what became of it.
    @inline(always)
    mutating func tell(
        _ outcome: ConnectionOutcome?, errorNumber: UInt32 = 0, durationNanoseconds: UInt64?,
        bytes: ConnectionBytes? = nil
    ) {
        report.connection.outcome = outcome
        report.connection.errorNumber = errorNumber
        report.connection.durationNanoseconds = durationNanoseconds
        report.connection.bytes = bytes
    }
}

extension ConnectionState {
    var id: ConnectionID {
        get { report.connection.id }
        set { report.connection.id = newValue }
    }
    var process: ProcessIdentity? { report.owner?.process }
    var cgroup: CgroupIdentity? { report.owner?.cgroup }
    var direction: Direction { report.connection.direction }
    var transport: TransportProtocol {
        get { report.connection.transport }
        set { report.connection.transport = newValue }
    }
    var names: DestinationNames {
        get { report.connection.names }
        set { report.connection.names = newValue }
    }
    /// This host's end.
    var local: Endpoint {
        get { direction.isOutbound ? report.connection.source : report.connection.destination }
        set {
            if direction.isOutbound {
                report.connection.source = newValue
            } else {
                report.connection.destination = newValue
            }
        }
    }
    var remote: Endpoint { direction.isOutbound ? report.connection.destination : report.connection.source }
}

extension Direction {
    /// Cheaper than `==`, which is a call into another module.
    var isOutbound: Bool {
        switch self {
        case .outbound: true
        case .inbound: false
        }
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
