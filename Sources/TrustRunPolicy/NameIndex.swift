// SPDX-License-Identifier: Apache-2.0

/// From a name to its list of candidates: that of the name itself if a rule names it, else that of its longest end that is a key.
struct NameIndex: Sendable {
    var table: NameTable
    /// The list of names that have no key: globs whose last label has a `*`.
    var root: UInt32
    /// The longest name in presentation form; nothing longer is a key.
    private static let longest = 253

    /// The list of a canonical name; if `isInside`, that of the ends alone, as for what lies below a key.
    @inline(__always) func list(for name: Span<UInt8>, isInside: Bool = false) -> UInt32 {
        // Of what is longer than any name, the ends are still looked up.
        let tail = name.extracting(last: Self.longest)
        var limit = isInside || name.count > tail.count ? tail.count : tail.count + 1
        while true {
            let end = longestKey(of: tail, below: limit)
            if end.length == 0 { return root }
            let isExact = end.length == tail.count
            if let list = table.find(tail.extracting(last: end.length), isExact: isExact, hash: end.hash) {
                return list
            }
            // Another key has the same tag.
            limit = end.length
        }
    }

    private typealias End = (hash: UInt64, length: Int)

    /// The longest end of the name that may be a key and is shorter than `limit`: the name itself, or what stands behind a dot.
    @inline(__always) private func longestKey(of name: Span<UInt8>, below limit: Int) -> End {
        var hash = NameHash()
        var longest: End = (0, 0)
        var end = name.count
        while end >= 8 {
            let block = name.wholeBlock(endingAt: end)
            takeDots(of: block, behind: name.count - end, hash, below: limit, &longest)
            hash.absorb(block)
            end -= 8
        }
        let block = name.firstBlock(endingAt: end)
        takeDots(of: block, behind: name.count - end, hash, below: limit, &longest)
        let whole = hash.end(block, length: name.count, isExact: true)
        return name.count < limit && table.mayContain(whole) ? (whole, name.count) : longest
    }

    /// Looks at what stands behind each dot of a block, from the right; `before` bytes stand behind the block.
    @inline(__always) private func takeDots(
        of block: UInt64, behind before: Int, _ hash: NameHash, below limit: Int, _ longest: inout End
    ) {
        var dots = block.places(of: UInt8(ascii: "."))
        while dots != 0 {
            let bits = dots.leadingZeroBitCount
            dots &= ~((1 << 63) &>> UInt64(bits))
            let length = before &+ bits / 8
            let key = hash.end(block, length: length, isExact: false)
            if length < limit, table.mayContain(key) { longest = (key, length) }
        }
    }
}
