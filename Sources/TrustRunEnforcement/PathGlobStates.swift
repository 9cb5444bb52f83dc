// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import TrustRunPolicy

/// All `process` globs of a policy as one machine that reads a path byte by byte, a bit for each state: how many characters of a glob were
/// met, stars left out.
struct PathGlobStates {
    /// For all globs of a policy together.
    static let maximumStates = Int(TR_STATE_WORDS) * 64

    /// Rows of `TR_STATE_WORDS`, as `tr_states` has them, without the policy's generation; empty without globs.
    private(set) var words: [UInt64] = []

    /// How many states a glob takes.
    static func stateCount(of glob: PathGlob) -> Int {
        1 + glob.text.utf8.count { byte in byte != UInt8(ascii: "*") }
    }

    /// - Parameter globs: At most `CompiledPolicy.maximumProcessGlobs`, and `maximumStates` together.
    init(_ globs: [PathGlob]) {
        guard !globs.isEmpty else { return }
        words = [UInt64](repeating: 0, count: Int(TR_STATES_ROWS) * Int(TR_STATE_WORDS))
        var accepting: [Int] = []
        var state = 0
        for glob in globs {
            set(state, inRow: Int(TR_STATES_START))
            for byte in glob.text.utf8 {
                switch byte {
                case UInt8(ascii: "*"): set(state, inRow: Int(TR_STATES_STAY))
                case UInt8(ascii: "?"):
                    state += 1
                    for any in 0...255 { set(state, inRow: any) }
                default:
                    state += 1
                    set(state, inRow: Int(byte))
                }
            }
            accepting.append(state)
            state += 1
        }
        setHead(accepting, stateCount: state)
    }

    private mutating func set(_ state: Int, inRow row: Int) {
        words[row * Int(TR_STATE_WORDS) + state / 64] |= 1 << UInt64(state % 64)
    }

    private mutating func setHead(_ accepting: [Int], stateCount: Int) {
        var head = tr_states_head()
        head.glob_count = UInt32(accepting.count)
        head.words = UInt32((stateCount + 63) / 64)
        unsafe withUnsafeMutableBytes(of: &head.accept) { bytes in
            for (index, state) in accepting.enumerated() {
                unsafe bytes.storeBytes(of: UInt16(state), toByteOffset: index * 2, as: UInt16.self)
            }
        }
        unsafe words.withUnsafeMutableBytes { bytes in
            unsafe bytes.storeBytes(
                of: head, toByteOffset: Int(TR_STATES_HEAD) * MemoryLayout<tr_states>.size,
                as: tr_states_head.self)
        }
    }
}
