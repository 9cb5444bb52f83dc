// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Logging
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunOrganisations
internal import TrustRunPolicy
internal import TrustRunSensor
internal import TrustRunSinks

/// From the kernel's records to the lines of an enforced run. The thread that made it owns everything but the writing.
final class RunSession: FlowCounts {
    private static let ticksPerSecond = 1000 / EventLoop.tickMilliseconds
    private static let pendingTicks = 10
    private static let finishMilliseconds = 2000
    /// How long the last connections have to end once their processes did.
    private static let settleTicks = 30

    private let subject: RunStream.Subject
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
    init(_ subject: RunStream.Subject) throws(AgentError) {
        self.subject = subject
        loop = try EventLoop(takesSignals: false)
        sensor = try SensorStart.open(firstHook: nil, ring: subject.ring)
        meter = LossMeter(sensor.capabilities)
        let libraries = LibraryWatch(logger: Logger(label: "run") { _ in SwiftLogNoOpLogHandler() })
        self.libraries = libraries
        do {
            let queue = try OutputQueue(
                outputDescriptor: subject.output.descriptor, goneDescriptor: loop.goneDescriptor)
            var hooks = SensorStart.hooks(of: sensor.capabilities)
            hooks[.gate] = "gate"
            writer = EventWriter(
                encoder: JSONLinesEncoder(
                    host: SystemFacts.hostName, hooks: hooks, bootOffset: Clock.bootOffset,
                    organisations: OrganisationTable.carried.organisations), queue: queue)
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
        gate = EventGate(filter: EventFilter(), writer: writer, limit: nil) { process in libraries.noteExec(process) }
        stage = EnforcedStage(
            scope: Array(subject.scope.utf8), gate: gate, policies: subject.policies, newest: subject.newest)
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
            // What the first proof did is in the ring already.
            pipeline.hold()
            sensor.consume()
            _ = pipeline.release()
            try Startup.run(sensor, enricher, pipeline)
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
        libraries.begin(sensor)
    }

    /// Runs until `takeNews` has the totals with which to end; it is asked at each tick, also for what is to be told of enforcement.
    func run(takeNews: () -> (enforcement: [EnforcementEvent], totals: RunStream.Totals?)) -> RunStream.Ending {
        guard let flow else { return RunStream.Ending(failure: "it was not begun") }
        var ticks = 0
        var settled = 0
        while true {
            // Whoever stops reading does not stop the command; the lines go nowhere.
            let isTick = loop.wait() == .tick
            if !isTick { usleep(useconds_t(EventLoop.tickMilliseconds * 1000)) }
            ticks += 1
            sensor.consume()
            libraries.tick(sensor)
            if ticks % Self.pendingTicks == 0 { flow.enricher.tick(at: Clock.boot) }
            if ticks % Self.ticksPerSecond == 0 { everySecond(flow.enricher, flow.pipeline) }
            let news = takeNews()
            for event in news.enforcement { writer.write(event) }
            writer.flush()
            if let totals = news.totals {
                settled += 1
                if stage.openConnections == 0 && settled > 1 || settled > Self.settleTicks {
                    return finish(totals, flow.enricher, flow.pipeline)
                }
            }
        }
    }

    private func everySecond(_ enricher: Enricher, _ pipeline: Pipeline) {
        enricher.bootOffset = Clock.bootOffset
        enricher.sweep(at: Clock.boot)
        reportLosses(pipeline)
    }

    private func reportLosses(_ pipeline: Pipeline) {
        var losses = writer.takeDrops() + meter.take(from: sensor, pipeline)
        lost += losses.reduce(0) { sum, loss in sum + loss.count }
        losses += pipeline.takeMalformed()
        if !losses.isEmpty { writer.write(losses: losses, time: Clock.wall) }
    }

    private func finish(_ totals: RunStream.Totals, _ enricher: Enricher, _ pipeline: Pipeline) -> RunStream.Ending {
        sensor.consume()
        enricher.finish()
        reportLosses(pipeline)
        var summary = SessionSummary(
            time: Clock.wall, durationNanoseconds: Clock.boot &- startTime, reason: .command, events: [], lost: lost)
        summary.violations = totals.violations
        summary.gates = totals.gates
        summary.divergences = stage.divergences
        let isWhole = writer.finish(summary, timeoutMilliseconds: Self.finishMilliseconds)
        var ending = RunStream.Ending(
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
        let policy = subject.policy
        start.resolvers = subject.newest.resolvers
        start.policy = SessionStart.PolicyFacts(
            name: policy.name, documents: policy.documents.map(\.label), ruleCount: policy.rules.count,
            defaultAction: policy.settings.defaultAction.value)
        start.enforcement = SessionStart.EnforcementFacts(
            scope: subject.scope, generation: subject.newest.generation, canLeakByDNS: subject.canLeakByDNS)
        return start
    }
}
