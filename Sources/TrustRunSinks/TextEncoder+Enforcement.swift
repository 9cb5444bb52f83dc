// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension TextEncoder {
    package func encode(_ event: EnforcementEvent, into buffer: inout OutputBuffer) -> Bool {
        let isGood = event.state == .proven || event.state == .reloaded
        begin(.enforcement, time: event.time, colour: isGood ? .green : .red, in: &buffer)
        buffer.append(printable: event.state.rawValue)
        buffer.append(": ")
        buffer.append(printable: event.policy)
        buffer.append(" in ")
        buffer.append(printable: event.scope)
        if let reason = event.reason {
            buffer.append(": ")
            buffer.append(printable: reason)
        }
        return buffer.endLine()
    }

    /// Writes what was tried that is no connection.
    static func append(_ attempt: AttemptEvent, to buffer: inout OutputBuffer) {
        switch attempt.gate {
        case .inbound, .connect, .datagram:
            buffer.append(" ← ")
            append(attempt.peer, names: nil, to: &buffer)
            buffer.append(" at ")
            append(attempt.own, names: nil, to: &buffer)
        case .socket: append(" socket of protocol ", attempt.transport, ", type ", attempt.port, to: &buffer)
        case .handover:
            append(" socket of protocol ", attempt.transport, ", type ", attempt.port, to: &buffer)
            buffer.append(", handed in")
        case .leaving:
            append(" socket of protocol ", attempt.transport, ", type ", attempt.port, to: &buffer)
            buffer.append(", outside of the scope")
        case .process:
            buffer.append(" process outside of the scope, by ")
            buffer.append(ProcessReach(number: attempt.port).words)
            guard !attempt.path.isEmpty else { return }
            buffer.append(": ")
            buffer.append(printable: attempt.path)
        case .option: append(" socket option of level ", attempt.transport, ", number ", attempt.port, to: &buffer)
        case .bind: append(" bind of protocol ", attempt.transport, " to port ", attempt.port, to: &buffer)
        case .query, .answer:
            buffer.append(" DNS with ")
            append(attempt.peer, names: nil, to: &buffer)
        case .name:
            buffer.append(" → ")
            append(attempt.peer, names: nil, to: &buffer)
        case .packet:
            buffer.append(" packet of protocol ")
            buffer.append(decimal: UInt64(attempt.transport))
            buffer.append(" to ")
            buffer.append(attempt.peer.address)
        }
    }

    private static func append(
        _ first: StaticString, _ left: UInt16, _ second: StaticString, _ right: UInt16, to buffer: inout OutputBuffer
    ) {
        buffer.append(first)
        buffer.append(decimal: UInt64(left))
        buffer.append(second)
        buffer.append(decimal: UInt64(right))
    }
}
