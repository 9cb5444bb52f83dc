// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSinks

/// How one policy is: whether it loads, and what is odd about it.
struct PolicyCheck {
    let reference: String
    private(set) var policy: Policy?
    private(set) var error: PolicyError?
    /// What is odd about one that loads.
    private(set) var findings: [PolicyFinding] = []

    init(_ reference: String) {
        self.reference = reference
        do {
            let policy = try PolicyFiles.load([reference])
            _ = try PolicyFiles.compile(policy)
            findings = PolicyLint.findings(in: policy, suffixes: CarriedSuffixes.shared)
            self.policy = policy
        } catch {
            self.error = error
        }
    }

    var hasWarning: Bool { findings.contains { finding in finding.severity == .warning } }

    /// A line for a policy that loads, and one for each finding; errors go to stderr.
    var text: String {
        guard let policy else { return "" }
        let own = policy.rules.count { rule in rule.origin.document == 0 }
        let rules = "\(policy.rules.count) rule\(policy.rules.count == 1 ? "" : "s")"
        let documents = "\(policy.documents.count) document\(policy.documents.count == 1 ? "" : "s")"
        return """
            \(policy.documents[0].label): ok: \(rules) (\(own) of its own) in \(documents), default \
            \(policy.settings.defaultAction.value.text)
            \(findings.map { finding in finding.text(in: policy) + "\n" }.joined())
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
            buffer.append(list: "findings", findings) { finding, buffer in
                Self.write(finding, policy, to: &buffer)
            }
        }
        if let error { buffer.append(member: "error", error) }
        buffer.append("}")
    }

    private static func write(_ finding: PolicyFinding, _ policy: Policy, to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "code", finding.code.rawValue)
        buffer.append(member: "severity", finding.severity.rawValue)
        buffer.append(member: "rule", ifAny: finding.rule)
        if let origin = finding.origin, policy.documents.indices.contains(origin.document) {
            buffer.append(member: "document", policy.documents[origin.document].label)
            buffer.append(member: "line", origin.line)
            buffer.append(member: "column", origin.column)
        }
        buffer.append(member: "message", finding.message)
        buffer.append("}")
    }
}
