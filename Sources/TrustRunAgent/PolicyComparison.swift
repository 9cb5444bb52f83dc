// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunReplay

/// Counts how a policy judges the connections of a recording, and how another one did: that of the recording, or one that is given.
final class PolicyComparison {
    private let after: PolicyReplay
    private let before: PolicyReplay?
    private var summary: ComparisonSummary
    /// What is known of connections that have not ended, by id.
    private var open: [String: Judged] = [:]

    private struct Judged {
        var connection: ConnectionEvent
        var before: PolicyAction?
        var after: Verdict
    }

    /// Compares with `other`, or with what the recording says if that is nil.
    init(_ policy: Policy, with other: Policy?) throws(AgentError) {
        after = try PolicyReplay(policy)
        before = if let other { try PolicyReplay(other) } else { nil }
        summary = ComparisonSummary(before: other?.name ?? "recorded", after: policy.name)
    }

    func add(_ event: RecordedEvent) {
        summary.lost += event.lost ?? 0
        let verdict = after.verdict(of: event)
        let other = before.map { replay in replay.verdict(of: event)?.action } ?? event.recorded?.action
        guard let connection = event.connection, let verdict else { return }
        let judged = Judged(connection: connection, before: other, after: verdict)
        if let id = event.connectionID { open[id] = event.endsConnection ? nil : judged }
        if event.endsConnection { count(judged) }
    }

    /// The result, with the connections that were open at the end of the recording.
    func finish() -> ComparisonSummary {
        for judged in open.values { count(judged) }
        open = [:]
        return summary
    }

    private func count(_ judged: Judged) {
        summary.add(judged.connection, before: judged.before, after: judged.after)
    }
}
