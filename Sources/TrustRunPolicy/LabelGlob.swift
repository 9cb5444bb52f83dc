// SPDX-License-Identifier: Apache-2.0

/// One label of a name pattern, in which `*` stands for any bytes or none.
enum LabelGlob {
    /// Whether some label fits both globs.
    static func overlap(_ left: Substring, _ right: Substring) -> Bool {
        guard left.utf8.contains(star) || right.utf8.contains(star) else { return left == right }
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        // possible[j]: what is before index i of `left` and before j of `right` can be the same.
        var possible = [Bool](repeating: false, count: right.count + 1)
        possible[0] = true
        for j in right.indices where right[j] == star { possible[j + 1] = possible[j] }
        for byte in left {
            var next = [Bool](repeating: false, count: right.count + 1)
            next[0] = possible[0] && byte == star
            for j in right.indices {
                next[j + 1] =
                    byte == star && (possible[j + 1] || next[j]) || right[j] == star && (next[j] || possible[j + 1])
                    || byte == right[j] && possible[j]
            }
            possible = next
        }
        return possible[right.count]
    }

    private static let star = UInt8(ascii: "*")
}
