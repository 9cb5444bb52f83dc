// SPDX-License-Identifier: Apache-2.0

/// Ranges of numbers without overlap, each with who has it, in order: a look-up is a search within those that share their first 12 bits.
struct FlatRanges<Key: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    private static var indexBits: Int { 12 }

    /// Where each range begins; it ends where the next one begins.
    private var starts: [Key] = [0]
    /// 0 where nobody has it.
    private var numbers: [UInt8] = [0]
    /// For each value of the first 12 bits the range in which it begins, and at last the last range.
    private var index: [UInt16] = []

    /// `nested` is in order of the first key, each range before those inside of it; ranges that overlap lie one in the other.
    init(nested: [(first: Key, last: Key, number: UInt8)]) {
        var open: [(last: Key, number: UInt8)] = []
        for range in nested {
            while let inner = open.last, inner.last < range.first { close(&open, inner.last) }
            begin(range.first, range.number)
            open.append((range.last, range.number))
        }
        while let inner = open.last { close(&open, inner.last) }
        makeIndex()
    }

    private mutating func close(_ open: inout [(last: Key, number: UInt8)], _ last: Key) {
        open.removeLast()
        if last < Key.max { begin(last + 1, open.last?.number ?? 0) }
    }

    private mutating func begin(_ start: Key, _ number: UInt8) {
        if let last = starts.indices.last, starts[last] == start {
            numbers[last] = number
            // The range before may be of the same organisation now.
            if last > 0, numbers[last - 1] == number {
                starts.removeLast()
                numbers.removeLast()
            }
        } else if numbers.last != number {
            starts.append(start)
            numbers.append(number)
        }
    }

    private mutating func makeIndex() {
        var range = 0
        for bits in 0..<(1 << Self.indexBits) {
            let key = Key(bits) << Key(Key.bitWidth - Self.indexBits)
            while range + 1 < starts.count, starts[range + 1] <= key { range += 1 }
            index.append(UInt16(clamping: range))
        }
        index.append(UInt16(clamping: starts.count - 1))
    }

    @inline(__always)
    func number(of key: Key) -> UInt8 {
        let bits = Int(truncatingIfNeeded: key >> Key(Key.bitWidth - Self.indexBits))
        var low = Int(index[bits])
        var count = Int(index[bits + 1]) - low + 1
        // The last range of `count` from `low` that begins at or before the key.
        while count > 1 {
            let half = count / 2
            if starts[low + half] <= key { low += half }
            count -= half
        }
        return numbers[low]
    }
}
