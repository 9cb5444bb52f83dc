// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents
package import TrustRunWire

/// Gets each event when it is complete.
package protocol EventReceiver: AnyObject {
    /// A receiver that judges adds what it finds.
    func receive(_ event: inout EnrichedEvent)
    /// The same for a connection's events: nearly all are such, and this spares them the copies into an `EnrichedEvent`. The report is lent: but
    /// for the verdict it stays as it is.
    func receive(_ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook)
    /// What a gate's decision is in the policy's words; `name`: what it rested on. nil: nobody tells of gates.
    func verdict(of ruling: GateRuling, name: HostName?, owner: Owner?) -> Verdict?
}

extension EventReceiver {
    package func verdict(of ruling: GateRuling, name: HostName?, owner: Owner?) -> Verdict? { nil }

    package func receive(_ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook) {
        var event = EnrichedEvent(phase, report, time: time, hook: hook)
        receive(&event)
    }
}

/// Reads and forgets the kernel's counts of a UDP flow.
package protocol FlowCounts: AnyObject {
    func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)?
}

/// Adds who and which host: kernel events in, complete events out. It alone keeps state between records. One thread owns it.
package final class Enricher {
    var processes: ProcessTable {
        @inline(always) _read { yield unsafe state.processes }
        @inline(always) _modify { yield unsafe &state.processes }
    }
    /// TCP connections by socket cookie.
    var connections: ConnectionTable {
        @inline(always) _read { yield unsafe state.connections }
        @inline(always) _modify { yield unsafe &state.connections }
    }
    /// The cookie under which a socket is known that had none when it was listed, by the kernel's address of it.
    var cookieless: OpenTable<UInt64> {
        @inline(always) _read { yield unsafe state.cookieless }
        @inline(always) _modify { yield unsafe &state.cookieless }
    }
    /// How often a socket that lives on has been used, by cookie.
    var generations: GenerationTable {
        @inline(always) _read { yield unsafe state.generations }
        @inline(always) _modify { yield unsafe &state.generations }
    }
    var lookups: LookupTable {
        @inline(always) _read { yield unsafe state.lookups }
        @inline(always) _modify { yield unsafe &state.lookups }
    }
    var hellos: [UInt64: ClientHelloAssembler] {
        @inline(always) _read { yield unsafe state.hellos }
        @inline(always) _modify { yield unsafe &state.hellos }
    }
    var listeners = ListenerTable()
    var flows = UDPFlowTable()
    var claims = ClaimQueue()
    /// What gates decided a moment ago.
    var rulings: RulingTable {
        @inline(always) _read { yield unsafe state.rulings }
        @inline(always) _modify { yield unsafe &state.rulings }
    }
    /// The process whose children try the gates, which nobody is told of; 0: none.
    let proverParent: UInt32
    var hostNames: HostNameTable
    let hints: any DestinationHints
    /// nil: QUIC is not read.
    let quicHellos: (any QUICHellos)?
    var nextListedCookie: UInt64 = 0xe000_0000_0000_0000

    /// What every connection touches.
    private struct State: ~Copyable {
        var processes: ProcessTable
        var connections = ConnectionTable()
        var cookieless = OpenTable<UInt64>()
        var generations = GenerationTable()
        var lookups = LookupTable()
        var hellos: [UInt64: ClientHelloAssembler] = [:]
        var rulings = RulingTable()

        init(processes: consuming ProcessTable) {
            self.processes = processes
        }
    }

    /// Unchecked is sound: a receiver of events does not come back to the enricher.
    @exclusivity(unchecked) private var state: State

    /// Another record tells who accepts a connection; nobody else is named before it has had the time to come.
    let awaitsAcceptor: Bool
    private let receiver: any EventReceiver
    unowned let counts: any FlowCounts
    /// Unix time minus time since boot, in nanoseconds; the clock may be set meanwhile.
    package var bootOffset: UInt64 {
        get { unsafe storedBootOffset }
        set { unsafe storedBootOffset = newValue }
    }
    /// Unchecked is sound: no access to it calls anything.
    @exclusivity(unchecked) private var storedBootOffset: UInt64
    /// Messages that could not be parsed, or not be kept for what belongs to them, by what they should have been.
    package private(set) var malformedDNS: UInt64 = 0
    package internal(set) var malformedHellos: UInt64 = 0

    package init(
        cgroups: consuming CgroupTable, bootOffset: UInt64, awaitsAcceptor: Bool, receiver: any EventReceiver,
        counts: any FlowCounts, hints: any DestinationHints = NoHints(), quicHellos: (any QUICHellos)? = nil,
        proverParent: UInt32 = 0
    ) {
        self.quicHellos = quicHellos
        hostNames = HostNameTable(hints: hints)
        self.hints = hints
        unsafe state = State(processes: ProcessTable(cgroups: cgroups))
        unsafe storedBootOffset = bootOffset
        self.awaitsAcceptor = awaitsAcceptor
        self.receiver = receiver
        self.counts = counts
        self.proverParent = proverParent
    }

    /// Takes one event further; what comes of it goes to the receiver at once.
    package func enrich(_ event: borrowing SensorEvent) {
        switch event.body {
        case .fork(let task, let parent): processes.fork(task, flags: event.flags, parent: parent)
        case .exec(let task, let parent, let count): exec(event, task, parent: parent, pathByteCount: count)
        case .exit(let task, let status): exit(event, task, waitStatus: status)
        case .cgroup(let id): cgroup(event, id)
        case .connect(var facts): connect(&facts, flags: event.flags, at: event.time)
        case .established(var facts): established(&facts, at: event.time)
        case .accept(let facts): accept(event, facts)
        case .close(var facts, var end): close(&facts, &end, flags: event.flags, at: event.time)
        case .listen(let facts): listen(event, facts)
        case .socket: break  // listed at the start only: see `list`
        case .udpFlow(let facts): udpFlow(event, facts)
        case .udpClose(let cookie): udpClose(cookie: cookie, at: event.time)
        case .dns(let facts, let sequence): dns(event, facts, sequence: sequence)
        case .hello(let facts, let offset): hello(event, facts, offset: Int(offset))
        case .quic(let facts): quic(event, facts)
        case .serverName(let task): serverName(event, task)
        case .ruling(let facts): ruling(event, facts)
        }
    }

    /// The same for what most records are; the step is lent and stays as it is.
    package func enrich(_ step: inout ConnectionStep) {
        switch step.kind {
        case .connect: connect(&step.facts, flags: step.flags, at: step.time)
        case .established: established(&step.facts, at: step.time)
        case .close: close(&step.facts, &step.end, flags: step.flags, at: step.time)
        }
    }

    /// Tells what has waited long enough: call it every tenth of a second or so with the time since boot.
    package func tick(at time: UInt64) {
        announcePending(before: time &- ConnectionTable.patienceNanoseconds)
        releaseClaims(before: time &- ClaimQueue.patienceNanoseconds)
    }

    /// Lets go of what is over: call it about once a second with the time since boot.
    package func sweep(at time: UInt64) {
        processes.sweep(at: time)
        lookups.sweep(at: time)
    }

    /// Writes what waits for an answer that will not come any more: the session ends.
    package func finish() {
        announcePending(before: .max)
        releaseClaims(before: .max)
    }

    func emit(
        _ body: EnrichedEvent.Body, at time: UInt64, process: ProcessIdentity?, cgroup: CgroupIdentity?,
        hook: StaticHook
    ) {
        var event = EnrichedEvent(
            time: time &+ bootOffset, process: process, cgroup: cgroup, hook: hook, body: body
        )
        receiver.receive(&event)
    }

    /// Tells of a server name; the answer is what the policy says of the connection now.
    func emit(_ serverName: ServerNameEvent, of state: ConnectionState?, at time: UInt64) -> Verdict? {
        var event = EnrichedEvent(
            time: time &+ bootOffset, process: state?.process, cgroup: state?.cgroup, hook: .clientHello,
            body: .sni(serverName)
        )
        receiver.receive(&event)
        guard case .sni(let judged) = event.body else { return nil }
        return judged.connection?.verdict
    }

    /// Tells of a connection whose process and group are the state's.
    func emit(
        _ phase: ConnectionPhase, _ connection: ConnectionEvent, of state: inout ConnectionState, at time: UInt64,
        hook: StaticHook
    ) {
        var report = ConnectionReport(connection: connection, owner: state.report.owner)
        receiver.receive(phase, &report, time: time &+ bootOffset, hook: hook)
        state.report.connection.verdict = report.connection.verdict
    }

    /// The same with what the state's report says already.
    @inline(always)
    func emit(_ phase: ConnectionPhase, of state: inout ConnectionState, at time: UInt64, hook: StaticHook) {
        receiver.receive(phase, &state.report, time: time &+ bootOffset, hook: hook)
    }

    func verdict(of ruling: GateRuling, name: HostName?, owner: Owner?) -> Verdict? {
        receiver.verdict(of: ruling, name: name, owner: owner)
    }

    func countMalformedDNS() { malformedDNS += 1 }
    func countMalformedHello() { malformedHellos += 1 }
}
