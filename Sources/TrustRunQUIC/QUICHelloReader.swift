// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents
package import TrustRunWire

/// Reads the ClientHello in the Initial packets of QUIC clients (RFC 9001 5.2), versions 1 and 2. It may be spread over several, in any order.
package final class QUICHelloReader: QUICHellos {
    /// Flows whose ClientHello is not whole yet, at most; beyond it all of them are forgotten.
    private static let flowsMax = 1024

    private struct Key: Hashable {
        var cookie: UInt64
        var remote: Endpoint
    }

    private struct Flow {
        var keys: QUICKeys
        var stream = QUICCryptoStream()
    }

    private var flows: [Key: Flow] = [:]

    package init() {}

    package func take(_ datagram: RawSpan, cookie: UInt64, remote: Endpoint) -> TLSClientHello? {
        let key = Key(cookie: cookie, remote: remote)
        do throws(DecodeError) {
            let hello = try take(unsafe datagram.withUnsafeBytes { bytes in unsafe Array(bytes) }, of: key)
            if hello != nil { flows[key] = nil }
            return hello
        } catch {
            flows[key] = nil
            return nil
        }
    }

    private func take(_ datagram: [UInt8], of key: Key) throws(DecodeError) -> TLSClientHello? {
        var start = 0
        // Packets can share a datagram (RFC 9000 12.2).
        while start < datagram.count, let packet = try QUICInitial(in: datagram.rawSpan, at: start) {
            guard let (keys, frames) = open(packet, in: datagram, with: flows[key]?.keys) else { return nil }
            if flows.count >= Self.flowsMax { flows.removeAll() }
            var flow = flows[key] ?? Flow(keys: keys)
            flow.keys = keys
            try flow.stream.take(frames: frames.rawSpan)
            flows[key] = flow
            if let hello = try flow.stream.hello() { return hello }
            start = packet.end
        }
        return nil
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
