// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents
package import TrustRunWire

/// Reads the ClientHello in the Initial packets of QUIC clients (RFC 9001 5.2), versions 1 and 2. It may be spread over several, in any order.
package final class QUICHelloReader: QUICHellos {
    /// Flows that a generation knows: with as many new ones, those of which nothing came meanwhile are forgotten.
    private static let flowsMax = 512

    private struct Key: Hashable {
        var cookie: UInt64
        var remote: Endpoint
    }

    private enum Flow {
        case reading(QUICKeys, QUICCryptoStream)
        /// A ClientHello was told. What its client acknowledges comes in Initial packets as well, and so does the next connection of its socket.
        case told
    }

    private var flows: [Key: Flow] = [:]
    /// The generation before; what something comes of goes over.
    private var older: [Key: Flow] = [:]
    private var unread: UInt64 = 0

    package init() {}

    package func take(_ datagram: RawSpan, cookie: UInt64, remote: Endpoint) -> TLSClientHello? {
        let key = Key(cookie: cookie, remote: remote)
        do throws(DecodeError) {
            let hello = try take(unsafe datagram.withUnsafeBytes { bytes in unsafe Array(bytes) }, of: key)
            if hello != nil { keep(.told, of: key) }
            return hello
        } catch {
            flows[key] = nil
            older[key] = nil
            unread += 1
            return nil
        }
    }

    package func takeUnread() -> UInt64 {
        defer { unread = 0 }
        return unread
    }

    private func take(_ datagram: [UInt8], of key: Key) throws(DecodeError) -> TLSClientHello? {
        var start = 0
        // Packets can share a datagram (RFC 9000 12.2).
        while start < datagram.count, let packet = try QUICInitial(in: datagram.rawSpan, at: start) {
            var stream = QUICCryptoStream()
            var known: QUICKeys?
            let flow = flows[key] ?? older[key]
            if case .reading(let keys, let begun) = flow { (known, stream) = (keys, begun) }
            guard let (keys, frames) = open(packet, in: datagram, with: known) else {
                // Not the first one: to an id that the server chose, or one that nobody would open (RFC 9001 5.2).
                guard let flow else { throw .badValue }
                keep(flow, of: key)
                return nil
            }
            try stream.take(frames: frames.rawSpan)
            if !stream.isEmpty { keep(.reading(keys, stream), of: key) }
            if let hello = try stream.hello() { return hello }
            start = packet.end
        }
        return nil
    }

    private func keep(_ flow: Flow, of key: Key) {
        older[key] = nil
        if flows.count >= Self.flowsMax, flows[key] == nil {
            for case .reading in older.values { unread += 1 }
            older = flows
            flows.removeAll(keepingCapacity: true)
        }
        flows[key] = flow
    }

    /// The keys stay those of the first packet, unless the server sent a Retry (RFC 9001 5.2).
    private func open(
        _ packet: QUICInitial, in datagram: [UInt8], with known: QUICKeys?
    ) -> (QUICKeys, frames: [UInt8])? {
        if let known, let frames = known.open(packet, in: datagram) { return (known, frames) }
        let keys = QUICKeys(packet.version, connectionID: packet.destinationID)
        return keys.open(packet, in: datagram).map { frames in (keys, frames) }
    }
}
