// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension JSONLinesEncoder {
    package func encode(_ event: EnforcementEvent, into buffer: inout OutputBuffer) -> Bool {
        begin(.enforcement, time: event.time, in: &buffer)
        buffer.append(",\"state\":")
        buffer.append(jsonString: event.state.rawValue)
        buffer.append(",\"scope\":")
        buffer.append(jsonString: event.scope)
        buffer.append(",\"policy\":")
        buffer.append(jsonString: event.policy)
        buffer.append(",\"generation\":")
        buffer.append(decimal: UInt64(event.generation))
        if let reason = event.reason {
            buffer.append(",\"reason\":")
            buffer.append(jsonString: reason)
        }
        buffer.append("}")
        return buffer.endLine()
    }

    /// Writes what was tried that is no connection.
    static func append(_ attempt: AttemptEvent, to buffer: inout OutputBuffer) {
        if attempt.gate == .inbound {
            buffer.append(",\"direction\":\"inbound\",\"protocol\":\"tcp\",\"source\":{")
            append(attempt.peer, to: &buffer)
            buffer.append("},\"destination\":{")
            append(attempt.own, to: &buffer)
            buffer.append("}")
        } else {
            buffer.append(",\"attempt\":{\"kind\":\"")
            buffer.append(attempt.gate.text)
            appendNumbers(of: attempt, to: &buffer)
            buffer.append("}")
        }
        guard attempt.networkNamespace != 0 else { return }
        buffer.append(",\"network_namespace\":")
        buffer.append(decimal: UInt64(attempt.networkNamespace))
    }

    private static func appendNumbers(of attempt: AttemptEvent, to buffer: inout OutputBuffer) {
        guard attempt.gate != .process else {
            buffer.append("\",\"by\":\"")
            buffer.append(ProcessReach(number: attempt.port).text)
            buffer.append("\"")
            guard !attempt.path.isEmpty else { return }
            buffer.append(",\"path\":")
            return buffer.append(jsonString: attempt.path)
        }
        buffer.append(attempt.gate == .option ? "\",\"level\":" : "\",\"protocol\":")
        buffer.append(decimal: UInt64(attempt.transport))
        switch attempt.gate {
        case .socket, .handover, .leaving: buffer.append(",\"type\":")
        case .option: buffer.append(",\"option\":")
        case .bind: buffer.append(",\"port\":")
        case .packet, .query, .answer, .name:
            buffer.append(",\"address\":\"")
            buffer.append(attempt.peer.address)
            return buffer.append("\"")
        case .connect, .datagram, .inbound, .process: return
        }
        buffer.append(decimal: UInt64(attempt.port))
    }

    static func append(_ facts: SessionStart.EnforcementFacts, to buffer: inout OutputBuffer) {
        buffer.append(",\"enforcement\":{\"scopes\":[")
        append(texts: facts.scopes, to: &buffer)
        buffer.append("],\"generation\":")
        buffer.append(decimal: UInt64(facts.generation))
        buffer.append(",\"containment\":")
        buffer.append(jsonString: facts.containment.level.rawValue)
        if !facts.containment.missing.isEmpty {
            buffer.append(",\"containment_missing\":[")
            append(texts: facts.containment.missing, to: &buffer)
            buffer.append("]")
        }
        if !facts.refusesHandover { buffer.append(",\"handover\":\"possible\"") }
        if facts.canLeakByDNS { buffer.append(",\"dns_exfiltration\":\"possible\"") }
        buffer.append("}")
    }

    static func append(_ counts: SessionSummary.GateCounts, divergences: UInt64, to buffer: inout OutputBuffer) {
        buffer.append(",\"enforcement\":{\"connections\":")
        buffer.append(decimal: counts.connections)
        buffer.append(",\"destinations\":")
        buffer.append(decimal: counts.destinations)
        buffer.append(",\"let_through\":")
        buffer.append(decimal: counts.letThrough)
        buffer.append(",\"refused\":")
        buffer.append(decimal: counts.refused)
        buffer.append(",\"unlisted\":")
        buffer.append(decimal: counts.unlisted)
        buffer.append(",\"divergent\":")
        buffer.append(decimal: divergences)
        buffer.append("}")
    }
}
