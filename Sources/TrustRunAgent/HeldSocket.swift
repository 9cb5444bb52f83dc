// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// An internet socket that a process has open, or one that cannot be told.
package struct HeldSocket: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case tcp, udp, raw, packet
        /// In no table of the network namespaces of the inspected tasks: not bound, of another namespace, or of a family without a table.
        case unknown
    }

    package enum State: Sendable, Equatable {
        /// It has a peer.
        case connected
        case listening
        case unconnected
    }

    /// The inode number, of sockfs.
    package let inode: UInt64
    package let kind: Kind
    package let state: State
    /// nil: not known.
    package let local: Endpoint?
    package let peer: Endpoint?

    /// In words.
    var text: String {
        let end = (state == .connected ? peer : local).map { end in
            end.address.isIPv4 ? "\(end.address):\(end.port)" : "[\(end.address)]:\(end.port)"
        }
        return switch (kind, state) {
        case (.unknown, _): "a socket of an unknown kind or without an address"
        case (.raw, _): "a raw socket"
        case (.packet, _): "a packet socket"
        case (.tcp, .listening): "a listener" + (end.map { end in " at \(end)" } ?? "")
        case (.tcp, .connected): "a TCP connection" + (end.map { end in " to \(end)" } ?? "")
        case (.tcp, .unconnected): "a TCP socket that is not connected"
        case (.udp, .connected): "a UDP socket" + (end.map { end in " to \(end)" } ?? "")
        case (.udp, _): "a UDP socket that is not connected" + (end.map { end in ", at \(end)" } ?? "")
        }
    }
}
