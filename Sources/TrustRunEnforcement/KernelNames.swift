// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import TrustRunPolicy

// Names from right to left, as the tries of the kernel want them (BPF/Include/tr_policy.h).
extension tr_name_entry {
    init(_ key: NameKey) {
        self.init()
        list = key.list
        // A zero behind a whole name, a dot behind an end of names, nothing behind the end of every name.
        let ending: [UInt8] = key.isExact ? [0] : key.text.isEmpty ? [] : [UInt8(ascii: ".")]
        let text = Array(key.text.utf8.reversed()) + ending
        self.key.length = UInt32(text.count * 8)
        unsafe withUnsafeMutableBytes(of: &self.key.text) { bytes in unsafe bytes.copyBytes(from: text) }
    }
}

extension tr_glob {
    init(_ pattern: NamePattern) {
        self.init()
        var text = Array(pattern.text.utf8.reversed())
        // A first label of a star alone takes all that is left.
        if text.count > 2, text.suffix(2) == [UInt8(ascii: "."), UInt8(ascii: "*")] {
            text[text.count - 1] = UInt8(TR_GLOB_REST)
        }
        length = UInt16(text.count)
        unsafe withUnsafeMutableBytes(of: &self.text) { bytes in unsafe bytes.copyBytes(from: text) }
    }
}
