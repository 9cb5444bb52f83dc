// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The kernel side could not do what was asked.
package struct SensorError: Error, CustomStringConvertible {
    /// What was attempted, as the words behind "could not".
    package let attempt: String
    /// The error number that came back.
    package let errorNumber: Int32

    init(_ attempt: String, result: Int32) {
        self.attempt = attempt
        errorNumber = -result
    }

    package var description: String {
        let text = unsafe String(cString: strerror(errorNumber))
        return "could not \(attempt): \(text)"
    }

    /// The kernel has no BTF.
    package var isMissingBTF: Bool { errorNumber == ENOENT }
    package var isNotPermitted: Bool { errorNumber == EPERM || errorNumber == EACCES }
}
