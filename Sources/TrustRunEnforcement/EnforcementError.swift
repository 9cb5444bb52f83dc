// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The gates could not be put up, or do not hold.
package struct EnforcementError: Error, CustomStringConvertible {
    /// A sentence without its end.
    package let message: String

    init(_ message: String) {
        self.message = message
    }

    /// `attempt`: the words behind "could not"; `result`: -errno.
    init(_ attempt: String, result: Int32) {
        message = "could not \(attempt): \(unsafe String(cString: strerror(-result)))"
    }

    package var description: String { message }
}
