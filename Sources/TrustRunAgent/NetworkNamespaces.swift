// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The network namespaces of some processes, open for as long as this lives.
final class NetworkNamespaces {
    /// One of each.
    private(set) var descriptors: [Int32] = []

    /// Processes that end meanwhile are left out: their sockets end too, or another process has them.
    init(of processes: [pid_t]) {
        var known: Set<UInt64> = []
        for process in processes {
            let descriptor = unsafe open("/proc/\(process)/ns/net", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0, known.insert(UInt64(status.st_ino)).inserted else {
                close(descriptor)
                continue
            }
            descriptors.append(descriptor)
        }
    }

    deinit { descriptors.forEach { descriptor in close(descriptor) } }
}
