// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A control group that is there, open for as long as this lives. Another one of the same path later is another one.
final class ControlGroup {
    /// From the root of the hierarchy; `/` is the root.
    let path: String
    /// Its directory.
    let folder: String
    /// An open descriptor of that.
    let descriptor: Int32
    /// The inode number of that.
    let identifier: UInt64

    init(_ path: String, in hierarchy: CgroupHierarchy) throws(AgentError) {
        self.path = path
        folder = path == "/" ? hierarchy.mountPoint : hierarchy.mountPoint + path
        descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else {
            throw AgentError(.notEnforced, "could not open the control group \(folder): \(ErrorText.of(errno))")
        }
        identifier = UInt64(status.st_ino)
    }

    deinit { close(descriptor) }

    /// Whether it has not been removed.
    var isThere: Bool { ScopeDirectory.identifier(of: folder) == identifier }

    /// Moves a process in.
    func add(_ pid: UInt32) throws(AgentError) {
        guard write("\(pid)", to: "cgroup.procs") else {
            throw AgentError(.notEnforced, "could not move process \(pid) into \(path): \(ErrorText.of(errno))")
        }
    }

    /// Writes to one of its files; false with errno: it could not.
    func write(_ text: String, to name: String) -> Bool {
        let file = unsafe openat(descriptor, name, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        let bytes = Array(text.utf8)
        return unsafe Glibc.write(file, bytes, bytes.count) == bytes.count
    }
}
