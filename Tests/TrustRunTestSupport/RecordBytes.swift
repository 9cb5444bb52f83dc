// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// Appends a number in the machine's byte order, as the kernel side stores it.
    package mutating func append<Number: FixedWidthInteger>(number: Number) {
        Swift.withUnsafeBytes(of: number) { bytes in append(contentsOf: bytes) }
    }

    /// Overwrites a number in the machine's byte order; does nothing if there is no room.
    package mutating func replace<Number: FixedWidthInteger>(at offset: Int, with number: Number) {
        guard offset + MemoryLayout<Number>.size <= count else { return }
        Swift.withUnsafeBytes(of: number) { bytes in
            for (index, byte) in bytes.enumerated() { self[offset + index] = byte }
        }
    }

    /// Makes the size that a record says it has the one that it has.
    package mutating func fixRecordSize() {
        replace(at: 4, with: UInt32(count))
    }

    /// The bytes that `tr_record.h` gives `count` of to a text.
    package static func padded(_ text: String, count: Int) -> [UInt8] {
        let bytes = [UInt8](text.utf8.prefix(count))
        return bytes + [UInt8](repeating: 0, count: count - bytes.count)
    }

    /// Texts, each ended by NUL.
    package static func terminated(_ texts: [String]) -> [UInt8] {
        texts.flatMap { text in [UInt8](text.utf8) + [0] }
    }
}
