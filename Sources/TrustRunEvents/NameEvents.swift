// SPDX-License-Identifier: Apache-2.0

/// A DNS query or answer of a process.
package struct DNSEvent {
    package var isAnswer: Bool
    package var id: UInt16
    /// nil if the queried name is not a host name.
    package var name: HostName?
    /// The number of the record type asked for (RFC 1035 section 3.2.2).
    package var queryType: UInt16
    package var transport: TransportProtocol
    package var resolver: Endpoint
    /// With an answer: the extended response code (RFC 6891 section 6.1.3).
    package var responseCode: UInt16 = 0
    package var answers: [Answer] = []
    package var aliases: [HostName] = []
    package var isTruncated = false
    /// No query of this socket fits: it names nothing.
    package var isUnsolicited = false
    package var durationNanoseconds: UInt64?

    package struct Answer: Hashable, Sendable {
        package var address: IPAddress
        package var timeToLiveSeconds: UInt32

        package init(address: IPAddress, timeToLiveSeconds: UInt32) {
            self.address = address
            self.timeToLiveSeconds = timeToLiveSeconds
        }
    }

    package init(
        isAnswer: Bool, id: UInt16, name: HostName?, queryType: UInt16, transport: TransportProtocol, resolver: Endpoint
    ) {
        self.isAnswer = isAnswer
        self.id = id
        self.name = name
        self.queryType = queryType
        self.transport = transport
        self.resolver = resolver
    }
}

/// A server name that a client sent, or asked its TLS library to send.
package struct ServerNameEvent {
    package var name: HostName?
    /// It was in the ClientHello that left.
    package var isOnWire: Bool
    /// The program asked libssl for it.
    package var isFromLibrary: Bool
    package var hasECH = false
    /// The application protocols offered, most wanted first.
    package var applicationProtocols: [[UInt8]] = []
    /// nil where the connection is not known.
    package var connection: ConnectionEvent?

    package init(name: HostName?, isOnWire: Bool, isFromLibrary: Bool) {
        self.name = name
        self.isOnWire = isOnWire
        self.isFromLibrary = isFromLibrary
    }
}
