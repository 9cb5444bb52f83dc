// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunSinks

/// What a command answers, as a whole.
enum StandardOutput {
    /// Writes what `body` appends, however long it is.
    static func write(_ body: (inout OutputBuffer) -> Void) throws(AgentError) {
        var capacity = 1 << 18
        while true {
            var buffer = OutputBuffer(capacity: capacity)
            body(&buffer)
            guard buffer.isOverflowing else { return try write(buffer.bytes) }
            capacity *= 4
        }
    }

    static func write(_ text: String) throws(AgentError) {
        try write { buffer in buffer.append(text.utf8.span) }
    }

    static func write(_ bytes: [UInt8]) throws(AgentError) {
        try unsafe write(bytes.span.bytes)
    }

    private static func write(_ bytes: RawSpan) throws(AgentError) {
        let errorNumber = DescriptorWriter.write(bytes, to: STDOUT_FILENO)
        guard errorNumber == 0 else {
            throw AgentError(.inputOutput, "stdout failed: \(unsafe String(cString: strerror(errorNumber)))")
        }
    }
}
