// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// Tells when the files of a policy have changed, and have stayed so for a moment. Their folders are watched, since editors put new files
/// in place of old ones, and links may be turned.
final class PolicyWatch {
    /// Can be read when something happened in one of the folders; then `take`.
    let descriptor: Int32
    /// Expires when it is time to look; then `isChanged`.
    let timer: TimerDescriptor

    private static let settleMilliseconds: UInt64 = 200
    private static let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

    private var files: [String] = []
    private var known: [FileState] = []
    private var pending: [FileState]?

    private struct FileState: Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var size = 0
        var seconds = 0
        var nanoseconds = 0
    }

    init() throws(AgentError) {
        timer = try TimerDescriptor()
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard descriptor >= 0 else {
            throw AgentError(.operatingSystem, "could not watch the policy's files: \(ErrorText.of(errno))")
        }
    }

    deinit { close(descriptor) }

    /// Watches these files from now on; call it before they are read. Names of what is no file are left out.
    func watch(_ names: [String]) {
        files = names.filter { name in !name.hasPrefix("preset:") }
        known = files.map(Self.state)
        pending = nil
        for file in files {
            let folder = file.lastIndex(of: "/").map { slash in String(file[...slash]) } ?? "."
            // A folder that is watched already has one watch.
            _ = unsafe inotify_add_watch(descriptor, folder, Self.mask)
        }
    }

    /// Takes note that something happened.
    func take() {
        var bytes = [UInt8](repeating: 0, count: 16384)
        while unsafe read(descriptor, &bytes, bytes.count) > 0 {}
        if !timer.isArmed { timer.arm(milliseconds: Self.settleMilliseconds) }
    }

    /// Whether the files are others than when they were read, and nobody writes them just now.
    func isChanged() -> Bool {
        timer.take()
        let now = files.map(Self.state)
        guard now != known else {
            pending = nil
            return false
        }
        guard now == pending else {
            pending = now
            timer.arm(milliseconds: Self.settleMilliseconds)
            return false
        }
        known = now
        pending = nil
        return true
    }

    private static func state(of file: String) -> FileState {
        var status = stat()
        guard unsafe stat(file, &status) == 0 else { return FileState() }
        return FileState(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
}
