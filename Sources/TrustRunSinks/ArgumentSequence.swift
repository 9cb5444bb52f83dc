// SPDX-License-Identifier: Apache-2.0

/// The places of the arguments in what exec was given: each ends with NUL, the last perhaps cut before it.
struct ArgumentSequence {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func next() -> Range<Int>? {
        guard position < bytes.count else { return nil }
        let start = position
        var end = start
        while end < bytes.count, bytes[end] != 0 { end += 1 }
        position = end + 1
        return start..<end
    }
}
