// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import Glibc
package import TrustRunEvents

/// A TCP connection that was made outside of a scope and is used in it.
package struct HeldConnection: Sendable {
    /// As the socket has them: an IPv6 socket has IPv4 addresses as mapped ones.
    package let local: Endpoint
    package let peer: Endpoint

    package init(local: Endpoint, peer: Endpoint) {
        self.local = local
        self.peer = peer
    }

    /// Ends it, in whichever of these network namespaces it is (open files of /proc/PID/ns/net). One that is gone already is no error.
    package func end(inNamespaces namespaces: [Int32]) throws(EnforcementError) {
        var socket = tr_cut()
        socket.family = UInt32(peer.address.isIPv4 ? AF_INET : AF_INET6)
        (socket.local_port, socket.peer_port) = (local.port.bigEndian, peer.port.bigEndian)
        unsafe withUnsafeMutableBytes(of: &socket.local) { bytes in unsafe local.address.storeWords(in: bytes) }
        unsafe withUnsafeMutableBytes(of: &socket.peer) { bytes in unsafe peer.address.storeWords(in: bytes) }
        for namespace in namespaces {
            let result = unsafe tr_socket_end(namespace, &socket)
            guard result == 0 || result == -ENOENT else {
                throw EnforcementError("end a connection that the policy does not allow", result: result)
            }
        }
    }
}

extension IPAddress {
    /// As sock_diag(7) has it: an IPv4 address is the first word.
    fileprivate func storeWords(in bytes: UnsafeMutableRawBufferPointer) {
        if let number = ipv4 {
            unsafe bytes.storeBytes(of: number.bigEndian, as: UInt32.self)
        } else {
            unsafe store(in: bytes)
        }
    }
}
