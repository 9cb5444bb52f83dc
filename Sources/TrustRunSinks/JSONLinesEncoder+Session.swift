// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension JSONLinesEncoder {
    package func encode(_ start: SessionStart, into buffer: inout OutputBuffer) -> Bool {
        begin(.session, time: start.time, in: &buffer)
        buffer.append(",\"phase\":\"start\",\"version\":")
        buffer.append(jsonString: start.version)
        buffer.append(",\"kernel\":")
        buffer.append(jsonString: start.kernel)
        buffer.append(",\"hooks\":{")
        var isFirst = true
        for capability in start.capabilities {
            guard let hook = capability.hook else { continue }
            if !isFirst { buffer.append(",") }
            isFirst = false
            buffer.append(jsonString: capability.name)
            buffer.append(":")
            buffer.append(jsonString: hook)
        }
        buffer.append("}")
        Self.appendMissing(start.capabilities.filter { $0.hook == nil }, to: &buffer)
        buffer.append(",\"resolvers\":[")
        Self.append(texts: start.resolvers.map(\.description), to: &buffer)
        buffer.append("]")
        if let policy = start.policy { Self.append(policy, isEnforced: start.enforcement != nil, to: &buffer) }
        if let enforcement = start.enforcement { Self.append(enforcement, to: &buffer) }
        buffer.append("}")
        return buffer.endLine()
    }

    private static func append(
        _ policy: SessionStart.PolicyFacts, isEnforced: Bool, to buffer: inout OutputBuffer
    ) {
        buffer.append(",\"policy\":{\"name\":")
        buffer.append(jsonString: policy.name)
        buffer.append(",\"documents\":[")
        append(texts: policy.documents, to: &buffer)
        buffer.append("],\"rules\":")
        buffer.append(decimal: UInt64(policy.ruleCount))
        buffer.append(",\"default\":\"")
        buffer.append(policy.defaultAction.text)
        buffer.append(isEnforced ? "\",\"enforced\":true}" : "\",\"enforced\":false}")
    }

    static func append(texts: [String], to buffer: inout OutputBuffer) {
        for (index, text) in texts.enumerated() {
            if index > 0 { buffer.append(",") }
            buffer.append(jsonString: text)
        }
    }

    private static func appendMissing(_ missing: [SessionStart.Capability], to buffer: inout OutputBuffer) {
        guard !missing.isEmpty else { return }
        buffer.append(",\"missing\":[")
        var isFirst = true
        for capability in missing {
            if isFirst { buffer.append("{\"capability\":") } else { buffer.append(",{\"capability\":") }
            isFirst = false
            buffer.append(jsonString: capability.name)
            buffer.append(",\"reason\":")
            buffer.append(jsonString: capability.tried.isEmpty ? "no hook to try" : capability.tried)
            buffer.append("}")
        }
        buffer.append("]")
    }

    package func encode(_ summary: SessionSummary, into buffer: inout OutputBuffer) -> Bool {
        begin(.session, time: summary.time, in: &buffer)
        buffer.append(",\"phase\":\"end\",\"summary\":{\"events\":{")
        for (type, count) in zip(EventType.allCases, summary.events) {
            buffer.append(jsonString: type.rawValue)
            buffer.append(":")
            buffer.append(decimal: count)
            buffer.append(",")
        }
        buffer.append("\"total\":")
        buffer.append(decimal: summary.events.reduce(0, &+))
        buffer.append("},\"lost\":")
        buffer.append(decimal: summary.lost)
        if let violations = summary.violations { Self.append(violations, to: &buffer) }
        if let gates = summary.gates { Self.append(gates, divergences: summary.divergences, to: &buffer) }
        Self.appendDuration(summary.durationNanoseconds, to: &buffer)
        buffer.append(",\"reason\":")
        buffer.append(jsonString: summary.reason.rawValue)
        buffer.append("}}")
        return buffer.endLine()
    }

    /// Writes how often each action but `allow` was the verdict.
    private static func append(_ violations: [UInt64], to buffer: inout OutputBuffer) {
        buffer.append(",\"violations\":{")
        for (action, count) in zip(PolicyAction.allCases, violations) where action != .allow {
            buffer.append(action == .alert ? "\"" : ",\"")
            buffer.append(action.text)
            buffer.append("\":")
            buffer.append(decimal: count)
        }
        buffer.append("}")
    }

    package func encode(losses: [LossEntry], time: UInt64, into buffer: inout OutputBuffer) -> Bool {
        begin(.loss, time: time, in: &buffer)
        buffer.append(",\"lost\":[")
        var isFirst = true
        for loss in losses {
            if isFirst { buffer.append("{\"stage\":") } else { buffer.append(",{\"stage\":") }
            isFirst = false
            buffer.append(jsonString: loss.stage.rawValue)
            buffer.append(",\"record\":")
            buffer.append(jsonString: loss.record)
            buffer.append(",\"count\":")
            buffer.append(decimal: loss.count)
            buffer.append("}")
        }
        buffer.append("]}")
        return buffer.endLine()
    }
}
