// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A control group that the agent makes, with all below it.
final class ScopeDirectory {
    let name: String
    let group: ControlGroup
    private let parent: String
    private let endsWithThis: Bool

    /// Under which such groups are, from the root of the hierarchy.
    static let parentPath = "/trustrun"

    /// How long processes may take to die.
    private static let killMilliseconds = 5000

    /// `endsWithThis`: its processes are killed and it is gone with this.
    init(in hierarchy: CgroupHierarchy, named name: String, endsWithThis: Bool = true) throws(AgentError) {
        self.name = name
        self.endsWithThis = endsWithThis
        parent = hierarchy.mountPoint + Self.parentPath
        let path = "\(Self.parentPath)/\(name)"
        // Another agent may be removing the parent just now.
        for _ in 0..<100 {
            _ = unsafe mkdir(parent, 0o755)
            if unsafe mkdir(hierarchy.mountPoint + path, 0o755) == 0 || errno != ENOENT { break }
        }
        group = try ControlGroup(path, in: hierarchy)
    }

    deinit {
        if endsWithThis { _ = end() }
    }

    /// Kills what is left in it and removes it; returns how many processes that were, nil if some would not end.
    func end() -> Int? {
        var killed: Set<pid_t> = []
        for _ in 0..<Self.killMilliseconds {
            let left = Self.processes(below: group.folder)
            if left.isEmpty, remove() { return killed.count }
            killed.formUnion(left)
            // All at once where the kernel can (5.14), so that none can fork away.
            if !left.isEmpty, !group.write("1", to: "cgroup.kill") { left.forEach { pid in kill(pid, SIGKILL) } }
            while waitpid(-1, nil, WNOHANG) > 0 {}
            usleep(1000)
        }
        return nil
    }

    private func remove() -> Bool {
        for group in Self.groups(from: group.folder).reversed() { _ = unsafe rmdir(group) }
        _ = unsafe rmdir(parent)  // unless it is in use
        return unsafe access(group.folder, F_OK) != 0
    }
}
