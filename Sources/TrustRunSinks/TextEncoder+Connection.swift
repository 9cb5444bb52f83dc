// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension TextEncoder {
    /// `isWhole`: with what became of it.
    static func append(_ connection: ConnectionEvent, isWhole: Bool = true, to buffer: inout OutputBuffer) {
        switch connection.direction {
        case .outbound:
            buffer.append(" → ")
            append(connection.destination, names: connection.names, to: &buffer)
        case .inbound:
            buffer.append(" ← ")
            append(connection.source, names: nil, to: &buffer)
            buffer.append(" at ")
            append(connection.destination, names: nil, to: &buffer)
        }
        if connection.transport == .udp { buffer.append("  udp") }
        if connection.isQUIC { buffer.append("  quic") }
        if connection.isExisting { buffer.append("  existing") }
        guard isWhole else { return }
        if let outcome = connection.outcome {
            buffer.append("  ")
            buffer.append(outcome.text)
        }
        if connection.errorNumber != 0, connection.outcome?.hasErrorNumber ?? true {
            buffer.append(" ")
            ErrorNumber.append(connection.errorNumber, to: &buffer)
        }
        if let duration = connection.durationNanoseconds {
            buffer.append("  ")
            buffer.append(duration: duration)
        }
        if let bytes = connection.bytes { append(bytes, to: &buffer) }
    }

    private static func append(_ bytes: ConnectionBytes, to buffer: inout OutputBuffer) {
        switch bytes {
        case .tcp(let acknowledged, let unacknowledged, let received):
            buffer.append("  ↑ ")
            buffer.append(byteCount: acknowledged)
            if unacknowledged > 0 {
                buffer.append(" (+ ")
                buffer.append(byteCount: unacknowledged)
                buffer.append(" unacknowledged)")
            }
            buffer.append(" ↓ ")
            buffer.append(byteCount: received)
        case .udp(let sent, let received):
            buffer.append("  ↑ ")
            buffer.append(byteCount: sent)
            buffer.append(" ↓ ")
            buffer.append(byteCount: received)
        }
    }

    /// Writes `name (address):port`, or `address:port` with brackets around an IPv6 address.
    static func append(_ endpoint: Endpoint, names: DestinationNames?, to buffer: inout OutputBuffer) {
        if let name = names?.singleName {
            buffer.append(name.bytes)
        } else if let candidates = names?.candidates, !candidates.isEmpty {
            append(candidates, separator: "|", to: &buffer)
        } else {
            let hasBrackets = endpoint.address.isIPv6 && endpoint.port != 0
            if hasBrackets { buffer.append("[") }
            buffer.append(endpoint.address)
            if hasBrackets { buffer.append("]") }
            return appendPort(of: endpoint, to: &buffer)
        }
        buffer.append(" (")
        buffer.append(endpoint.address)
        buffer.append(")")
        appendPort(of: endpoint, to: &buffer)
    }

    static func append(_ names: [HostName], separator: StaticString, to buffer: inout OutputBuffer) {
        var isFirst = true
        for name in names {
            if !isFirst { buffer.append(separator) }
            isFirst = false
            buffer.append(name.bytes)
        }
    }

    private static func appendPort(of endpoint: Endpoint, to buffer: inout OutputBuffer) {
        guard endpoint.port != 0 else { return }
        buffer.append(":")
        buffer.append(decimal: UInt64(endpoint.port))
    }
}
