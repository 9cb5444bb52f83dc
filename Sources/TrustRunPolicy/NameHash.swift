// SPDX-License-Identifier: Apache-2.0

/// Hashes of the ends of a name, taken from the right, eight bytes at a time: one pass yields the hash of every suffix.
///
/// Not keyed: what is found by it is compared, so that equal hashes cost time and nothing else.
struct NameHash {
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// Takes the next eight bytes to the left, the leftmost as the lowest.
    @inline(__always) mutating func absorb(_ block: UInt64) {
        state = (state ^ block).folded(by: 0xa076_1d64_78bd_642f)
    }

    /// The hash of a suffix of `length` bytes: what was absorbed, and before it fewer than eight bytes.
    @inline(__always) func suffix(_ rest: UInt64, length: Int) -> UInt64 {
        (state ^ rest).folded(by: 0xe703_7ed1_a0b4_28db ^ UInt64(truncatingIfNeeded: length))
    }

    /// The hash of a whole name.
    static func of(_ name: Span<UInt8>) -> UInt64 {
        var hash = NameHash()
        var end = name.count
        while end >= 8 {
            hash.absorb(name.block(endingAt: end))
            end -= 8
        }
        return hash.suffix(end == 0 ? 0 : name.block(endingAt: end) >> UInt64(64 - 8 * end), length: name.count)
    }
}

extension Span<UInt8> {
    /// Eight bytes, the leftmost as the lowest; if there are fewer before `end`, zeros in their place.
    @inline(__always) func block(endingAt end: Int) -> UInt64 {
        if end >= 8 {
            return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: end - 8, as: UInt64.self))
        }
        if count >= 8 {
            let first = unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(as: UInt64.self))
            return first << UInt64(64 - 8 * end)
        }
        var block: UInt64 = 0
        for index in 0..<end { block = block >> 8 | UInt64(self[index]) << 56 }
        return block
    }
}

extension UInt64 {
    /// Both halves of the product, in one.
    @inline(__always) func folded(by factor: UInt64) -> UInt64 {
        let product = multipliedFullWidth(by: factor)
        return product.high ^ product.low
    }

    /// 0x80 in each byte that equals `byte`, zero elsewhere.
    @inline(__always) func places(of byte: UInt8) -> UInt64 {
        let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
        let difference = self ^ UInt64(byte) &* 0x0101_0101_0101_0101
        return ~((difference & low &+ low) | difference | low)
    }
}
