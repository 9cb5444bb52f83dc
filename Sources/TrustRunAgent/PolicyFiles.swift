// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import TrustRunPolicy

/// Policies from files.
package enum PolicyFiles {
    package static func load(_ references: [String]) throws(AgentError) -> Policy {
        do {
            return try PolicyLoader.load(references) { (path: String) throws(PolicyReadFailure) in
                [UInt8]((ProcFile.read(path) ?? "").utf8)
            }
        } catch {
            throw AgentError(error.kind == .unreadable ? .noInput : .badData, "\(error)")
        }
    }
}
