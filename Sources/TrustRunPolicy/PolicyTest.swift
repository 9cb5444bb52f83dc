// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// What a policy is expected to say of some destinations, kept beside it in a file.
package struct PolicyTest: Sendable {
    /// The file's path as messages name it.
    package var label: String
    /// What it tests, for `PolicyLoader.load`; empty if the file does not say.
    package var policies: [String]
    package var expectations: [Expectation]

    /// One destination and what is expected of it.
    package struct Expectation: Sendable {
        /// As written.
        package var destination: String
        package var question: PolicyQuestion
        package var action: PolicyAction
        /// The id of the rule that must decide, `default` for none; nil: any.
        package var rule: String?
        /// Where it stands in its file, counted from 1.
        package var line: Int
        package var column: Int
    }

    /// What came of one expectation.
    package struct Outcome: Sendable {
        package var expectation: Expectation
        package var decision: Decision
        /// The id of the rule that decided, or `default`.
        package var decider: String
        package var holds: Bool
    }

    /// Asks the policy; one outcome for each expectation, in their order.
    package func run(on policy: CompiledPolicy) -> [Outcome] {
        expectations.map { expectation in
            let decision = policy.decide(expectation.question)
            let decider = decision.rule.map { rule in policy.policy.rules[rule].id } ?? Self.defaultDecider
            let holds = decision.action == expectation.action && decider == expectation.rule ?? decider
            return Outcome(expectation: expectation, decision: decision, decider: decider, holds: holds)
        }
    }

    static let defaultDecider = "default"
}

extension PolicyTest.Outcome {
    /// What was expected, what came and why, in lines without an end.
    package func difference(in policy: Policy, label: String) -> [String] {
        let place = "\(label):\(expectation.line):\(expectation.column)"
        var lines = ["\(place): \(expectation.destination)\(conditions)"]
        lines.append("  expected  \(expectation.action.text)\(expectedRule(in: policy))")
        lines.append("  got       \(decision.action.text) by \(decider)\(origin(in: policy))")
        lines.append("  because   \(why(in: policy))")
        return lines.map { line in PrintableText.of(line) }
    }

    private func expectedRule(in policy: Policy) -> String {
        guard let id = expectation.rule else { return "" }
        let isThere = id == PolicyTest.defaultDecider || policy.rules.contains { rule in rule.id == id }
        return " by \(id)\(isThere ? "" : ", which the policy does not have")"
    }

    private var conditions: String {
        let question = expectation.question
        var text = " \(question.transport == .udp ? "udp" : "tcp")"
        if question.direction == .inbound { text += ", inbound" }
        if let executable = question.executable { text += ", process \(executable)" }
        return text
    }

    private func origin(in policy: Policy) -> String {
        guard let index = decision.rule else { return "" }
        let origin = policy.rules[index].origin
        let label =
            policy.documents.indices.contains(origin.document) ? policy.documents[origin.document].label : policy.name
        let reason = policy.rules[index].reason.map { reason in ": \(reason)" } ?? ""
        return " (\(label):\(origin.line)\(reason))"
    }

    private func why(in policy: Policy) -> String {
        switch decision.basis {
        case .address where decision.action >= .block && expectation.question.name != nil:
            "the longest prefix that matches the address refuses, and that goes before names"
        case .address: "no name rule takes part, and this prefix is the longest that matches the address"
        case .name:
            "of the rules that match the name and take part, this one is the most specific, or the first of such"
        case .any: "no name or address rule takes part"
        case .defaults: "no rule takes part"
        }
    }
}
