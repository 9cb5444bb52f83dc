// SPDX-License-Identifier: Apache-2.0

/// Looks for several texts in one pass over the bytes (Horspool's algorithm, for a set).
struct ByteSearch {
    let needles: [[UInt8]]
    /// How far to move on, by the last byte under the window.
    private let shifts: [Int]
    /// The needles that the last byte under the window may belong to.
    private let candidates: [[Int]]
    /// The size of the window: the shortest needle's.
    private let window: Int

    /// Takes texts of at least one byte.
    init(_ needles: [[UInt8]]) {
        self.needles = needles
        let window = max(1, needles.map(\.count).min() ?? 1)
        var shifts = [Int](repeating: window, count: 256)
        var candidates = [[Int]](repeating: [], count: 256)
        for (index, needle) in needles.enumerated() where needle.count >= window {
            for position in 0..<(window - 1) {
                let byte = Int(needle[position])
                shifts[byte] = min(shifts[byte], window - 1 - position)
            }
            candidates[Int(needle[window - 1])].append(index)
        }
        self.shifts = shifts
        self.candidates = candidates
        self.window = window
    }

    /// The size of the longest needle.
    var longest: Int { needles.map(\.count).max() ?? 0 }

    /// Calls `found` with a needle's index and place, in the order of their places, until it answers false.
    func forEachMatch(in bytes: borrowing Span<UInt8>, _ found: (Int, Int) -> Bool) {
        let shifts = shifts.span
        var start = 0
        while start <= bytes.count - window {
            let last = Int(bytes[start + window - 1])
            for index in candidates[last] where matches(needles[index], bytes, at: start) {
                guard found(index, start) else { return }
            }
            start += shifts[last]
        }
    }

    private func matches(_ needle: [UInt8], _ bytes: borrowing Span<UInt8>, at start: Int) -> Bool {
        guard needle.count <= bytes.count - start else { return false }
        for offset in needle.indices where bytes[start + offset] != needle[offset] { return false }
        return true
    }
}
