// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A process and what descends from it, as /proc has them now.
struct ProcessTree {
    /// The process first.
    let pids: [pid_t]

    /// nil: there is no such process.
    init?(of root: pid_t) {
        guard unsafe access("/proc/\(root)/stat", F_OK) == 0 else { return nil }
        var children: [pid_t: [pid_t]] = [:]
        for pid in ScopeDirectory.names(in: "/proc").compactMap({ name in pid_t(name) }) {
            if let parent = Self.parent(of: pid) { children[parent, default: []].append(pid) }
        }
        var found = [root]
        var next = 0
        while next < found.count {
            found += children[found[next]] ?? []
            next += 1
        }
        pids = found
    }

    /// The fields behind the name, which may have anything in it (proc_pid_stat(5)).
    private static func parent(of pid: pid_t) -> pid_t? {
        guard let text = ProcFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? pid_t(fields[1]) : nil
    }

    /// From the root of the cgroup v2 hierarchy; nil: it is gone.
    static func group(of pid: pid_t) -> String? {
        ProcFile.read("/proc/\(pid)/cgroup")?.split(separator: "\n")
            .first { line in line.hasPrefix("0::") }.map { line in String(line.dropFirst(3)) }
    }
}
