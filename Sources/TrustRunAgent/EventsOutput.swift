// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// Where `run` writes its events: a new file, or a descriptor that is open already.
package enum EventsTarget: Sendable, Equatable {
    case file(String)
    case descriptor(Int32)

    /// `fd:N`, or a path; nil: neither.
    package init?(text: String) {
        if text.hasPrefix("fd:") {
            guard let number = Int32(text.dropFirst(3)), number >= 0 else { return nil }
            self = .descriptor(number)
        } else {
            guard !text.isEmpty else { return nil }
            self = .file(text)
        }
    }
}

/// The open descriptor of that. A file is its invoker's, for nobody else to read, and never in the place of another.
final class EventsOutput: Sendable {
    let descriptor: Int32
    private let isFile: Bool
    /// As the user said it.
    let label: String

    init(_ target: EventsTarget, for invoker: Invoker?) throws(AgentError) {
        switch target {
        case .descriptor(let number):
            label = "fd:\(number)"
            isFile = false
            let mode = fcntl(number, F_GETFL)
            guard mode >= 0, mode & O_ACCMODE != O_RDONLY else {
                throw AgentError(
                    .notEnforced,
                    "--events fd:\(number): descriptor \(number) is not open for writing; open it, as in \(number)>FILE"
                )
            }
            descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
        case .file(let path):
            label = path
            isFile = true
            descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if descriptor < 0, errno == EEXIST {
                throw AgentError(
                    .notEnforced,
                    "\(path) exists and is never overwritten; move it away, or choose another with --events")
            }
            if descriptor >= 0, let invoker { fchown(descriptor, invoker.user.uid, invoker.user.gid) }
        }
        guard descriptor >= 0 else {
            throw AgentError(.notEnforced, "\(label) cannot be made: \(ErrorText.of(errno))")
        }
    }

    /// Takes away a file that was made and that nothing is written to.
    func discard() {
        if isFile { unsafe unlink(label) }
    }

    deinit {
        close(descriptor)
    }
}
