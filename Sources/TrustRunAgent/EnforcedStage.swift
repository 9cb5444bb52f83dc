// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunPolicy

/// Lets through what happens in enforced scopes, each connection with the kernel's verdict; what happens elsewhere without one, or not at
/// all. The pipeline's thread owns it.
final class EnforcedStage: EventReceiver {
    private var filter: ScopeFilter
    private let coversMachine: Bool
    private let gate: EventGate
    private let policies: PolicyGenerations
    /// For what the kernel's records were lost of: it says what the policy says, and not that the kernel did it.
    private let judge: ConnectionJudge
    /// The last policies that were asked; nil: of which nothing is known.
    private var judges: [RulingJudge] = []
    private var forgotten: UInt64 = 0
    /// Connections and flows that were told to begin and not to end.
    private(set) var openConnections = 0

    init(
        _ scopes: WatchedScopes, coversMachine: Bool, gate: EventGate, policies: PolicyGenerations,
        newest: PolicyGenerations.Entry
    ) {
        filter = ScopeFilter(scopes)
        self.coversMachine = coversMachine
        self.gate = gate
        self.policies = policies
        judge = ConnectionJudge(newest.compiled.policy, compiled: newest.compiled, resolvers: newest.resolvers)
        judges = [RulingJudge(newest.compiled, resolvers: newest.resolvers, generation: newest.generation)]
    }

    /// Decisions of the kernel that were read otherwise here.
    var divergences: UInt64 { judges.reduce(forgotten) { sum, judge in sum + judge.divergences } }

    func verdict(of ruling: GateRuling, name: HostName?, owner: Owner?) -> Verdict? {
        rulingJudge(of: ruling.generation).verdict(of: ruling, name: name, owner: owner)
    }

    func receive(_ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook) {
        if report.connection.verdict == nil {
            guard filter.admits(report.owner?.cgroup) else {
                if coversMachine { gate.receive(phase, &report, time: time, hook: hook) }
                return
            }
            _ = judge.judge(&report.connection, of: report.owner)
        }
        count(phase, report.connection.outcome)
        gate.receive(phase, &report, time: time, hook: hook)
    }

    private func count(_ phase: ConnectionPhase, _ outcome: ConnectionOutcome?) {
        switch phase {
        case .connect: if !(outcome?.isOver ?? false) { openConnections += 1 }
        case .accept: openConnections += 1
        case .close: openConnections = max(0, openConnections - 1)
        case .violation: break
        }
    }

    func receive(_ event: inout EnrichedEvent) {
        if case .attempt = event.body { return gate.receive(&event) }
        guard coversMachine || filter.admits(event.cgroup) else { return }
        gate.receive(&event)
    }

    /// What was refused without asking the policy has no generation: any policy's words do.
    private func rulingJudge(of generation: UInt32) -> RulingJudge {
        if let last = judges.last, generation == 0 || last.generation == generation { return last }
        return otherJudge(of: generation)
    }

    @inline(never)
    private func otherJudge(of generation: UInt32) -> RulingJudge {
        if let known = judges.first(where: { judge in judge.generation == generation }) { return known }
        guard let entry = policies.entry(of: generation) ?? policies.newest else { return judges[judges.count - 1] }
        let made = RulingJudge(entry.compiled, resolvers: entry.resolvers, generation: generation)
        judges.append(made)
        if judges.count > 4 { forgotten += judges.removeFirst().divergences }
        return made
    }
}
