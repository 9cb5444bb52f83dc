// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc
internal import TrustRunSinks

/// A new file that appears whole or not at all, and never in the place of another.
@safe final class PolicyOutput {
    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var isPublished = false

    /// Makes sure that the file can be made; whoever called sudo will own it.
    init(_ path: String, for invoker: Invoker?) throws(AgentError) {
        self.path = path
        var facts = stat()
        guard unsafe lstat(path, &facts) != 0 else {
            throw AgentError(
                .cannotCreate, "\(path) exists and is never overwritten; move it away, or choose another with --output")
        }
        var template = Array("\(path).XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else {
            throw AgentError(.cannotCreate, "\(path) cannot be made: \(ErrorText.of(errno))")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        temporary = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        if let invoker { fchown(descriptor, invoker.user.uid, invoker.user.gid) }
    }

    deinit {
        close(descriptor)
        if !isPublished { unsafe unlink(temporary) }
    }

    /// Writes the file and gives it its name; only its owner may read it.
    func publish(_ text: String) throws(AgentError) {
        let bytes = Array(text.utf8)
        let failure = unsafe DescriptorWriter.write(bytes.span.bytes, to: descriptor)
        guard failure == 0, fsync(descriptor) == 0 else {
            throw AgentError(
                .inputOutput, "\(path) could not be written: \(ErrorText.of(failure == 0 ? errno : failure))")
        }
        let result = unsafe tr_rename_new(temporary, path)
        guard result == 0 else {
            let why = result == -EEXIST ? "it has been made meanwhile, and is never overwritten" : ErrorText.of(-result)
            throw AgentError(.cannotCreate, "\(path) cannot be made: \(why)")
        }
        isPublished = true
    }
}
