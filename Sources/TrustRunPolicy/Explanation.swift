// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// Why a policy says what it says of one destination: every rule one of whose patterns matches, and what became of it.
package struct Explanation: Sendable {
    package let question: PolicyQuestion
    package let decision: Decision
    /// In order of preference; a rule whose name and address both match stands there twice.
    package let matches: [Match]
    /// What is not known of the destination and therefore took no part, as sentences.
    package let notes: [String]
    let policy: Policy

    /// A rule that matches.
    package struct Match: Sendable {
        /// Index into `Policy.rules`.
        package let rule: Int
        /// Of the rule's patterns of one kind the one that matches best.
        package let pattern: Pattern
        package let outcome: Outcome
    }

    package enum Outcome: Sendable, Equatable {
        case won
        /// It fits, and another is preferred: why.
        case lost(String)
        /// It takes no part: why.
        case unfit(String)
    }

    /// The rule that decided; nil: the default action did.
    package var rule: Rule? { decision.rule.map { index in policy.rules[index] } }

    package func rule(of match: Match) -> Rule { policy.rules[match.rule] }

    /// `label:line` of a rule.
    package func place(of rule: Rule) -> String {
        guard policy.documents.indices.contains(rule.origin.document) else { return "line \(rule.origin.line)" }
        return "\(policy.documents[rule.origin.document].label):\(rule.origin.line)"
    }
}

// MARK: - As text

extension Explanation {
    /// What a terminal shows, line by line.
    package var lines: [String] {
        var lines = ["\(decision.action.text)  \(destination)", "  \(verdict)"]
        let columns = matches.map { match in
            let rule = rule(of: match)
            return [
                "\(rule.action.text)", PrintableText.of(rule.id), PrintableText.of(match.pattern.text),
                words(match.outcome),
            ]
        }
        if !columns.isEmpty {
            lines += ["", "Rules that match, the best first:"]
            let widths = (0..<3).map { column in columns.map { row in row[column].count }.max() ?? 0 }
            for row in columns {
                let cells = zip(row, widths).map { text, width in
                    text + String(repeating: " ", count: width - text.count)
                }
                lines.append("  " + (cells + [row[3]]).joined(separator: "  "))
            }
        }
        if !notes.isEmpty { lines += [""] + notes }
        return lines
    }

    /// `api.openai.com at 10.0.0.1, port 443, tcp, by /usr/bin/curl`.
    private var destination: String {
        var parts: [String] = []
        switch (question.name, question.address) {
        case (let name?, let address?): parts.append("\(name) at \(address)")
        case (let name?, nil): parts.append("\(name)")
        case (nil, let address?): parts.append("\(address)")
        case (nil, nil): parts.append("a destination of which nothing is known")
        }
        if let port = question.port { parts.append("port \(port)") }
        parts.append("\(question.transport.policyWord)")
        if let executable = question.executable { parts.append("by \(PrintableText.of(executable))") }
        if case .inbound = question.direction { parts.append("inbound") }
        return parts.joined(separator: ", ")
    }

    private var verdict: String {
        guard let rule, let match = matches.first(where: { match in match.outcome == .won }) else {
            return "by the default action: no rule fits"
        }
        let reason = rule.reason.map { reason in ": \(PrintableText.of(reason))" } ?? ""
        return
            "by rule \(PrintableText.of(rule.id)), `\(PrintableText.of(match.pattern.text))`, \(PrintableText.of(place(of: rule)))\(reason)"
    }

    private func words(_ outcome: Outcome) -> String {
        switch outcome {
        case .won: "decides"
        case .lost(let reason): "is passed over: \(reason)"
        case .unfit(let reason): "does not fit: \(reason)"
        }
    }
}
