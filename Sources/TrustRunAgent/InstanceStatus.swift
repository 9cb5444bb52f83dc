// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunSinks

/// An instance that is pinned in the kernel, whether its agent lives or not.
package struct InstanceStatus {
    let name: String
    /// The agent's process; nil: it is gone.
    let agent: Int32?
    /// nil: another version of the agent made it, and no more is known.
    let facts: InstanceFacts?
    let generation: UInt32
    let totals: Gate.Totals
    let outcomes: [GateOutcome]
    /// Whether a process runs in the scope; nil: the scope is not to be seen.
    let isPopulated: Bool?

    /// Every instance, by name.
    package static func all() throws(AgentError) -> [InstanceStatus] {
        do {
            let mountPoint = CgroupHierarchy.find()?.mountPoint
            var found: [InstanceStatus] = []
            for pins in try InstancePins.all() {
                // One that went meanwhile is none.
                if let status = try read(pins, mountPoint) { found.append(status) }
            }
            return found
        } catch {
            throw AgentError(.operatingSystem, error.description)
        }
    }

    private static func read(_ pins: InstancePins, _ mountPoint: String?) throws(EnforcementError) -> InstanceStatus? {
        let agent = try InstanceLock.holder(of: pins.name)
        guard pins.isThere else { return nil }
        do {
            var status = try read(pins, agent, mountPoint)
            // While a proof is under way, some of what is counted is its own.
            for _ in 0..<settleTries {
                if try agent == nil || status.isSettled(pins.facts()) { break }
                usleep(10_000)
                status = try read(pins, agent, mountPoint)
            }
            return status
        } catch {
            guard pins.isThere else { return nil }
            return InstanceStatus(
                name: pins.name, agent: agent, facts: nil, generation: 0, totals: .none, outcomes: [], isPopulated: nil)
        }
    }

    private static let settleTries = 100

    /// Whether nothing was proven while it was read, if these are the facts afterwards.
    private func isSettled(_ later: InstanceFacts) -> Bool {
        facts?.isProving == false && !later.isProving && facts?.noted.time == later.noted.time
    }

    private static func read(
        _ pins: InstancePins, _ agent: Int32?, _ mountPoint: String?
    ) throws(EnforcementError) -> InstanceStatus {
        let facts = try pins.facts()
        let gate = try Gate(adopting: pins)
        let folder = (mountPoint ?? "") + facts.scope
        return InstanceStatus(
            name: pins.name, agent: agent, facts: facts, generation: gate.generation, totals: try gate.totals(),
            outcomes: gate.outcomes(),
            isPopulated: ScopeDirectory.identifier(of: folder) == facts.cgroup
                ? ScopeDirectory.isPopulated(folder) : nil)
    }

    /// Writes all to stdout. `withOutcomes`: in JSON, what was refused or recorded too.
    package static func show(asJSON: Bool, withOutcomes: Bool) throws(AgentError) {
        let all = try all()
        guard asJSON else {
            return try StandardOutput.write(
                all.isEmpty ? "nothing is enforced\n" : all.map { status in status.text + "\n" }.joined())
        }
        try StandardOutput.write { buffer in
            buffer.append("{")
            buffer.append(member: "schema", "trustrun.status.v1")
            buffer.append(list: "instances", all) { status, buffer in
                status.writeJSON(to: &buffer, withOutcomes: withOutcomes)
            }
            buffer.append("}\n")
        }
    }

    private var text: String {
        let holder = agent.map { pid in "agent \(pid)" } ?? "no agent"
        guard let facts else {
            return
                "\(name)  \(holder)  made by another version of the agent; remove it with: trustrun-agent release \(name)"
        }
        var words = [
            name, holder, "policy \(facts.policy) (generation \(generation))", "scope \(facts.scope)",
            "since \(Clock.text(of: facts.began))",
            facts.proven > 0 ? "proven \(Clock.text(of: facts.proven))" : "NOT PROVEN",
            EnforcementReport.describe(totals),
        ]
        if isPopulated == false { words.append("empty") }
        if isPopulated == nil { words.append("its scope is not to be seen") }
        return words.joined(separator: "  ")
    }
}
