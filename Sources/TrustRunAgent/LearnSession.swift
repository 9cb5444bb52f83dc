// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Logging
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSensor
internal import TrustRunSinks

/// Watches a command or the whole host and learns from it. The thread that runs it owns everything.
final class LearnSession: FlowCounts {
    private static let ticksPerSecond = 1000 / EventLoop.tickMilliseconds
    private static let pendingTicks = 10
    /// How long the last connections have to end once their processes did.
    private static let settleNanoseconds: UInt64 = 300_000_000

    private let sensor: Sensor
    private let libraries: LibraryWatch
    private let command: CommandProcess?
    private let durationNanoseconds: UInt64?
    private var meter: LossMeter
    /// Events that are missing from what was learned.
    private(set) var lost: UInt64 = 0

    /// Loads the kernel side.
    init(
        _ command: CommandProcess?, durationNanoseconds: UInt64?, firstHook: String?, logger: Logger
    ) throws(AgentError) {
        self.command = command
        self.durationNanoseconds = durationNanoseconds
        libraries = LibraryWatch(logger: logger)
        sensor = try SensorStart.open(firstHook: firstHook)
        meter = LossMeter(sensor.capabilities)
    }

    func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)? {
        sensor.takeUDPFlow(cookie: cookie, remote: remote)
    }

    /// Runs until the command and its descendants end, the duration, or a signal.
    func run() throws(AgentError) -> PolicyLearner {
        let loop = try EventLoop()
        let stage = LearnStage(
            PolicyLearner(resolvers: SystemFacts.resolvers), filter: EventFilter(pid: command?.pid)
        ) { [libraries] process in
            libraries.noteExec(process)
        }
        let enricher = Enricher(
            cgroups: CgroupTable(existing: CgroupHierarchy.find()?.groups() ?? []),
            bootOffset: Clock.bootOffset,
            awaitsAcceptor: SensorStart.namesAcceptors(sensor.capabilities),
            receiver: stage,
            counts: self
        )
        let pipeline = Pipeline(enricher: enricher, gate: nil)
        let box = RecordBox(pipeline)
        do {
            try sensor.subscribe(box)
            try Startup.run(sensor, enricher, pipeline)
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
        libraries.begin(sensor)
        try command?.release()
        watch(loop, pipeline, enricher)
        return withExtendedLifetime(box) {
            sensor.consume()
            enricher.finish()
            countLosses(pipeline)
            return stage.finish()
        }
    }

    private func watch(_ loop: EventLoop, _ pipeline: Pipeline, _ enricher: Enricher) {
        var deadline = durationNanoseconds.map { duration in Clock.boot &+ duration }
        var isSettling = false
        var isInterrupted = false
        var ticks = 0
        while true {
            switch loop.wait() {
            case .readerGone: return
            case .signal:
                let signal = loop.takeSignal()
                // The command may end in its own way, once.
                guard let command, let signal, !isInterrupted else { return }
                isInterrupted = true
                if !signal.isFromTerminal { command.send(signal: signal.number) }
            case .tick:
                ticks += 1
                sensor.consume()
                libraries.tick(sensor)
                if ticks % Self.pendingTicks == 0 { enricher.tick(at: Clock.boot) }
                if ticks % Self.ticksPerSecond == 0 {
                    enricher.bootOffset = Clock.bootOffset
                    enricher.sweep(at: Clock.boot)
                    countLosses(pipeline)
                }
                if let command, !isSettling, command.isOver() {
                    isSettling = true
                    deadline = Clock.boot &+ Self.settleNanoseconds
                }
                if let deadline, Clock.boot >= deadline { return }
            }
        }
    }

    private func countLosses(_ pipeline: Pipeline) {
        let losses = meter.take(from: sensor, pipeline) + pipeline.takeMalformed()
        lost += losses.reduce(0) { sum, loss in sum + loss.count }
    }
}
