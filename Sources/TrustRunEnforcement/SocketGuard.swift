// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement

/// What holds the sockets that outlive a scope: TCP goes on sending what a closed socket holds, so the gates at its packets stay with the control
/// group, which the kernel keeps until the last of its sockets is gone.
package enum SocketGuard {
    /// Leaves them to a group that is removed next, given as an open descriptor of its directory.
    package static func leave(on directory: Int32) throws(EnforcementError) {
        let result = tr_guard_leave(directory)
        guard result == 0 else {
            throw EnforcementError("leave gates to the sockets of a scope that ends", result: result)
        }
    }

    /// Takes them off a group that could not be removed.
    package static func take(off directory: Int32) { _ = tr_guard_take(directory) }
}
