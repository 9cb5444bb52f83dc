// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Logging
internal import TrustRunEnrichment
package import TrustRunEvents
internal import TrustRunOrganisations
internal import TrustRunPolicy
internal import TrustRunQUIC
internal import TrustRunSensor
internal import TrustRunSinks

/// One monitoring session: from the kernel's records to lines on stdout. The thread that runs it owns everything but the writing.
package final class Monitor: FlowCounts {
    private static let ticksPerSecond = 1000 / EventLoop.tickMilliseconds
    private static let pendingTicks = 10
    private static let finishMilliseconds = 2000

    private let configuration: MonitorConfiguration
    private let sensor: Sensor
    private let logger: Logger
    private var begin: UInt64 = 0
    private var meter: LossMeter
    private var lost: UInt64 = 0
    private var stage: JudgeStage?
    private let policy: Policy?
    private let judge: ConnectionJudge?
    private let resolvers: [IPAddress]

    /// Loads the kernel side.
    package init(_ configuration: MonitorConfiguration, logger: Logger) throws(AgentError) {
        self.configuration = configuration
        self.logger = logger
        policy = configuration.policy.isEmpty ? nil : try PolicyFiles.loadOrFail(configuration.policy)
        resolvers = policy?.settings.resolvers.value ?? SystemFacts.resolvers
        if Self.hasEnded(configuration.process) {
            throw AgentError(.noInput, "there is no process \(configuration.process ?? 0)")
        }
        judge = try Self.makeJudge(policy, resolvers)
        sensor = try SensorStart.open(firstHook: configuration.firstHook)
        meter = LossMeter(sensor.capabilities)
    }

    private static func makeJudge(
        _ policy: Policy?, _ resolvers: [IPAddress]
    ) throws(AgentError) -> ConnectionJudge? {
        guard let policy else { return nil }
        do {
            return ConnectionJudge(policy, compiled: try PolicyFiles.compile(policy), resolvers: resolvers)
        } catch {
            throw AgentError(error)
        }
    }

    /// Connections that the policy does not allow, by `PolicyAction.rawValue`; complete after `run`.
    package var violations: [UInt64] { stage?.violations ?? [] }

    package func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)? {
        sensor.takeUDPFlow(cookie: cookie, remote: remote)
    }

    /// Runs until a signal, the duration, the count, or the end of the reader.
    package func run() throws(AgentError) {
        let loop = try EventLoop()
        let writer = try makeWriter(loop)
        let libraries = LibraryWatch(logger: logger)
        let gate = EventGate(filter: configuration.filter, writer: writer, limit: configuration.eventLimit) { process in
            libraries.noteExec(process)
        }
        stage = judge.map { judge in JudgeStage(judge, filter: configuration.filter, gate: gate) }
        let enricher = Enricher(
            cgroups: CgroupTable(existing: CgroupHierarchy.find()?.groups() ?? []),
            bootOffset: Clock.bootOffset,
            awaitsAcceptor: SensorStart.namesAcceptors(sensor.capabilities),
            receiver: stage ?? gate,
            counts: self,
            hints: CarriedHints(),
            quicHellos: QUICHelloReader()
        )
        let pipeline = Pipeline(enricher: enricher, gate: gate)
        let box = RecordBox(pipeline)
        begin = Clock.boot
        guard writer.write(sessionStart()) else { throw AgentError(.inputOutput, "could not write the first line") }
        writer.flush()
        do {
            try sensor.subscribe(box)
            try Startup.run(sensor, enricher, pipeline)
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
        libraries.begin(sensor)
        let reason = watch(loop, pipeline, enricher, writer, libraries)
        withExtendedLifetime(box) { finish(reason, pipeline, enricher, writer) }
        if let error = writer.writeError { throw AgentError(.inputOutput, "stdout: \(error)") }
    }

    private func makeWriter(_ loop: EventLoop) throws(AgentError) -> EventWriter {
        let queue: OutputQueue
        do {
            queue = try OutputQueue(outputDescriptor: STDOUT_FILENO, goneDescriptor: loop.goneDescriptor)
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
        switch configuration.format {
        case .jsonl:
            let encoder = JSONLinesEncoder(
                host: SystemFacts.hostName, hooks: SensorStart.hooks(of: sensor.capabilities),
                bootOffset: Clock.bootOffset, organisations: OrganisationTable.carried.organisations
            )
            return EventWriter(encoder: encoder, queue: queue)
        case .text:
            return EventWriter(encoder: TextEncoder(isColoured: isatty(STDOUT_FILENO) == 1), queue: queue)
        }
    }

    private func sessionStart() -> SessionStart {
        var start = SessionStart(
            time: Clock.wall,
            version: AgentVersion.text,
            kernel: SystemFacts.kernelRelease,
            capabilities: sensor.capabilities.map { capability in
                SessionStart.Capability(name: capability.name, hook: capability.hook, tried: capability.tried)
            }
        )
        start.resolvers = resolvers
        start.policy = policy.map { policy in
            SessionStart.PolicyFacts(
                name: policy.name, documents: policy.documents.map(\.label), ruleCount: policy.rules.count,
                defaultAction: policy.settings.defaultAction.value
            )
        }
        return start
    }

    /// nil: the reader is gone, and there is nobody to tell why the session ends.
    private func watch(
        _ loop: EventLoop, _ pipeline: Pipeline, _ enricher: Enricher, _ writer: EventWriter, _ libraries: LibraryWatch
    ) -> SessionSummary.Reason? {
        var ticks = 0
        let deadline = configuration.durationNanoseconds.map { duration in begin &+ duration }
        while true {
            switch loop.wait() {
            case .signal: return .signal
            case .readerGone: return nil
            case .tick:
                ticks += 1
                sensor.consume()
                libraries.tick(sensor)
                if ticks % Self.pendingTicks == 0 { enricher.tick(at: Clock.boot) }
                if ticks % Self.ticksPerSecond == 0 {
                    enricher.bootOffset = Clock.bootOffset
                    enricher.sweep(at: Clock.boot)
                    reportLosses(pipeline, writer)
                    if Self.hasEnded(configuration.process) { return .process }
                }
                writer.flush()
                if let deadline, Clock.boot >= deadline { return .duration }
            }
            if pipeline.isComplete { return .count }
        }
    }

    private static func hasEnded(_ process: Int32?) -> Bool {
        guard let process else { return false }
        return kill(process, 0) != 0 && errno == ESRCH
    }

    private func reportLosses(_ pipeline: Pipeline, _ writer: EventWriter) {
        var losses = writer.takeDrops() + meter.take(from: sensor, pipeline)
        lost += losses.reduce(0) { sum, loss in sum + loss.count }
        losses += pipeline.takeMalformed()
        guard !losses.isEmpty else { return }
        writer.write(losses: losses, time: Clock.wall)
    }

    private func finish(
        _ reason: SessionSummary.Reason?, _ pipeline: Pipeline, _ enricher: Enricher, _ writer: EventWriter
    ) {
        guard let reason else { return }
        sensor.consume()
        enricher.finish()
        reportLosses(pipeline, writer)
        var summary = SessionSummary(
            time: Clock.wall, durationNanoseconds: Clock.boot &- begin, reason: reason, events: [], lost: lost
        )
        summary.violations = stage?.violations
        if !writer.finish(summary, timeoutMilliseconds: Self.finishMilliseconds) {
            logger.warning("the reader of stdout did not take everything: the last lines are missing")
        }
    }
}
