// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSinks

extension PolicyTestRun {
    /// One object on one line, with a member for each file.
    static func writeJSON(_ runs: [PolicyTestRun], to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "schema", "trustrun.policy-test.v1")
        buffer.append(member: "ok", runs.allSatisfy(\.holds))
        buffer.append(list: "files", runs) { run, buffer in run.writeJSON(to: &buffer) }
        buffer.append("}\n")
    }

    private func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "file", file)
        buffer.append(member: "ok", holds)
        if let policy {
            buffer.append(list: "documents", policy.documents.map(\.label))
            buffer.append(member: "failed", outcomes.count { outcome in !outcome.holds })
            buffer.append(list: "expectations", outcomes) { outcome, buffer in write(outcome, policy, to: &buffer) }
        }
        if let error { buffer.append(member: "error", error) }
        buffer.append("}")
    }

    private func write(_ outcome: PolicyTest.Outcome, _ policy: Policy, to buffer: inout OutputBuffer) {
        let expectation = outcome.expectation
        buffer.append("{")
        buffer.append(member: "destination", expectation.destination)
        buffer.append(member: "protocol", expectation.question.transport == .udp ? "udp" : "tcp")
        buffer.append(member: "direction", expectation.question.direction == .inbound ? "inbound" : "outbound")
        buffer.append(member: "process", ifAny: expectation.question.executable)
        buffer.append(member: "line", expectation.line)
        buffer.append(member: "column", expectation.column)
        buffer.append(object: "expected") { buffer in
            buffer.append(member: "action", "\(expectation.action.text)")
            buffer.append(member: "rule", ifAny: expectation.rule)
        }
        buffer.append(object: "got") { buffer in
            buffer.append(member: "action", "\(outcome.decision.action.text)")
            buffer.append(member: "rule", outcome.decider)
            buffer.append(member: "reason", ifAny: outcome.decision.rule.flatMap { rule in policy.rules[rule].reason })
        }
        buffer.append(member: "holds", outcome.holds)
        buffer.append("}")
    }
}
