// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Reads lines from a descriptor, which it leaves open.
package struct LineReader: ~Copyable {
    private let descriptor: Int32
    private let lineMax: Int
    private var chunk = [UInt8](repeating: 0, count: 64 << 10)
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// Of the line that was read last, counted from 1.
    package private(set) var number = 0

    package init(descriptor: Int32, lineMax: Int = RecordedEventReader.lineMax) {
        self.descriptor = descriptor
        self.lineMax = lineMax
    }

    /// The next line without its end; nil after the last one.
    package mutating func next() throws(RecordedEventError) -> [UInt8]? {
        while true {
            if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                number += 1
                return Array(buffer[start..<end])
            }
            guard buffer.count - start <= lineMax else {
                throw RecordedEventError(description: "a line of more than \(lineMax) bytes")
            }
            guard !isAtEnd else { return takeRest() }
            try fill()
        }
    }

    /// A last line may lack its end.
    private mutating func takeRest() -> [UInt8]? {
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        number += 1
        return Array(buffer[start...])
    }

    private mutating func fill() throws(RecordedEventError) {
        buffer.removeSubrange(..<start)
        start = 0
        let count = unsafe read(descriptor, &chunk, chunk.count)
        guard count >= 0 else {
            if errno == EINTR { return }
            throw RecordedEventError(description: "could not read (errno \(errno))")
        }
        isAtEnd = count == 0
        buffer.append(contentsOf: chunk[..<count])
    }
}
