// SPDX-License-Identifier: Apache-2.0

/// Which of a policy's process globs an executable matches: made once for a process image, valid for the `CompiledPolicy` that made it.
package struct ExecutableClass: Sendable {
    /// As many globs as there are bits.
    static let maximumGlobs = 256

    /// A bit for each distinct glob.
    private(set) var bits: InlineArray<4, UInt64>

    /// An executable that is not known, to which no rule with `process` applies.
    package static var unknown: ExecutableClass { ExecutableClass() }

    init() {
        bits = InlineArray(repeating: 0)
    }

    init(bits: InlineArray<4, UInt64>) {
        self.bits = bits
    }

    mutating func insert(_ glob: Int) {
        bits[glob >> 6] |= 1 << UInt64(glob & 63)
    }

    @inline(__always) func contains(_ glob: Int) -> Bool {
        bits[glob >> 6] >> UInt64(glob & 63) & 1 != 0
    }
}
