// SPDX-License-Identifier: Apache-2.0

/// Why the agent cannot do what it was asked, in words for its user, with an exit status of sysexits(3).
package struct AgentError: Error, CustomStringConvertible {
    package enum Code: Int32, Sendable {
        case usage = 64
        case badData = 65
        case noInput = 66
        case unavailable = 69
        case software = 70
        case operatingSystem = 71
        case cannotCreate = 73
        case inputOutput = 74
        case notPermitted = 77
        /// What was to be enforced could not be; nothing was run.
        case notEnforced = 125
        /// A command cannot be run, as env(1) says it.
        case notExecutable = 126
        case notFound = 127
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
