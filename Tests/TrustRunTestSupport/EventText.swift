// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

extension HostName {
    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension ProcessIdentity {
    package var nameText: String { String(decoding: name, as: UTF8.self) }
    package var executableText: String { String(decoding: executable, as: UTF8.self) }

    /// The pids above, parent first.
    package var ancestorPIDs: [UInt32] {
        var pids: [UInt32] = []
        var next = parent
        while let current = next {
            pids.append(current.key.tgid)
            next = current.parent
        }
        return pids
    }
}

extension DestinationNames {
    /// `name source` or `[candidates] source`.
    package var text: String {
        guard candidates.isEmpty else { return "[\(candidates.map(\.text).joined(separator: " "))] \(source)" }
        return "\(name?.text ?? "-") \(source)"
    }
}

extension ConnectionBytes {
    package var text: String {
        switch self {
        case .tcp(let acknowledged, let unacknowledged, let received):
            "\(acknowledged)/\(unacknowledged) \(received)"
        case .udp(let sent, let received): "\(sent) \(received)"
        }
    }
}

extension Endpoint {
    package var text: String { "\(address)|\(port)" }
}

extension EnrichedEvent {
    /// The connection that it tells of.
    package var connection: ConnectionEvent? {
        switch body {
        case .connect(let connection), .accept(let connection), .close(let connection), .violation(let connection):
            connection
        case .sni(let told): told.connection
        case .dns, .exec, .exit, .attempt: nil
        }
    }

    package var dns: DNSEvent? {
        if case .dns(let told) = body { told } else { nil }
    }

    package var serverName: ServerNameEvent? {
        if case .sni(let told) = body { told } else { nil }
    }

    /// A line to compare: type, id, process, outcome.
    package var summary: String {
        var words = [type.rawValue]
        if let connection { words.append("\(connection.id.cookie).\(connection.id.generation)") }
        words.append(process.map { process in "pid=\(process.key.tgid)" } ?? "nobody")
        if let connection {
            if connection.isExisting { words.append("existing") }
            if let outcome = connection.outcome { words.append(outcome.rawValue) }
            if let bytes = connection.bytes { words.append(bytes.text) }
        }
        return words.joined(separator: " ")
    }
}
