// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunSinks

extension InstanceStatus {
    /// Appends one object.
    func writeJSON(to buffer: inout OutputBuffer, withOutcomes: Bool) {
        buffer.append("{")
        buffer.append(member: "name", name)
        if let agent { buffer.append(member: "agent", Int(agent)) }
        buffer.append(member: "known", facts != nil)
        if let facts {
            buffer.append(member: "policy", facts.policy)
            buffer.append(member: "generation", Int(generation))
            buffer.append(member: "scope", facts.scope)
            buffer.append(member: "populated", isPopulated ?? false)
            buffer.append(member: "since", Clock.text(of: facts.began))
            buffer.append(member: "proven", ifAny: facts.proven > 0 ? Clock.text(of: facts.proven) : nil)
            append("totals", totals, to: &buffer)
            append("noted", facts.noted.totals, to: &buffer)
            if withOutcomes { buffer.append(list: "outcomes", outcomes, Self.append) }
        }
        buffer.append("}")
    }

    private func append(_ key: String, _ totals: Gate.Totals, to buffer: inout OutputBuffer) {
        buffer.append(object: key) { buffer in
            for action in PolicyAction.allCases {
                buffer.append(member: "\(action.text)", Int(clamping: totals.actions[Int(action.rawValue)]))
            }
            buffer.append(member: "error", Int(clamping: totals.errors))
            buffer.append(member: "unlisted", Int(clamping: totals.unlisted))
        }
    }

    private static func append(_ outcome: GateOutcome, to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "gate", "\(outcome.gate)")
        buffer.append(member: "action", outcome.action.map { action in "\(action.text)" } ?? "error")
        if case .rule(let index) = outcome.basis { buffer.append(member: "rule", index) }
        buffer.append(member: "address", "\(outcome.address)")
        buffer.append(member: "port", Int(outcome.port))
        buffer.append(member: "protocol", Int(outcome.transport))
        buffer.append(member: "generation", Int(outcome.generation))
        buffer.append(member: "count", Int(clamping: outcome.count))
        buffer.append("}")
    }
}
