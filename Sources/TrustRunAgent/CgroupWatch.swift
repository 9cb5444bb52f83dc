// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// Tells when control groups appear in some folders, or go, or when the last process of one ends.
final class CgroupWatch {
    /// Can be read when something happened; then `take`.
    let descriptor: Int32

    private static let mask = UInt32(
        IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF | IN_ONLYDIR)

    init() throws(AgentError) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard descriptor >= 0 else {
            throw AgentError(.operatingSystem, "could not watch control groups: \(ErrorText.of(errno))")
        }
    }

    deinit { close(descriptor) }

    /// Watches these too; one that is watched already has one watch, and one that went has none.
    func watch(_ folders: [String]) {
        for folder in folders { _ = unsafe inotify_add_watch(descriptor, folder, Self.mask) }
    }

    /// Watches whether somebody is in a group (cgroup.events; cgroup-v2.rst).
    func watch(eventsOf folder: String) {
        _ = unsafe inotify_add_watch(descriptor, folder + "/cgroup.events", UInt32(IN_MODIFY))
    }

    func take() {
        var bytes = [UInt8](repeating: 0, count: 16384)
        while unsafe read(descriptor, &bytes, bytes.count) > 0 {}
    }
}
