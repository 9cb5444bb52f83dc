// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What the tasks of a control group could do in spite of gates: capabilities, network namespaces, and sockets that they have already. Read
/// once; tasks that come or go meanwhile may be missing.
package struct ScopeInspection: Sendable {
    /// The capabilities that reach around the gates (capabilities(7)).
    static let dangerous: [(name: String, bit: UInt64)] = [
        ("CAP_NET_ADMIN", 12), ("CAP_NET_RAW", 13), ("CAP_SYS_MODULE", 16), ("CAP_SYS_PTRACE", 19),
        ("CAP_SYS_ADMIN", 21),
        ("CAP_BPF", 39),
    ]

    package struct Process: Sendable, Equatable {
        package let pid: UInt32
        /// Those of its threads, in the agent's own user namespace, that reach around the gates; what is permitted counts, since it can be
        /// made effective.
        package internal(set) var capabilities: [String]
        /// Inode numbers of nsfs, of all of its threads.
        package internal(set) var networkNamespaces: Set<UInt64>
        package internal(set) var sockets: [HeldSocket]
    }

    /// In the order of their ids.
    package let processes: [Process]
    /// Tasks that were there and could not be read: nothing is known of them.
    package let unreadable: [UInt32]

    /// - Parameter folder: The control group's directory; all below it counts too.
    package init(folder: String) {
        var inspected: [UInt32: Process] = [:]
        var inodes: [UInt32: Set<UInt64>] = [:]
        var tables: [UInt64: SocketTable] = [:]
        var unreadable: [UInt32] = []
        for task in Self.tasks(in: folder) {
            guard let facts = TaskFacts(task) else {
                if unsafe access("/proc/\(task)", F_OK) == 0 { unreadable.append(task) }
                continue
            }
            if tables[facts.networkNamespace] == nil {
                tables[facts.networkNamespace] = SocketTable(folder: "/proc/\(task)/net")
            }
            var process =
                inspected[facts.process]
                ?? Process(pid: facts.process, capabilities: [], networkNamespaces: [], sockets: [])
            for name in facts.capabilities where !process.capabilities.contains(name) {
                process.capabilities.append(name)
            }
            process.networkNamespaces.insert(facts.networkNamespace)
            inspected[facts.process] = process
            inodes[facts.process, default: []].formUnion(facts.sockets)
        }
        self.unreadable = unreadable
        processes = inspected.values.sorted { left, right in left.pid < right.pid }.map { process in
            var process = process
            process.sockets = (inodes[process.pid] ?? []).sorted().compactMap { inode in
                guard let known = tables.values.lazy.compactMap({ table in table.sockets[inode] }).first else {
                    return HeldSocket(inode: inode, kind: .unknown, state: .unconnected, local: nil, peer: nil)
                }
                return known
            }
            return process
        }
    }

    /// Each capability that some have, and who: why gates over them are degraded.
    package var empowered: [(capability: String, pids: [UInt32])] {
        Self.dangerous.compactMap { capability in
            let pids = processes.filter { process in process.capabilities.contains(capability.name) }.map(\.pid)
            return pids.isEmpty ? nil : (capability.name, pids)
        }
    }

    /// The ids of tasks in the group and all below it.
    private static func tasks(in folder: String) -> [UInt32] {
        CgroupHierarchy(mountPoint: folder).groups().flatMap { group in
            let path = String(decoding: group.path, as: UTF8.self)
            let text = ProcFile.read("\(folder)\(path == "/" ? "" : path)/cgroup.threads") ?? ""
            return text.split(separator: "\n").compactMap { line in UInt32(line) }
        }
    }

    static func capabilities(status: String) -> [String] {
        let sets = ["CapPrm:", "CapEff:"].compactMap { key in value(of: key, in: status) }
        let held = sets.compactMap { digits in UInt64(digits, radix: 16) }.reduce(0, |)
        return dangerous.filter { capability in held >> capability.bit & 1 == 1 }.map(\.name)
    }

    fileprivate static func value(of key: String, in status: String) -> Substring? {
        status.split(separator: "\n").first { line in line.hasPrefix(key) }?.split(separator: "\t").last
    }
}

/// What /proc says of one task.
private struct TaskFacts {
    let process: UInt32
    let capabilities: [String]
    let networkNamespace: UInt64
    /// Inode numbers.
    let sockets: Set<UInt64>

    init?(_ task: UInt32) {
        guard let status = ProcFile.read("/proc/\(task)/status"),
            let process = ScopeInspection.value(of: "Tgid:", in: status).flatMap({ text in UInt32(text) }),
            let network = Self.inode(of: "/proc/\(task)/ns/net"), let user = Self.inode(of: "/proc/\(task)/ns/user"),
            let sockets = Self.sockets(of: task)
        else { return nil }
        self.process = process
        // Whoever is root of a user namespace of his own has power there alone.
        capabilities = user == Self.inode(of: "/proc/self/ns/user") ? ScopeInspection.capabilities(status: status) : []
        networkNamespace = network
        self.sockets = sockets
    }

    private static func inode(of path: String) -> UInt64? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    private static func sockets(of task: UInt32) -> Set<UInt64>? {
        guard let directory = unsafe opendir("/proc/\(task)/fd") else { return nil }
        defer { unsafe closedir(directory) }
        var found: Set<UInt64> = []
        while let entry = unsafe readdir(directory) {
            var status = stat()
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            }
            // Not a link's text: what it leads to.
            guard name != ".", name != "..", unsafe fstatat(dirfd(directory), name, &status, 0) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFSOCK { found.insert(UInt64(status.st_ino)) }
        }
        return found
    }
}
