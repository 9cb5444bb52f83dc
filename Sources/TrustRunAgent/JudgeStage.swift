// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunPolicy

/// Judges each connection before the gate lets it out, and tells of violations. The pipeline's thread owns it.
final class JudgeStage: EventReceiver {
    private let judge: ConnectionJudge
    private let filter: EventFilter
    private let gate: EventGate
    /// Violations of the processes that the user asked for, by `PolicyAction.rawValue`.
    private(set) var violations = [UInt64](repeating: 0, count: PolicyAction.allCases.count)

    init(_ judge: ConnectionJudge, filter: EventFilter, gate: EventGate) {
        self.judge = judge
        self.filter = filter
        self.gate = gate
    }

    func receive(_ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook) {
        // Most closes have their verdict; only a server name brings another.
        guard report.connection.verdict == nil || report.connection.names.mayBringAnotherVerdict else {
            return gate.receive(phase, &report, time: time, hook: hook)
        }
        let isNewViolation = judge.judge(&report.connection, of: report.owner)
        gate.receive(phase, &report, time: time, hook: hook)
        if isNewViolation { tell(&report, time: time, hook: hook) }
    }

    func receive(_ event: inout EnrichedEvent) {
        guard case .sni(var told) = event.body, var connection = told.connection else { return gate.receive(&event) }
        let owner = Owner(process: event.process, cgroup: event.cgroup)
        let isNewViolation = judge.judge(&connection, of: owner)
        told.connection = connection
        event.body = .sni(told)
        gate.receive(&event)
        guard isNewViolation else { return }
        var report = ConnectionReport(connection: connection, owner: owner)
        tell(&report, time: event.time, hook: event.hook)
    }

    private func tell(_ report: inout ConnectionReport, time: UInt64, hook: StaticHook) {
        guard let verdict = report.connection.verdict, filter.concerns(report.owner?.process, report.owner?.cgroup)
        else { return }
        violations[Int(verdict.action.rawValue)] += 1
        gate.receive(.violation, &report, time: time, hook: hook)
    }
}

extension DestinationNames {
    /// The client has sent a server name. `hasServerName`, without a call into another module.
    fileprivate var mayBringAnotherVerdict: Bool {
        switch source {
        case .sni, .dnsAndSNI: true
        case .dns, .none: false
        }
    }
}
