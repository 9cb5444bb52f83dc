// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunSinks

extension ComparisonSummary {
    /// For people.
    var text: String {
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

    /// One JSON object on one line.
    func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "schema", "trustrun.policy-comparison.v1")
        buffer.append(member: "before", before)
        buffer.append(member: "after", after)
        buffer.append(member: "connections", Int(clamping: connections))
        buffer.append(member: "lost", Int(clamping: lost))
        buffer.append(object: "totals") { buffer in
            for action in PolicyAction.allCases {
                buffer.append(object: "\(action.text)") { buffer in
                    buffer.append(member: "before", Int(clamping: total(before: action)))
                    buffer.append(member: "after", Int(clamping: total(after: action)))
                }
            }
        }
        buffer.append(list: "changes", changes) { change, buffer in
            buffer.append("{")
            buffer.append(member: "destination", change.key.destination)
            buffer.append(member: "protocol", change.key.transport)
            buffer.append(member: "before", ifAny: change.key.before.map { action in "\(action.text)" })
            buffer.append(member: "after", "\(change.key.after.text)")
            buffer.append(member: "rule", change.key.rule)
            buffer.append(member: "connections", Int(clamping: change.count))
            buffer.append("}")
        }
        buffer.append("}\n")
    }
}
