// SPDX-License-Identifier: Apache-2.0

/// From a name to its list of candidates: that of the name itself if a rule names it, else that of its longest end that is a key.
struct NameIndex: Sendable {
    /// What rules name whole.
    var exact: NameTable
    /// What stands behind the last label with a `*`.
    var suffixes: NameTable
    /// The list of names that have no key: globs whose last label has a `*`.
    var root: UInt32
    /// The longest name in presentation form; nothing longer is a key.
    static let longest = 253

    /// The list of a canonical name.
    @inline(__always) func list(for name: Span<UInt8>) -> UInt32 {
        // Of a name that is longer than any can be, the ends are still looked up.
        let tail = name.extracting(last: Self.longest)
        var (suffix, whole) = longestSuffix(of: tail, below: tail.count)
        if name.count == tail.count, exact.mayContain(whole), let list = exact.find(tail, hash: whole) { return list }
        while suffix.length > 0 {
            if let list = suffixes.find(tail.extracting(last: suffix.length), hash: suffix.hash) { return list }
            // Another key has the same tag.
            suffix = longestSuffix(of: tail, below: suffix.length).suffix
        }
        return root
    }

    private typealias Hashed = (hash: UInt64, length: Int)

    /// The longest end of the name behind a dot that may be a key and is shorter than `limit`, and the hash of the whole name.
    @inline(__always) private func longestSuffix(
        of name: Span<UInt8>, below limit: Int
    ) -> (suffix: Hashed, whole: UInt64) {
        var hash = NameHash()
        var longest: Hashed = (0, 0)
        var end = name.count
        while end > 0 {
            let block = name.block(endingAt: end)
            var dots = block.places(of: UInt8(ascii: "."))
            while dots != 0 {
                let bits = dots.leadingZeroBitCount
                let length = name.count - end + bits / 8
                let suffix = hash.suffix(block >> UInt64(64 - bits), length: length)
                if length < limit, suffixes.mayContain(suffix) { longest = (suffix, length) }
                dots &= ~((1 << 63) >> UInt64(bits))
            }
            if end < 8 { return (longest, hash.suffix(block >> UInt64(64 - 8 * end), length: name.count)) }
            hash.absorb(block)
            end -= 8
        }
        return (longest, hash.suffix(0, length: name.count))
    }
}
