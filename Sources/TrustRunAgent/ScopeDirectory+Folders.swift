// SPDX-License-Identifier: Apache-2.0
internal import Glibc

// Control groups by their folders.
extension ScopeDirectory {
    /// The group's id: the inode number of its directory; nil: it is not there.
    static func identifier(of folder: String) -> UInt64? {
        var status = stat()
        return unsafe stat(folder, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// Seconds since a group was changed last; 0: it is not there.
    static func age(of folder: String) -> Int {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { return 0 }
        return Int(Clock.wall / 1_000_000_000) - status.st_mtim.tv_sec
    }

    /// Whether a process runs in a group or below.
    static func isPopulated(_ folder: String) -> Bool {
        ProcFile.read(folder + "/cgroup.events")?.split(separator: "\n").contains("populated 1") ?? false
    }

    /// Removes a group and those below, unless a process runs there.
    static func removeEmpty(_ folder: String) {
        for group in groups(from: folder).reversed() { _ = unsafe rmdir(group) }
    }

    /// The same for a group that an agent made, and the one above it unless that is in use.
    static func removeEmpty(_ folder: String, below hierarchy: CgroupHierarchy) {
        removeEmpty(folder)
        _ = unsafe rmdir(hierarchy.mountPoint + parentPath)
    }

    /// The folder and all below it, parents first.
    static func groups(from folder: String) -> [String] {
        var found = [folder]
        var next = 0
        while next < found.count {
            let group = found[next]
            next += 1
            found += names(in: group).map { name in "\(group)/\(name)" }
        }
        return found
    }

    /// The processes of a group and of those below.
    static func processes(below folder: String) -> [pid_t] {
        groups(from: folder).flatMap { group in
            (ProcFile.read(group + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { line in pid_t(line) }
        }
    }

    /// The names of the groups directly below.
    static func names(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
