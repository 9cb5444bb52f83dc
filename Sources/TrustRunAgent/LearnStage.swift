// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSinks

/// Shows the learner what the processes do that it is to learn from. The pipeline's thread owns it.
final class LearnStage: EventReceiver {
    private(set) var learner: PolicyLearner
    private let filter: EventFilter
    private let onExec: (ProcessIdentity) -> Void

    init(_ learner: PolicyLearner, filter: EventFilter, onExec: @escaping (ProcessIdentity) -> Void) {
        self.learner = learner
        self.filter = filter
        self.onExec = onExec
    }

    func receive(_ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook) {
        guard filter.concerns(report.owner?.process, report.owner?.cgroup) else { return }
        // A connect that failed has no close.
        let hasFailed = !phase.isClosing && report.connection.outcome?.isOver ?? false
        observe(report.connection, of: report.owner?.process, at: time, isLast: phase.isClosing || hasFailed)
    }

    func receive(_ event: inout EnrichedEvent) {
        if case .exec = event.body, let process = event.process { onExec(process) }
        guard filter.concerns(event.process, event.cgroup) else { return }
        switch event.body {
        case .dns(let message) where message.isAnswer && !message.isUnsolicited && message.resolver.port == 53:
            learner.observeAnswer(from: message.resolver.address)
        case .sni(let told):
            guard let connection = told.connection else { return }
            observe(connection, of: event.process, at: event.time, isLast: false)
        case .connect, .accept, .close, .violation, .dns, .exec, .exit, .attempt: break
        }
    }

    private func observe(_ connection: ConnectionEvent, of process: ProcessIdentity?, at time: UInt64, isLast: Bool) {
        learner.observe(
            connection, id: "\(connection.id.cookie).\(connection.id.generation)",
            executable: process.flatMap { process in String(validating: process.executable, as: UTF8.self) },
            time: TimestampText.text(of: time), isLast: isLast
        )
    }

    /// The learner with everything that was seen.
    func finish() -> PolicyLearner {
        learner.finish()
        return learner
    }
}
