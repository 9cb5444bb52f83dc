// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement

/// Takes gates down that outlived their agent.
package enum InstanceRelease {
    /// `names`: none: all that have no agent. Returns what was released, in words; throws for a name that has an agent, or is not there.
    package static func run(_ names: [String]) throws(AgentError) -> [String] {
        do {
            let all = try InstancePins.all()
            for name in names where !all.contains(where: { pins in pins.name == name }) {
                throw AgentError(.unavailable, "there is no instance \(name); see trustrun-agent status")
            }
            var lines: [String] = []
            for pins in all where names.isEmpty || names.contains(pins.name) {
                if let line = try release(pins, isNamed: !names.isEmpty) { lines.append(line) }
            }
            return lines
        } catch let error as AgentError {
            throw error
        } catch {
            throw AgentError(.operatingSystem, "\(error)")
        }
    }

    private static func release(_ pins: InstancePins, isNamed: Bool) throws -> String? {
        guard let lock = try InstanceLock(pins.name) else {
            guard isNamed else { return nil }
            let holder = try InstanceLock.holder(of: pins.name).map { pid in " (process \(pid))" } ?? ""
            throw AgentError(.unavailable, "the agent of \(pins.name) is alive\(holder): end it instead")
        }
        defer { withExtendedLifetime(lock) {} }
        // Of another version nothing but the pins is known.
        let facts = try? pins.facts()
        try pins.release()
        guard let facts, let hierarchy = CgroupHierarchy.find() else { return "released \(pins.name)" }
        let folder = hierarchy.mountPoint + facts.scope
        if facts.ownsScope { ScopeDirectory.removeEmpty(folder, below: hierarchy) }
        return "released \(pins.name)"
            + (ScopeDirectory.isPopulated(folder) ? "; what runs in \(facts.scope) is not held any more" : "")
    }

    /// Removes an instance whose scope is gone, or was made for it and is empty. The caller has its lock. A path that is not there says
    /// nothing: the scope may be out of sight.
    static func removeIfEmpty(
        _ pins: InstancePins, _ facts: InstanceFacts, in hierarchy: CgroupHierarchy
    ) throws(EnforcementError) -> Bool {
        let folder = hierarchy.mountPoint + facts.scope
        if ScopeDirectory.identifier(of: folder) == facts.cgroup {
            guard facts.ownsScope, !ScopeDirectory.isPopulated(folder) else { return false }
            // Sockets may be left.
            let group = try? ControlGroup(facts.scope, in: hierarchy)
            if let group { try SocketGuard.leave(on: group.descriptor) }
            try pins.remove()
            ScopeDirectory.removeEmpty(folder, below: hierarchy)
            if let group, group.isThere { SocketGuard.take(off: group.descriptor) }
        } else {
            guard try Gate(adopting: pins).isOff() else { return false }
            try pins.remove()
        }
        return true
    }
}
