// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import TrustRunEvents

extension ReplaySummary {
    /// For people.
    package var text: String {
        var lines = ["\(connections) connections, judged by \(before) and by \(after)"]
        if lost > 0 { lines.append("the recording lost \(lost) events: what they told is not counted") }
        lines.append("")
        let width = max(before.count, 10)
        lines.append("  \(pad("", 12))\(pad(before, width))  \(after)")
        for action in PolicyAction.allCases {
            let counts = (total(before: action), total(after: action))
            lines.append("  \(pad("\(action.text)", 12))\(pad("\(counts.0)", width))  \(counts.1)")
        }
        let unjudged = total(before: nil)
        if unjudged > 0 { lines.append("  \(pad("not judged", 12))\(pad("\(unjudged)", width))") }
        let changes = changes
        lines.append("")
        lines.append(changes.isEmpty ? "no connection is judged otherwise" : "judged otherwise:")
        for change in changes {
            let key = change.key
            let before = key.before.map { action in "\(action.text)" } ?? "-"
            lines.append(
                "  \(pad("\(change.count)", 8))\(pad("\(before) -> \(key.after.text)", 16))"
                    + "\(pad("\(key.destination)/\(key.transport)", 44))  \(key.rule)"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private struct Form: Encodable {
        struct Change: Encodable {
            var destination: String
            var `protocol`: String
            var before: String?
            var after: String
            var rule: String
            var connections: UInt64
        }

        var schema = "trustrun.policy-comparison.v1"
        var before: String
        var after: String
        var connections: UInt64
        var lost: UInt64
        var totals: [String: [String: UInt64]]
        var changes: [Change]
    }

    /// One JSON object on one line.
    package func json() throws -> [UInt8] {
        var totals: [String: [String: UInt64]] = [:]
        for action in PolicyAction.allCases {
            totals["\(action.text)"] = ["before": total(before: action), "after": total(after: action)]
        }
        let form = Form(
            before: before, after: after, connections: connections, lost: lost, totals: totals,
            changes: changes.map { change in
                Form.Change(
                    destination: change.key.destination, protocol: change.key.transport,
                    before: change.key.before.map { action in "\(action.text)" }, after: "\(change.key.after.text)",
                    rule: change.key.rule, connections: change.count
                )
            }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(form)) + [UInt8(ascii: "\n")]
    }
}
