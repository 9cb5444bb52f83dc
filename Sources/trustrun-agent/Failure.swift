// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import Logging
internal import TrustRunAgent

/// Turns the agent's errors into one line on stderr and an exit status.
enum Failure {
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as AgentError {
            write(error)
            throw ExitCode(error.code.rawValue)
        }
    }

    static func write(_ error: AgentError) { tell(error.message) }

    /// Writes a line to stderr.
    static func tell(_ message: String) {
        let line = Array("trustrun-agent: \(message)\n".utf8)
        _ = unsafe Glibc.write(STDERR_FILENO, line, line.count)
    }
}

/// Messages for people, on stderr.
enum Log {
    static func standardError() -> Logger {
        var logger = Logger(label: "trustrun-agent") { label in StreamLogHandler.standardError(label: label) }
        logger.logLevel = .notice
        return logger
    }
}
