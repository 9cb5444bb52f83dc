// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A process that runs already, with what descends from it, in a control group that holds nothing else. One thread owns it.
package final class WatchedProcess {
    /// From the root of the hierarchy.
    package let path: String
    /// Whether the group was made for it.
    package let isMoved: Bool
    private let hierarchy: CgroupHierarchy
    /// Where each came from.
    private var origins: [(pid: pid_t, path: String)] = []

    /// Takes the process's own group, or moves it with its descendants into one of their own. Throws if it cannot be, and then nothing has moved.
    package init(_ pid: Int32) throws(AgentError) {
        guard let hierarchy = CgroupHierarchy.find() else {
            throw AgentError(
                .notEnforced, "no cgroup v2 hierarchy is mounted; mount one: mount -t cgroup2 none /sys/fs/cgroup")
        }
        self.hierarchy = hierarchy
        guard let tree = ProcessTree(of: pid), let own = ProcessTree.group(of: pid) else {
            throw AgentError(.noInput, "there is no process \(pid)")
        }
        guard !tree.pids.contains(getpid()) else {
            throw AgentError(
                .usage, "this agent descends from process \(pid): watch a process that it does not descend from")
        }
        let folder = hierarchy.mountPoint + own
        if own != "/", Set(ScopeDirectory.processes(below: folder)).isSubset(of: tree.pids) {
            path = own
            isMoved = false
            return
        }
        let name = "watch-\(pid)-" + String(UInt32.random(in: .min ... .max), radix: 16)
        let scope = try ScopeDirectory(in: hierarchy, named: name, endsWithThis: false)
        path = scope.group.path
        isMoved = true
        do throws(AgentError) {
            try move(pid, into: scope.group)
        } catch {
            moveBack()
            throw error
        }
    }

    /// What is forked by one that was moved is there already; what was forked before is found in the next round.
    private func move(_ root: pid_t, into group: ControlGroup) throws(AgentError) {
        while true {
            guard let tree = ProcessTree(of: root) else { throw AgentError(.noInput, "process \(root) has ended") }
            var isDone = true
            for pid in tree.pids {
                guard let origin = ProcessTree.group(of: pid), origin != path, !origin.hasPrefix(path + "/") else {
                    continue
                }
                do {
                    try group.add(UInt32(pid))
                } catch {
                    if kill(pid, 0) != 0 { continue }
                    throw error
                }
                origins.append((pid, origin))
                isDone = false
            }
            if isDone { return }
        }
    }

    /// Puts everybody back where they came from, and removes the group.
    package func moveBack() {
        guard isMoved else { return }
        for (pid, origin) in origins.reversed() {
            if let group = try? ControlGroup(origin, in: hierarchy) { try? group.add(UInt32(pid)) }
        }
        removeIfEmpty()
    }

    /// Removes the group if it was made for the process and nobody is left in it.
    package func removeIfEmpty() {
        guard isMoved else { return }
        let folder = hierarchy.mountPoint + path
        if !ScopeDirectory.isPopulated(folder) { ScopeDirectory.removeEmpty(folder) }
        _ = unsafe rmdir(hierarchy.mountPoint + ScopeDirectory.parentPath)  // unless it is in use
    }
}
