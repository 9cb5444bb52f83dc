// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why the output could not be set up.
package struct OutputError: Error, CustomStringConvertible {
    /// What was attempted.
    package let attempt: String
    package let errorNumber: Int32

    package var description: String {
        "\(attempt) failed: \(unsafe String(cString: strerror(errorNumber)))"
    }
}
