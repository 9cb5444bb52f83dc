// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import TrustRunPolicy

/// Policies from files.
package enum PolicyFiles {
    /// Loads what a command line names: files and `preset:NAME(parameter=value,...)`, the first with the others inherited.
    package static func load(_ references: [String]) throws(PolicyError) -> Policy {
        try PolicyLoader.load(references, read: read)
    }

    /// The same, with the error that a command ends with.
    static func loadOrFail(_ references: [String]) throws(AgentError) -> Policy {
        do {
            return try load(references)
        } catch {
            throw AgentError(error)
        }
    }

    /// The form of a policy that is asked; one that is larger than that can be is wrong, as one that does not load.
    static func compile(_ policy: Policy) throws(PolicyError) -> CompiledPolicy {
        do throws(PolicyLimitError) {
            return try CompiledPolicy(policy)
        } catch {
            throw PolicyError(error, in: policy)
        }
    }

    /// The bytes of a file, or of whatever else can be read to its end.
    static func read(_ path: String) throws(PolicyReadFailure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        // The loader refuses what is longer than a document may be.
        while bytes.count <= PolicyLoader.maximumByteCount {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    private static func failure(_ errorNumber: Int32) -> PolicyReadFailure {
        PolicyReadFailure(reason: unsafe String(cString: strerror(errorNumber)))
    }
}

extension AgentError {
    /// Why a policy does not load, with the exit status of its kind.
    package init(_ error: PolicyError) {
        switch error.kind {
        case .invalid: self.init(.badData, error.description)
        case .unreadable: self.init(.noInput, error.description)
        }
    }
}
