// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement

/// Finds the instances whose agent died: tells what their gates did meanwhile, and removes those that hold nobody any more.
package enum InstanceSweep {
    /// A younger group may be one that an agent without a lock just makes.
    private static let leastAgeSeconds = 60

    /// Returns lines for the user.
    package static func run() -> [String] { CgroupHierarchy.find().map(run(in:)) ?? [] }

    static func run(in hierarchy: CgroupHierarchy) -> [String] {
        var lines: [String] = []
        do {
            for pins in try InstancePins.all() {
                // Held while it is looked at, so that nobody else does the same.
                guard let lock = try InstanceLock(pins.name) else { continue }
                if let line = describe(pins, in: hierarchy) { lines.append(line) }
                withExtendedLifetime(lock) {}
            }
            try removeEmptyGroups(in: hierarchy)
        } catch {
            lines.append(error.description)
        }
        return lines
    }

    private static func describe(_ pins: InstancePins, in hierarchy: CgroupHierarchy) -> String? {
        do throws(EnforcementError) {
            guard pins.isBegun else {
                // Its agent died before there was anything to hold.
                try pins.remove()
                return nil
            }
            let facts = try pins.facts()
            let gap = gap(of: pins, facts)
            guard try InstanceRelease.removeIfEmpty(pins, facts, in: hierarchy) else {
                return "\(pins.name) is enforced without an agent, \(gap); see trustrun-agent status"
            }
            return "\(pins.name) was enforced without an agent until its scope was empty, \(gap)"
        } catch {
            return error.description
        }
    }

    /// What was counted since the agent looked last.
    private static func gap(of pins: InstancePins, _ facts: InstanceFacts) -> String {
        do throws(EnforcementError) {
            let since = try Gate(adopting: pins).totals().since(facts.noted.totals)
            return "since \(Clock.text(of: facts.noted.time)): \(EnforcementReport.describe(since))"
        } catch {
            return error.description
        }
    }

    /// Groups that an agent made and did not come to pin.
    private static func removeEmptyGroups(in hierarchy: CgroupHierarchy) throws(EnforcementError) {
        let parent = hierarchy.mountPoint + ScopeDirectory.parentPath
        let pinned = try InstancePins.all().map(\.name)
        for name in ScopeDirectory.names(in: parent) where InstancePins.isName(name) && !pinned.contains(name) {
            let folder = "\(parent)/\(name)"
            guard ScopeDirectory.age(of: folder) > leastAgeSeconds, let lock = try InstanceLock(name) else { continue }
            ScopeDirectory.removeEmpty(folder)
            withExtendedLifetime(lock) {}
        }
        _ = unsafe rmdir(parent)  // unless it is in use
    }
}
