// SPDX-License-Identifier: Apache-2.0

/// A generator whose numbers repeat for the same seed (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    /// Random bytes, `maximumCount` at most.
    package mutating func bytes(maximumCount: Int) -> [UInt8] {
        (0..<Int.random(in: 0...maximumCount, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    /// True once in `count` times.
    package mutating func isOne(in count: Int) -> Bool {
        Int.random(in: 0..<count, using: &self) == 0
    }

    /// `bytes` with a few of them changed, cut, doubled or left out.
    package mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<7, using: &self) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: bytes[index] = [0x00, 0xff, 0x7f, 0x80, 0xc0, 0x3f, 0x0c, 0x01].randomElement(using: &self) ?? 0
            case 3: bytes.removeSubrange(index...)
            case 4: bytes.insert(contentsOf: bytes[index...].prefix(8), at: index)
            case 5: bytes.remove(at: index)
            default: for place in index..<min(index + 8, bytes.count) { bytes[place] = 0xff }
            }
        }
        return bytes
    }

    /// The same for a record; its size field mostly fits what is left.
    package mutating func mutatedRecord(_ record: [UInt8]) -> [UInt8] {
        var bytes = mutated(record)
        if !isOne(in: 4) { bytes.fixRecordSize() }
        return bytes
    }
}
