// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension TextEncoder {
    package func encode(_ start: SessionStart, into buffer: inout OutputBuffer) -> Bool {
        begin(.session, time: start.time, colour: .bold, in: &buffer)
        buffer.append("started: version ")
        buffer.append(printable: start.version)
        buffer.append(", kernel ")
        buffer.append(printable: start.kernel)
        for capability in start.capabilities where capability.hook == nil {
            buffer.append(", ")
            set(.red, in: &buffer)
            buffer.append("no ")
            buffer.append(printable: capability.name)
            set(.plain, in: &buffer)
            buffer.append(" (")
            buffer.append(printable: capability.tried)
            buffer.append(")")
        }
        if let policy = start.policy {
            buffer.append(", policy ")
            buffer.append(printable: policy.name)
            buffer.append(" (")
            buffer.append(decimal: UInt64(policy.ruleCount))
            buffer.append(policy.ruleCount == 1 ? " rule, else " : " rules, else ")
            buffer.append(policy.defaultAction.text)
            buffer.append(start.enforcement == nil ? "; not enforced)" : "; enforced)")
        }
        return buffer.endLine()
    }

    package func encode(_ summary: SessionSummary, into buffer: inout OutputBuffer) -> Bool {
        begin(.session, time: summary.time, colour: .bold, in: &buffer)
        buffer.append("ended (")
        buffer.append(printable: summary.reason.rawValue)
        buffer.append(") after ")
        buffer.append(duration: summary.durationNanoseconds)
        for (type, count) in zip(EventType.allCases, summary.events) where count > 0 {
            guard type != .session, type != .loss, type != .enforcement else { continue }
            buffer.append(", ")
            buffer.append(decimal: count)
            buffer.append(" ")
            buffer.append(printable: type.rawValue)
        }
        buffer.append(", ")
        if summary.lost > 0 { set(.red, in: &buffer) }
        buffer.append(decimal: summary.lost)
        buffer.append(" lost")
        if summary.lost > 0 { set(.plain, in: &buffer) }
        return buffer.endLine()
    }

    package func encode(losses: [LossEntry], time: UInt64, into buffer: inout OutputBuffer) -> Bool {
        begin(.loss, time: time, colour: .red, in: &buffer)
        set(.red, in: &buffer)
        var isFirst = true
        for loss in losses {
            if !isFirst { buffer.append(", ") }
            isFirst = false
            buffer.append(decimal: loss.count)
            buffer.append(" ")
            buffer.append(printable: loss.record)
            buffer.append(" lost (")
            buffer.append(printable: loss.stage.rawValue)
            buffer.append(")")
        }
        set(.plain, in: &buffer)
        return buffer.endLine()
    }
}
