// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A control group that the agent makes for one command, with all below it; gone with this.
final class ScopeDirectory {
    /// From the root of the hierarchy: `/trustrun/run-…`.
    let path: String
    /// An open descriptor of it.
    let descriptor: Int32
    /// Its directory.
    let folder: String
    private let parent: String

    /// Under which such groups are, from the root of the hierarchy.
    static let parentPath = "/trustrun"

    /// The group's id: the inode number of its directory.
    var identifier: UInt64 {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    /// How long processes may take to die.
    private static let killMilliseconds = 5000

    init(in hierarchy: CgroupHierarchy, named name: String) throws(AgentError) {
        parent = hierarchy.mountPoint + Self.parentPath
        path = "\(Self.parentPath)/\(name)"
        folder = "\(parent)/\(name)"
        // Another agent may be removing the parent just now.
        for _ in 0..<100 {
            _ = unsafe mkdir(parent, 0o755)
            if unsafe mkdir(folder, 0o755) == 0 || errno != ENOENT { break }
        }
        descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw AgentError(.notEnforced, "could not make the control group \(folder): \(ErrorText.of(errno))")
        }
    }

    deinit {
        _ = end()
        close(descriptor)
    }

    /// Moves a process in.
    func add(_ pid: UInt32) throws(AgentError) {
        guard write("\(pid)", to: folder + "/cgroup.procs") else {
            throw AgentError(.notEnforced, "could not move the command into \(path): \(ErrorText.of(errno))")
        }
    }

    /// Kills what is left in it and removes it; returns how many processes that were, nil if some would not end.
    func end() -> Int? {
        var killed: Set<pid_t> = []
        for _ in 0..<Self.killMilliseconds {
            let left = Self.processes(below: folder)
            if left.isEmpty, remove() { return killed.count }
            killed.formUnion(left)
            // All at once where the kernel can (5.14), so that none can fork away.
            if !left.isEmpty, !write("1", to: folder + "/cgroup.kill") { left.forEach { pid in kill(pid, SIGKILL) } }
            while waitpid(-1, nil, WNOHANG) > 0 {}
            usleep(1000)
        }
        return nil
    }

    private func remove() -> Bool {
        for group in Self.groups(from: folder).reversed() { _ = unsafe rmdir(group) }
        _ = unsafe rmdir(parent)  // unless it is in use
        return unsafe access(folder, F_OK) != 0
    }

    private func write(_ text: String, to path: String) -> Bool {
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        let bytes = Array(text.utf8)
        return unsafe Glibc.write(file, bytes, bytes.count) == bytes.count
    }
}
