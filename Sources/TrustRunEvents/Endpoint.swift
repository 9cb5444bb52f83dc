// SPDX-License-Identifier: Apache-2.0

/// An address and a port; port 0 means that the kernel has not chosen one yet.
package struct Endpoint: Hashable, Sendable {
    package var address: IPAddress
    package var port: UInt16

    package init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// The transport of a connection.
package enum TransportProtocol: UInt8, Sendable {
    case tcp = 6
    case udp = 17
}

/// Who began a connection: this host's socket or its peer.
package enum Direction: Sendable {
    case outbound
    case inbound
}

/// A connection's name, the same in each of its events.
package struct ConnectionID: Hashable, Sendable {
    /// The kernel's cookie of the socket.
    package var cookie: UInt64
    /// Which use of the socket: a TCP socket may connect again, a UDP socket may have many destinations.
    package var generation: UInt32

    package init(cookie: UInt64, generation: UInt32) {
        self.cookie = cookie
        self.generation = generation
    }
}
