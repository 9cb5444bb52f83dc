// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Turns the kernel's records into events; a record that is cut, too long or unknown throws and nothing else happens.
package enum RecordDecoder {
    /// Fills the step if the record tells of an outgoing TCP connection's life; false for every other record, which the other `decode` takes.
    package static func decode(_ bytes: RawSpan, into step: inout ConnectionStep) throws(RecordError) -> Bool {
        guard bytes.byteCount >= RecordReader.Layout.headerSize else { throw .truncated }
        switch unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt16.self) {
        case RecordKind.connect.rawValue: try readConnect(bytes, into: &step)
        case RecordKind.established.rawValue: try readEstablished(bytes, into: &step)
        case RecordKind.close.rawValue: try readClose(bytes, into: &step)
        default: return false
        }
        return true
    }

    /// Decodes one record; the event lives as long as the bytes.
    @_lifetime(copy bytes)
    package static func decode(_ bytes: RawSpan) throws(RecordError) -> SensorEvent {
        let record = try RecordReader(bytes)
        let kind = record.kind
        switch kind {
        case RecordKind.fork.rawValue, RecordKind.exec.rawValue, RecordKind.exit.rawValue, RecordKind.cgroup.rawValue:
            return try processEvent(record)
        case RecordKind.connect.rawValue, RecordKind.established.rawValue, RecordKind.accept.rawValue,
            RecordKind.close.rawValue, RecordKind.listen.rawValue, RecordKind.socket.rawValue,
            RecordKind.udpFlow.rawValue, RecordKind.udpClose.rawValue:
            return try networkEvent(record)
        case RecordKind.dns.rawValue, RecordKind.hello.rawValue, RecordKind.serverName.rawValue,
            RecordKind.quic.rawValue:
            return try nameEvent(record)
        case RecordKind.verdict.rawValue:
            return try rulingEvent(record)
        default:
            throw .unknownKind(kind)
        }
    }
}

/// Why a record could not be decoded.
package enum RecordError: Error, Hashable, Sendable {
    /// Fewer bytes than its kind needs, or than it says it has.
    case truncated
    /// A kind that this agent does not know.
    case unknownKind(UInt16)
    /// A field with a value that it cannot have.
    case badField
}

/// The kinds of records, as the kernel side numbers them.
package enum RecordKind: UInt16, CaseIterable, Sendable {
    case fork = 1
    case exec, exit, cgroup, connect, established, accept, close, listen
    case udpFlow, udpClose, dns, hello, serverName, socket, verdict, quic

    /// Its name in `loss` events.
    package var name: String {
        switch self {
        case .udpFlow: "udp_flow"
        case .udpClose: "udp_close"
        case .hello: "client_hello"
        case .serverName: "ssl_ctrl"
        case .quic: "quic_initial"
        default: "\(self)"
        }
    }
}
