// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// What the first message of a TLS client says about where it wants to go (RFC 8446 4.1.2).
package struct TLSClientHello: Sendable {
    /// What the start of a TCP stream turned out to be.
    package enum ParseResult: Sendable {
        /// The stream may be TLS and must hold at least this many bytes from its start before more can be said.
        case needMore(atLeast: Int)
        /// The stream is no TLS.
        case notTLS
        /// The stream looks like TLS, but its first message is no ClientHello that we accept.
        case malformed(DecodeError)
        /// The stream starts with this ClientHello.
        case clientHello(TLSClientHello)
    }

    /// The server name, if there is one and it is a plain host name (RFC 6066 3).
    package private(set) var serverName: DomainName?
    /// Whether there is a server name that is no plain host name: an address, or bytes that no host name has.
    package private(set) var isServerNameInvalid = false
    /// Whether the encrypted_client_hello extension is there, so that `serverName` may be a front (RFC 9849 5).
    package private(set) var hasECH = false
    /// The application protocols offered.
    package private(set) var applicationProtocols = ApplicationProtocols()
    /// The highest TLS version offered, `0x0304` for TLS 1.3 (RFC 8446 4.2.1).
    package private(set) var highestVersion: UInt16

    /// Parses the bytes at the start of a TCP stream, allocating only if the ClientHello spans records.
    package static func parse(_ stream: RawSpan) -> ParseResult {
        do throws(DecodeError) {
            switch try TLSHandshakeScan(stream) {
            case .needMore(let count):
                return .needMore(atLeast: count)
            case .notTLS:
                return .notTLS
            case .whole(let range):
                return .clientHello(try TLSClientHello(body: stream.extracting(range)))
            case .fragmented(let byteCount):
                let message = try TLSHandshakeScan.join(stream, byteCount: byteCount)
                let body = message.rawSpan.extracting(droppingFirst: TLSHandshakeScan.handshakeHeader)
                return .clientHello(try TLSClientHello(body: body))
            }
        } catch {
            return .malformed(error)
        }
    }

    /// Decodes a ClientHello without its handshake header.
    package init(body: RawSpan) throws(DecodeError) {
        var reader = ByteReader(body)
        highestVersion = try reader.uint16()
        guard highestVersion >> 8 == 3 else { throw .badValue }
        try reader.skip(32)  // random
        guard try reader.vector8().byteCount <= 32 else { throw .badLength }  // session id
        let cipherSuites = try reader.vector16().byteCount
        guard cipherSuites >= 2, cipherSuites.isMultiple(of: 2) else { throw .badLength }
        guard try !reader.vector8().isEmpty else { throw .badLength }  // compression methods
        if reader.isAtEnd { return }  // no extensions, which TLS 1.2 permits (RFC 5246 7.4.1.2)
        var extensions = ByteReader(try reader.vector16())
        guard reader.isAtEnd else { throw .trailingBytes }
        var hasServerName = false
        while !extensions.isAtEnd {
            let type = try extensions.uint16()
            let data = try extensions.vector16()
            switch type {
            case 0:
                try Self.markSeen(&hasServerName)
                try readServerName(data)
            case 16: readApplicationProtocols(data)
            case 43: readSupportedVersions(data)
            case 0xfe0d: hasECH = true
            default: break
            }
        }
    }

    /// An extension appears once at most (RFC 8446 4.2).
    private static func markSeen(_ isSeen: inout Bool) throws(DecodeError) {
        guard !isSeen else { throw .duplicate }
        isSeen = true
    }

    private mutating func readServerName(_ data: RawSpan) throws(DecodeError) {
        var names = try Self.onlyVector16(in: data)
        guard !names.isAtEnd else { throw .badLength }
        var hasHostName = false
        while !names.isAtEnd {
            let type = try names.uint8()
            let name = try names.vector16()
            guard type == 0 else { continue }
            try Self.markSeen(&hasHostName)
            guard !name.isEmpty else { throw .badLength }
            serverName = Self.hostName(name)
        }
        isServerNameInvalid = serverName == nil
    }

    /// A literal address is no host name (RFC 6066 3).
    private static func hostName(_ bytes: RawSpan) -> DomainName? {
        let text = Span<UInt8>(_bytes: bytes)
        guard let name = DomainName(ascii: text), !name.endsInNumber else { return nil }
        return name
    }

    /// What cannot be read says nothing: the server name counts all the same, as for the gates, which read nothing else.
    private mutating func readApplicationProtocols(_ data: RawSpan) {
        do throws(DecodeError) {
            var read = ApplicationProtocols()
            var protocols = try Self.onlyVector16(in: data)
            while !protocols.isAtEnd {
                let name = try protocols.vector8()
                guard !name.isEmpty else { return }
                try read.append(name)
            }
            applicationProtocols = read
        } catch {}
    }

    private mutating func readSupportedVersions(_ data: RawSpan) {
        do throws(DecodeError) {
            var reader = ByteReader(data)
            var versions = ByteReader(try reader.vector8())
            var highest: UInt16 = 0
            while !versions.isAtEnd {
                let version = try versions.uint16()
                // Reserved values are there to be ignored (RFC 8701 2).
                if version >> 8 == 3 { highest = max(highest, version) }
            }
            if highest > 0 { highestVersion = highest }
        } catch {}
    }

    /// The content of an extension that is one list with a 16-bit length.
    @_lifetime(copy data)
    private static func onlyVector16(in data: RawSpan) throws(DecodeError) -> ByteReader {
        var reader = ByteReader(data)
        let list = try reader.vector16()
        guard reader.isAtEnd else { throw .trailingBytes }
        return ByteReader(list)
    }
}
