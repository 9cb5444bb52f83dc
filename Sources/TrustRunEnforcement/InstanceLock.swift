// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import Glibc

/// Says that an agent lives for an instance; let go with this, or when the process ends.
package final class InstanceLock {
    package let name: String
    private let descriptor: Int32

    /// nil: another agent has it.
    package init?(_ name: String) throws(EnforcementError) {
        let result = unsafe tr_lock_take(name)
        if result == -EWOULDBLOCK { return nil }
        guard result >= 0 else { throw EnforcementError("lock the instance \(name)", result: result) }
        self.name = name
        descriptor = result
    }

    deinit {
        unsafe tr_lock_drop(name, descriptor)
    }

    /// The process of the agent that lives for an instance; nil: none does.
    package static func holder(of name: String) throws(EnforcementError) -> Int32? {
        let result = unsafe tr_lock_holder(name)
        guard result >= 0 else { throw EnforcementError("read the lock of the instance \(name)", result: result) }
        return result > 0 ? result : nil
    }
}
