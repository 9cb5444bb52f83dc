// SPDX-License-Identifier: Apache-2.0

/// Hashes of the ends of a name, taken from the right, eight bytes at a time: one pass yields the hash of every end.
///
/// Not keyed: what is found by it is compared, so that equal hashes cost time and nothing else.
struct NameHash {
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// Takes the next eight bytes to the left, the leftmost as the lowest.
    @inline(__always) mutating func absorb(_ block: UInt64) {
        state = (state ^ block).folded(by: 0xa076_1d64_78bd_642f)
    }

    /// The hash of an end of `length` bytes: what was absorbed, and before it fewer than eight bytes, which are the highest of `block`.
    @inline(__always) func end(_ block: UInt64, length: Int, isExact: Bool) -> UInt64 {
        let rest = length & 7 == 0 ? 0 : block &>> UInt64(64 &- 8 &* (length & 7))
        let kind = UInt64(truncatingIfNeeded: length) | (isExact ? 1 << 16 : 0)
        return (state ^ rest).folded(by: 0xe703_7ed1_a0b4_28db ^ kind)
    }

    /// The hash of a key.
    static func of(_ key: Span<UInt8>, isExact: Bool) -> UInt64 {
        var hash = NameHash()
        var end = key.count
        while end >= 8 {
            hash.absorb(key.wholeBlock(endingAt: end))
            end -= 8
        }
        return hash.end(key.firstBlock(endingAt: end), length: key.count, isExact: isExact)
    }
}

extension Span<UInt8> {
    /// The eight bytes before `end`, the leftmost as the lowest.
    @inline(__always) func wholeBlock(endingAt end: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: end - 8, as: UInt64.self))
    }

    /// The first bytes, up to `end` and fewer than eight, as the highest; the lower ones are zero.
    @inline(__always) func firstBlock(endingAt end: Int) -> UInt64 {
        if end == 0 { return 0 }
        if count >= 8 { return wholeBlock(endingAt: 8) &<< UInt64(64 &- 8 &* end) }
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
