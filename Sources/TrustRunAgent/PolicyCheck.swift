// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSinks

/// How one policy is: whether it loads, and what is odd about it.
struct PolicyCheck {
    let reference: String
    private(set) var policy: Policy?
    private(set) var error: PolicyError?

    init(_ reference: String) {
        self.reference = reference
        do {
            policy = try PolicyFiles.load([reference])
        } catch {
            self.error = error
        }
    }

    /// A line for a policy that loads; errors go to stderr.
    var text: String {
        guard let policy else { return "" }
        let own = policy.rules.count { rule in rule.origin.document == 0 }
        let rules = "\(policy.rules.count) rule\(policy.rules.count == 1 ? "" : "s")"
        let documents = "\(policy.documents.count) document\(policy.documents.count == 1 ? "" : "s")"
        return """
            \(policy.documents[0].label): ok: \(rules) (\(own) of its own) in \(documents), default \
            \(policy.settings.defaultAction.value.text)

            """
    }

    /// One object on one line, with a member for each policy.
    static func writeJSON(_ checks: [PolicyCheck], to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "schema", "trustrun.policy-check.v1")
        buffer.append(member: "ok", checks.allSatisfy { check in check.error == nil })
        buffer.append(list: "policies", checks) { check, buffer in check.writeJSON(to: &buffer) }
        buffer.append("}\n")
    }

    private func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "reference", reference)
        buffer.append(member: "ok", error == nil)
        if let policy {
            buffer.append(member: "name", policy.name)
            buffer.append(member: "rules", policy.rules.count)
            buffer.append(member: "own_rules", policy.rules.count { rule in rule.origin.document == 0 })
            buffer.append(list: "documents", policy.documents.map(\.label))
            buffer.append(member: "default", "\(policy.settings.defaultAction.value.text)")
        }
        if let error {
            buffer.append(object: "error") { buffer in
                buffer.append(member: "document", error.label)
                if let line = error.line, let column = error.column {
                    buffer.append(member: "line", line)
                    buffer.append(member: "column", column)
                }
                buffer.append(member: "message", error.message)
            }
        }
        buffer.append("}")
    }
}
