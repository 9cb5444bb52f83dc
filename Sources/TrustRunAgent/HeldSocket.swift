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

    package let kind: Kind
    package let state: State
    /// nil: not known.
    package let local: Endpoint?
    package let peer: Endpoint?

    /// Whether it can reach peers that no gate would judge: the gates see the sockets that are made in the scope. A connection can be judged
    /// by its peer, and ended.
    package var isBlocker: Bool {
        switch (kind, state) {
        case (.tcp, .connected), (.udp, .connected): false
        case (.tcp, _), (.udp, _), (.raw, _), (.packet, _), (.unknown, _): true
        }
    }
}
