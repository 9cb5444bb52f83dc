// SPDX-License-Identifier: Apache-2.0

/// A policy that is larger than what can be compiled; nothing of it is in force.
package struct PolicyLimitError: Error, CustomStringConvertible, Equatable {
    /// What there is too much of, how much may be, and what to do.
    package let message: String
    /// The rule with which the policy went beyond, if it was one.
    package let origin: Origin?

    package var description: String { message }

    init(_ excess: String, _ limit: Int, _ remedy: String, _ rule: Rule?) {
        let place = rule.map { rule in " (at rule \(rule.id))" } ?? ""
        message = "the policy has \(excess) than the \(limit) that it may have\(place); \(remedy)"
        origin = rule?.origin
    }
}

extension PolicyError {
    /// The same, with the place of the rule that went beyond.
    package init(_ error: PolicyLimitError, in policy: Policy) {
        let root = policy.documents.first?.label ?? policy.name
        guard let origin = error.origin, policy.documents.indices.contains(origin.document) else {
            self.init(label: root, message: error.message)
            return
        }
        self.init(
            label: policy.documents[origin.document].label, line: origin.line, column: origin.column,
            message: error.message)
    }
}
