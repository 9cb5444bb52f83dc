// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How the agent reaches the files of other processes.
enum ProcessFiles {
    static let ownMountNamespace = mountNamespace(of: "self")

    /// The number of a process's mount namespace; nil if the process is gone.
    static func mountNamespace(of process: String) -> UInt64? {
        FileSystem.status("/proc/\(process)/ns/mnt").map { UInt64(truncatingIfNeeded: $0.st_ino) }
    }

    static func isInOwnMountNamespace(_ pid: UInt32) -> Bool {
        let namespace = mountNamespace(of: String(pid))
        return namespace != nil && namespace == ownMountNamespace
    }

    /// Calls `body` with each process, threads left out.
    static func forEachProcess(_ body: (UInt32) -> Void) {
        FileSystem.forEachName(in: "/proc", limit: .max) { name in
            if let pid = UInt32(name) { body(pid) }
        }
    }
}
