// SPDX-License-Identifier: Apache-2.0

/// What happened, with who and which host: ready for sinks. Owned by the pipeline's thread.
package struct EnrichedEvent {
    /// When, in nanoseconds since 1970 (UTC).
    package var time: UInt64
    /// Who; nil where the kernel could not say.
    package var process: ProcessIdentity?
    /// The process's group when it happened.
    package var cgroup: CgroupIdentity?
    /// The kernel hook that saw it.
    package var hook: StaticHook
    package var body: Body

    package enum Body {
        case connect(ConnectionEvent)
        case accept(ConnectionEvent)
        case close(ConnectionEvent)
        case dns(DNSEvent)
        case sni(ServerNameEvent)
        case exec
        case exit(ExitEvent)
        case violation(ConnectionEvent)
        /// The violation of something that is no connection.
        case attempt(AttemptEvent)
    }

    package init(
        time: UInt64, process: ProcessIdentity?, cgroup: CgroupIdentity?, hook: StaticHook, body: Body
    ) {
        self.time = time
        self.process = process
        self.cgroup = cgroup
        self.hook = hook
        self.body = body
    }

    package var type: EventType {
        switch body {
        case .connect: .connect
        case .accept: .accept
        case .close: .close
        case .dns: .dns
        case .sni: .sni
        case .exec: .exec
        case .exit: .exit
        case .violation, .attempt: .violation
        }
    }
}

/// What a connection's event tells of it.
package enum ConnectionPhase: Sendable {
    case connect, accept, close, violation

    package var type: EventType {
        switch self {
        case .connect: .connect
        case .accept: .accept
        case .close: .close
        case .violation: .violation
        }
    }

    package var isClosing: Bool {
        switch self {
        case .connect, .accept, .violation: false
        case .close: true
        }
    }
}

/// What a connection's next event says, where its state is kept: lent to the sinks, so that neither it nor a reference in it is copied on the way.
package struct ConnectionReport {
    package var connection: ConnectionEvent
    package var owner: Owner?

    package init(connection: ConnectionEvent, owner: Owner?) {
        self.connection = connection
        self.owner = owner
    }
}

extension EnrichedEvent {
    package init(_ phase: ConnectionPhase, _ report: ConnectionReport, time: UInt64, hook: StaticHook) {
        let body: Body =
            switch phase {
            case .connect: .connect(report.connection)
            case .accept: .accept(report.connection)
            case .close: .close(report.connection)
            case .violation: .violation(report.connection)
            }
        self.init(time: time, process: report.owner?.process, cgroup: report.owner?.cgroup, hook: hook, body: body)
    }
}

/// The event's `type` in the stream.
package enum EventType: String, CaseIterable, Sendable {
    case session, connect, accept, close, dns, sni, exec, exit, violation, loss, enforcement

    /// The place in `allCases`.
    package var position: Int {
        switch self {
        case .session: 0
        case .connect: 1
        case .accept: 2
        case .close: 3
        case .dns: 4
        case .sni: 5
        case .exec: 6
        case .exit: 7
        case .violation: 8
        case .loss: 9
        case .enforcement: 10
        }
    }
}

/// What sees an event: an index into the hooks that the sensor chose at start.
package enum StaticHook: Int, CaseIterable, Sendable {
    case exec, exit, connect, connectRefusedHere, accept, close, existingConnections, udp, udpClose, dns, clientHello,
        sslCtrl, gate, none
}

package struct ConnectionEvent {
    package var id: ConnectionID
    package var direction: Direction
    package var transport: TransportProtocol
    /// The side that began.
    package var source: Endpoint
    package var destination: Endpoint
    package var names: DestinationNames
    /// Inode number; 0 if not known.
    package var networkNamespace: UInt32
    package var isExisting = false
    package var isQUIC = false
    /// Who published the destination's address as theirs, as `DestinationHints` counts them; 0: nobody.
    package var organisation: UInt8 = 0
    package var outcome: ConnectionOutcome?
    /// The socket's error number; 0 if none.
    package var errorNumber: UInt32 = 0
    package var durationNanoseconds: UInt64?
    package var bytes: ConnectionBytes?
    /// nil: no policy judges.
    package var verdict: Verdict?

    package init(
        id: ConnectionID, direction: Direction, transport: TransportProtocol, source: Endpoint,
        destination: Endpoint, names: DestinationNames, networkNamespace: UInt32
    ) {
        self.id = id
        self.direction = direction
        self.transport = transport
        self.source = source
        self.destination = destination
        self.names = names
        self.networkNamespace = networkNamespace
    }
}

package enum ConnectionOutcome: String, Sendable, CaseIterable {
    case established
    case refused
    case timedOut = "timed_out"
    case unreachable
    case reset
    case aborted
    case failed
    case pending

    /// The connect failed: nothing more will be told of it.
    package var isOver: Bool {
        switch self {
        case .established, .pending: false
        case .refused, .timedOut, .unreachable, .reset, .aborted, .failed: true
        }
    }
}

/// Payload bytes of a connection's life.
package enum ConnectionBytes: Sendable {
    case tcp(acknowledged: UInt64, unacknowledged: UInt64, received: UInt64)
    case udp(sent: UInt64, received: UInt64)
}

package struct ExitEvent: Sendable {
    /// As in wait(2): a signal in the low seven bits, else the exit code in the next byte.
    package var waitStatus: UInt32
    package var durationNanoseconds: UInt64

    package init(waitStatus: UInt32, durationNanoseconds: UInt64) {
        self.waitStatus = waitStatus
        self.durationNanoseconds = durationNanoseconds
    }
}
