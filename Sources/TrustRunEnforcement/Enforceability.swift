// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents
package import TrustRunPolicy

/// What of a policy the gates cannot do: such a policy is not enforced at all.
package enum Enforceability {
    /// Throws what the first thing is that the gates cannot do.
    ///
    /// - Parameters:
    ///   - resolvers: Those that DNS may go to.
    ///   - canKill: Whether the gate may kill on this kernel.
    package static func check(
        _ policy: Policy, resolvers: [IPAddress], canKill: Bool
    ) throws(PolicyError) {
        for rule in policy.rules {
            if rule.action == .kill, !canKill {
                throw error(
                    "rule \(rule.id) kills, which this kernel does not let its gates do; use block", rule.origin, policy
                )
            }
        }
        try checkProcesses(policy)
        try checkSettings(policy.settings, policy, canKill: canKill)
        guard resolvers.count <= KernelTables.maximumResolvers else {
            throw error(
                "more resolvers than the \(KernelTables.maximumResolvers) that there may be",
                policy.settings.resolvers.origin, policy)
        }
    }

    private static func checkProcesses(_ policy: Policy) throws(PolicyError) {
        var globs: Set<PathGlob> = []
        var states = 0
        for rule in policy.rules {
            guard let glob = rule.process, globs.insert(glob).inserted else { continue }
            states += PathGlobStates.stateCount(of: glob)
            guard states <= PathGlobStates.maximumStates else {
                throw error(
                    "with rule \(rule.id), the different `process` globs have more than the \(PathGlobStates.maximumStates) characters "
                        + "that the kernel holds, stars left out and one for each glob added; use fewer or shorter ones",
                    rule.origin, policy)
            }
        }
    }

    private static func checkSettings(
        _ settings: PolicySettings, _ policy: Policy, canKill: Bool
    ) throws(PolicyError) {
        if let content = settings.content.first {
            throw error(
                "`content` is not enforced so far, since nothing reads plaintext; leave it out", content.origin, policy)
        }
        if settings.defaultAction.value == .kill, !canKill {
            throw error(
                "the default action kills, which this kernel does not let its gates do; use block",
                settings.defaultAction.origin, policy)
        }
    }

    private static func error(_ message: String, _ origin: Origin?, _ policy: Policy) -> PolicyError {
        guard let origin, policy.documents.indices.contains(origin.document) else {
            return PolicyError(label: policy.documents.first?.label ?? policy.name, message: message)
        }
        return PolicyError(
            label: policy.documents[origin.document].label, line: origin.line, column: origin.column, message: message)
    }
}
