// SPDX-License-Identifier: Apache-2.0
internal import TrustRunPolicy
internal import TrustRunSinks

extension OutputBuffer {
    /// What is wrong with a document, and where.
    mutating func append(member key: String, _ error: PolicyError) {
        append(object: key) { buffer in
            buffer.append(member: "document", error.label)
            if let line = error.line, let column = error.column {
                buffer.append(member: "line", line)
                buffer.append(member: "column", column)
            }
            buffer.append(member: "message", error.message)
        }
    }
}
