// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

/// Rules and questions on one line each.
enum PolicyShorthand {
    /// `ACTION MATCH[|MATCH...] [ports=80,8000-8999] [tcp|udp] [process=GLOB] [verify=address]`.
    static func rule(_ index: Int, _ text: String) throws -> Rule {
        let words = text.split(separator: " ").map(String.init)
        var rule = Rule(
            id: "table#\(index + 1)", patterns: try words[1].split(separator: "|").map(pattern),
            action: try #require(PolicyAction(text: words[0])))
        for word in words.dropFirst(2) {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            switch parts[0] {
            case "tcp": rule.transport = .tcp
            case "udp": rule.transport = .udp
            case "process": rule.process = PathGlob(parts[1])
            case "verify": rule.verify = try #require(Rule.Verification(rawValue: parts[1]))
            case "ports":
                rule.ports = try parts[1].split(separator: ",").map { range in
                    let ends = try range.split(separator: "-").map { try #require(UInt16($0)) }
                    return ends[0]...ends[ends.count - 1]
                }
            default: Issue.record("no such word: \(word)")
            }
        }
        return rule
    }

    private static func pattern(_ text: Substring) throws -> TrustRunPolicy.Pattern {
        if text == "any" { return .any }
        if let network = try? IPNetwork(text: String(text)) { return .network(network) }
        return .name(try #require(NamePattern(String(text))))
    }

    /// `DESTINATION [udp] [by=PATH] [inbound]`.
    static func question(_ text: String) throws -> PolicyQuestion {
        let words = text.split(separator: " ").map(String.init)
        let destination = try DestinationText(words[0])
        var question = PolicyQuestion(address: destination.address, port: destination.port, name: destination.name)
        for word in words.dropFirst() {
            switch word {
            case "udp": question.transport = .udp
            case "inbound": question.direction = .inbound
            default: question.executable = String(word.dropFirst("by=".count))
            }
        }
        return question
    }

    /// `ACTION BASIS [NUMBER]`.
    static func text(_ decision: Decision) -> String {
        "\(decision.action.text) \(decision.basis)" + (decision.rule.map { " \($0 + 1)" } ?? "")
    }
}
