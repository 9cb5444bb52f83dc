// SPDX-License-Identifier: Apache-2.0

/// A hash table from names, and ends of names, to numbers.
///
/// Eight slots make a bucket. A byte of each key's hash, its tag, lies apart from the slots, the eight of a bucket in one word: nearly
/// every search for what is not there ends after one look into memory that is small enough for a processor's cache.
struct NameTable: Sendable {
    private struct Slot {
        /// Where the key is in `keys`: its length, 1 for a name and 0 for an end, then its bytes.
        var key: UInt32
        var value: UInt32
    }

    /// Zero where a slot is free.
    private var tags: [UInt64]
    private var slots: [Slot]
    private var keys: [UInt8] = []
    private(set) var count = 0

    /// For as many keys at most.
    init(capacity: Int) {
        // A third full at most on average, so that few buckets are full.
        var buckets = 1
        while buckets * 8 < capacity * 2 { buckets *= 2 }
        tags = Array(repeating: 0, count: buckets)
        slots = Array(repeating: Slot(key: 0, value: 0), count: buckets * 8)
    }

    /// False means that the key is not there.
    @inline(__always) func mayContain(_ hash: UInt64) -> Bool {
        let word = tags[bucket(hash)]
        let difference = word ^ UInt64(Self.tag(hash)) &* 0x0101_0101_0101_0101
        // Not zero if a byte of the difference is; and slots are filled from the lowest.
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080 | word >> 56 != 0
    }

    /// The number of a key.
    @inline(__always) func find(_ key: Span<UInt8>, isExact: Bool, hash: UInt64) -> UInt32? {
        var bucket = bucket(hash)
        while true {
            let word = tags[bucket]
            var places = word.places(of: Self.tag(hash))
            while places != 0 {
                let slot = slots[bucket * 8 + places.trailingZeroBitCount / 8]
                if isKey(at: Int(slot.key), key, isExact: isExact) { return slot.value }
                places &= places - 1
            }
            if word >> 56 == 0 { return nil }
            bucket = (bucket + 1) & (tags.count - 1)
        }
    }

    /// The number of a key, which is how many were there before it, if it is new.
    mutating func insert(_ key: Span<UInt8>, isExact: Bool) -> UInt32 {
        let hash = NameHash.of(key, isExact: isExact)
        if let value = find(key, isExact: isExact, hash: hash) { return value }
        var bucket = bucket(hash)
        while tags[bucket] >> 56 != 0 { bucket = (bucket + 1) & (tags.count - 1) }
        let place = (71 - tags[bucket].leadingZeroBitCount) / 8
        tags[bucket] |= UInt64(Self.tag(hash)) << UInt64(8 * place)
        slots[bucket * 8 + place] = Slot(key: UInt32(keys.count), value: UInt32(count))
        keys.append(UInt8(key.count))
        keys.append(isExact ? 1 : 0)
        for index in key.indices { keys.append(key[index]) }
        count += 1
        return UInt32(count - 1)
    }

    /// Puts another number in place of each key's.
    mutating func replaceValues(_ values: [UInt32]) {
        for slot in slots.indices where isTaken(slot) { slots[slot].value = values[Int(slots[slot].value)] }
    }

    /// Every key with its number.
    var entries: [Entry] {
        slots.indices.filter(isTaken).map { slot in
            let start = Int(slots[slot].key)
            return Entry(
                start: start + 2, count: Int(keys[start]), isExact: keys[start + 1] == 1, value: slots[slot].value)
        }
    }

    struct Entry {
        fileprivate let start: Int
        let count: Int
        let isExact: Bool
        let value: UInt32
    }

    /// The bytes of a key.
    @_lifetime(borrow self)
    func key(_ entry: Entry) -> Span<UInt8> {
        keys.span.extracting(entry.start..<entry.start + entry.count)
    }

    func text(_ entry: Entry) -> String {
        String(decoding: keys[entry.start..<entry.start + entry.count], as: UTF8.self)
    }

    private func isTaken(_ slot: Int) -> Bool {
        tags[slot / 8] >> UInt64(slot % 8 * 8) & 0xff != 0
    }

    @inline(__always) private func bucket(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash) & (tags.count - 1)
    }

    @inline(__always) private static func tag(_ hash: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: hash >> 56 | (hash >> 56 == 0 ? 1 : 0))
    }

    @inline(__always) private func isKey(at start: Int, _ key: Span<UInt8>, isExact: Bool) -> Bool {
        guard Int(keys[start]) == key.count, keys[start + 1] == (isExact ? 1 : 0) else { return false }
        let known = keys.span.extracting(start + 2..<start + 2 + key.count)
        var end = key.count
        while end >= 8 {
            guard known.wholeBlock(endingAt: end) == key.wholeBlock(endingAt: end) else { return false }
            end -= 8
        }
        return known.firstBlock(endingAt: end) == key.firstBlock(endingAt: end)
    }
}
