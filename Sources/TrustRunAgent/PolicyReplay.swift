// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunReplay
internal import TrustRunSinks

/// Judges a recorded stream by a policy, as if the policy had been there.
final class PolicyReplay {
    private let judge: ConnectionJudge
    /// The policy says itself which resolvers it trusts.
    private let hasOwnResolvers: Bool
    private var owners: [String: Owner] = [:]
    private var verdicts: [String: Verdict] = [:]

    init(_ policy: Policy) throws(AgentError) {
        do {
            let resolvers = policy.settings.resolvers.value
            hasOwnResolvers = resolvers != nil
            judge = ConnectionJudge(policy, compiled: try PolicyFiles.compile(policy), resolvers: resolvers ?? [])
        } catch {
            throw AgentError(error)
        }
    }

    /// What the policy says of the event's connection; nil for events that tell of none.
    func verdict(of event: RecordedEvent) -> Verdict? {
        if let resolvers = event.resolvers, !hasOwnResolvers { judge.resolvers = resolvers }
        guard var connection = event.connection, event.type != .violation else { return nil }
        let id = event.connectionID ?? ""
        connection.verdict = verdicts[id]
        _ = judge.judge(&connection, of: owner(event.executable))
        verdicts[id] = event.endsConnection ? nil : connection.verdict
        return connection.verdict
    }

    /// The line with that verdict in place of the one it was recorded with; nil for the violations of the recording, which another policy told.
    func line(of event: RecordedEvent) -> [UInt8]? {
        guard event.type != .violation else { return nil }
        guard let verdict = verdict(of: event) else { return event.line }
        return TopLevelMember.replacing("verdict", with: JSONLinesEncoder.member(verdict), in: event.line)
    }

    private func owner(_ executable: String) -> Owner? {
        guard !executable.isEmpty else { return nil }
        if let known = owners[executable] { return known }
        let process = ProcessIdentity(
            key: ProcessKey(tgid: 0, startTime: 0), parent: nil, parentTgid: 0, user: 0, group: 0, name: [],
            executable: Array(executable.utf8), cgroup: nil
        )
        let owner = Owner(process: process, cgroup: nil)
        owners[executable] = owner
        return owner
    }
}
