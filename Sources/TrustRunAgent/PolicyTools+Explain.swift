// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSinks

extension PolicyTools {
    /// Says what the policies say of a destination, and why. `destination` is HOST, ADDRESS or HOST@ADDRESS, each with :PORT or without.
    package static func explain(
        _ destination: String, policies: [String], transport: TransportProtocol, executable: String?, isInbound: Bool,
        asJSON: Bool
    ) throws(AgentError) {
        let asked: DestinationText
        do throws(ReferenceError) {
            asked = try DestinationText(destination)
        } catch {
            throw AgentError(.usage, error.message)
        }
        let policy = try PolicyFiles.loadOrFail(policies)
        let explanation = policy.explain(
            PolicyQuestion(
                address: asked.address, port: asked.port, transport: transport, name: asked.name,
                executable: executable, direction: isInbound ? .inbound : .outbound))
        if asJSON {
            try StandardOutput.write { buffer in explanation.writeJSON(to: &buffer) }
        } else {
            try StandardOutput.write(explanation.lines.joined(separator: "\n") + "\n")
        }
    }
}

extension Explanation {
    /// One object on one line.
    func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "schema", "trustrun.policy-explain.v1")
        buffer.append(object: "destination") { buffer in
            buffer.append(member: "name", ifAny: question.name.map { name in "\(name)" })
            buffer.append(member: "address", ifAny: question.address.map { address in "\(address)" })
            if let port = question.port { buffer.append(member: "port", Int(port)) }
            buffer.append(member: "protocol", "\(question.transport.policyWord)")
            buffer.append(member: "executable", ifAny: question.executable)
            buffer.append(member: "direction", question.direction == .inbound ? "inbound" : "outbound")
        }
        buffer.append(object: "verdict") { buffer in
            buffer.append(member: "action", "\(decision.action.text)")
            buffer.append(member: "basis", decision.basis.word)
            buffer.append(member: "rule", ifAny: rule?.id)
            buffer.append(member: "reason", ifAny: rule?.reason)
        }
        buffer.append(list: "rules", matches) { match, buffer in
            let rule = rule(of: match)
            buffer.append("{")
            buffer.append(member: "rule", rule.id)
            buffer.append(member: "place", place(of: rule))
            buffer.append(member: "match", match.pattern.text)
            buffer.append(member: "action", "\(rule.action.text)")
            switch match.outcome {
            case .won: buffer.append(member: "outcome", "won")
            case .lost(let why):
                buffer.append(member: "outcome", "lost")
                buffer.append(member: "because", why)
            case .unfit(let why):
                buffer.append(member: "outcome", "unfit")
                buffer.append(member: "because", why)
            }
            buffer.append("}")
        }
        buffer.append(list: "notes", notes)
        buffer.append("}\n")
    }
}

extension DecisionBasis {
    fileprivate var word: String {
        switch self {
        case .address: "address"
        case .name: "name"
        case .any: "any"
        case .defaults: "default"
        }
    }
}
