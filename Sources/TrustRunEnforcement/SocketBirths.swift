// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import Glibc

/// In which control groups the TCP and UDP sockets of network namespaces were made, of those that are bound or connected; read once. The gates of
/// a scope see the sockets that were made in it, whoever has them now.
package struct SocketBirths: Sendable {
    /// The group's id, by the socket's inode number.
    package private(set) var groups: [UInt64: UInt64] = [:]

    /// `namespaces`: open files of /proc/PID/ns/net.
    package init(inNamespaces namespaces: [Int32]) throws(EnforcementError) {
        for namespace in namespaces {
            var list: UnsafeMutablePointer<tr_socket_birth>?
            let count = unsafe tr_sockets_list(namespace, &list)
            guard count >= 0 else {
                throw EnforcementError("list the sockets of a network namespace", result: Int32(count))
            }
            defer { unsafe free(list) }
            for birth in unsafe Array(UnsafeBufferPointer(start: list, count: count)) {
                groups[birth.inode] = birth.cgroup
            }
        }
    }
}
