// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Logging
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunOrganisations
internal import TrustRunPolicy
internal import TrustRunQUIC
internal import TrustRunSensor
internal import TrustRunSinks

/// From the kernel's records to the lines of a session that enforces. The thread that made it owns everything but the writing.
final class EnforcedSession: FlowCounts {
    private static let ticksPerSecond = 1000 / EventLoop.tickMilliseconds
    private static let pendingTicks = 10
    private static let finishMilliseconds = 2000
    /// How long the last connections have to end once their processes did.
    private static let settleTicks = 30

    private let subject: EnforcedStream.Subject
    private let sensor: Sensor
    private let loop: EventLoop
    private let writer: EventWriter
    private let gate: EventGate
    private let stage: EnforcedStage
    private let libraries: LibraryWatch
    private var box: RecordBox?
    private var flow: (enricher: Enricher, pipeline: Pipeline)?
    private var meter: LossMeter
    private var lost: UInt64 = 0
    private let startTime = Clock.boot

    /// Loads the kernel side.
    init(_ subject: EnforcedStream.Subject) throws(AgentError) {
        self.subject = subject
        loop = try EventLoop(takesSignals: false)
        sensor = try SensorStart.open(firstHook: subject.firstHook, ring: subject.ring)
        meter = LossMeter(sensor.capabilities)
        let libraries = LibraryWatch(logger: Logger(label: "run") { _ in SwiftLogNoOpLogHandler() })
        self.libraries = libraries
        do {
            let queue = try OutputQueue(
                outputDescriptor: subject.output.descriptor, goneDescriptor: loop.goneDescriptor)
            writer = Self.makeWriter(subject, sensor.capabilities, queue)
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
        gate = EventGate(filter: subject.filter, writer: writer, limit: subject.eventLimit) { process in
            libraries.noteExec(process)
        }
        stage = EnforcedStage(
            subject.scopes, coversMachine: subject.coversMachine, gate: gate, policies: subject.policies,
            newest: subject.newest)
    }

    private static func makeWriter(
        _ subject: EnforcedStream.Subject, _ capabilities: [Sensor.Capability], _ queue: OutputQueue
    ) -> EventWriter {
        if subject.format == .text {
            let isColoured = isatty(subject.output.descriptor) == 1
            return EventWriter(encoder: TextEncoder(isColoured: isColoured), queue: queue)
        }
        var hooks = SensorStart.hooks(of: capabilities)
        hooks[.gate] = "gate"
        return EventWriter(
            encoder: JSONLinesEncoder(
                host: SystemFacts.hostName, hooks: hooks, bootOffset: Clock.bootOffset,
                organisations: OrganisationTable.carried.organisations), queue: queue)
    }

    func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)? {
        sensor.takeUDPFlow(cookie: cookie, remote: remote)
    }

    /// Writes the first line and takes in what is there already.
    func begin() throws(AgentError) {
        let enricher = Enricher(
            cgroups: CgroupTable(existing: CgroupHierarchy.find()?.groups() ?? []),
            bootOffset: Clock.bootOffset,
            awaitsAcceptor: SensorStart.namesAcceptors(sensor.capabilities),
            receiver: stage,
            counts: self,
            hints: CarriedHints(),
            quicHellos: QUICHelloReader(),
            proverParent: UInt32(bitPattern: getpid())
        )
        let pipeline = Pipeline(enricher: enricher, gate: gate)
        let box = RecordBox(pipeline)
        self.box = box
        flow = (enricher, pipeline)
        guard writer.write(sessionStart()) else { throw AgentError(.inputOutput, "could not write the first line") }
        writer.flush()
        do {
            try sensor.subscribe(box)
            // What the first proof did is in the ring already; in one that was taken over, what happened while no agent lived.
            pipeline.hold()
            sensor.consume()
            let passed = pipeline.release().count
            if subject.coversMachine, passed > 0 { reportPassed(UInt64(passed)) }
            try Startup.run(sensor, enricher, pipeline)
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
        libraries.begin(sensor)
    }

    /// Runs until `takeNews` says that it is to end; it is asked at each tick, also for what is to be told of enforcement. `complete` is called
    /// when there is nothing more to tell.
    func run(
        takeNews: () -> (enforcement: [EnforcementEvent], end: EnforcedStream.End?),
        complete: (EnforcedStream.Completion) -> Void
    ) -> EnforcedStream.Ending {
        guard let flow else { return EnforcedStream.Ending(failure: "it was not begun") }
        var ticks = 0
        var settled = 0
        while true {
            // Whoever stops reading does not stop the command; the lines go nowhere.
            let isTick = loop.wait() == .tick
            if !isTick {
                complete(.readerGone)
                usleep(useconds_t(EventLoop.tickMilliseconds * 1000))
            }
            ticks += 1
            sensor.consume()
            libraries.tick(sensor)
            if ticks % Self.pendingTicks == 0 { flow.enricher.tick(at: Clock.boot) }
            if ticks % Self.ticksPerSecond == 0 { everySecond(flow.enricher, flow.pipeline) }
            let news = takeNews()
            for event in news.enforcement { writer.write(event) }
            writer.flush()
            if gate.isComplete { complete(.count) }
            if let end = news.end {
                settled += 1
                if end.reason != .command || stage.openConnections == 0 && settled > 1 || settled > Self.settleTicks {
                    return finish(end, flow.enricher, flow.pipeline)
                }
            }
        }
    }

    private func everySecond(_ enricher: Enricher, _ pipeline: Pipeline) {
        enricher.bootOffset = Clock.bootOffset
        enricher.sweep(at: Clock.boot)
        reportLosses(pipeline)
    }

    private func reportPassed(_ count: UInt64) {
        lost += count
        writer.write(losses: [LossEntry(stage: .kernel, record: "verdict", count: count)], time: Clock.wall)
    }

    private func reportLosses(_ pipeline: Pipeline) {
        var losses = writer.takeDrops() + meter.take(from: sensor, pipeline)
        lost += losses.reduce(0) { sum, loss in sum + loss.count }
        losses += pipeline.takeMalformed()
        if !losses.isEmpty { writer.write(losses: losses, time: Clock.wall) }
    }

    private func finish(_ end: EnforcedStream.End, _ enricher: Enricher, _ pipeline: Pipeline) -> EnforcedStream.Ending
    {
        guard let reason = end.reason else { return EnforcedStream.Ending() }
        sensor.consume()
        enricher.finish()
        reportLosses(pipeline)
        var summary = SessionSummary(
            time: Clock.wall, durationNanoseconds: Clock.boot &- startTime, reason: reason, events: [], lost: lost)
        summary.violations = end.totals.violations
        summary.gates = end.totals.gates
        summary.divergences = stage.divergences
        let isWhole = writer.finish(summary, timeoutMilliseconds: Self.finishMilliseconds)
        var ending = EnforcedStream.Ending(
            written: writer.linesWritten.reduce(0, +), lost: lost, divergences: stage.divergences)
        if let error = writer.writeError {
            ending.failure = "\(subject.output.label): \(error)"
        } else if writer.isReaderGone {
            ending.failure = "the reader of \(subject.output.label) went away"
        } else if !isWhole {
            ending.failure = "the reader of \(subject.output.label) did not take everything: the last lines are missing"
        }
        return ending
    }

    private func sessionStart() -> SessionStart {
        var start = SessionStart(
            time: Clock.wall, version: AgentVersion.text, kernel: SystemFacts.kernelRelease,
            capabilities: sensor.capabilities.map { capability in
                SessionStart.Capability(name: capability.name, hook: capability.hook, tried: capability.tried)
            })
        let policy = subject.newest.compiled.policy
        start.resolvers = subject.newest.resolvers
        start.policy = SessionStart.PolicyFacts(
            name: policy.name, documents: policy.documents.map(\.label), ruleCount: policy.rules.count,
            defaultAction: policy.settings.defaultAction.value)
        start.enforcement = SessionStart.EnforcementFacts(
            scopes: subject.scopes.all, generation: subject.newest.generation, containment: subject.containment,
            canLeakByDNS: policy.settings.nameLookup == .open, refusesHandover: subject.refusesHandover)
        return start
    }
}
