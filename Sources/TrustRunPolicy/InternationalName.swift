// SPDX-License-Identifier: Apache-2.0
internal import CIDN2

/// Host names with letters beyond ASCII.
enum InternationalName {
    /// The A-label of a label (RFC 5891 5, with the mapping of UTS 46, not transitional); nil if no such host name can exist.
    static func asciiLabel(_ label: String) -> String? {
        guard !label.utf8.contains(0) else { return nil }
        var output: UnsafeMutablePointer<UInt8>?
        let flags = CInt(IDN2_NFC_INPUT.rawValue | IDN2_NONTRANSITIONAL.rawValue)
        let status = unsafe Array(label.utf8CString).withUnsafeBytes { bytes in
            unsafe idn2_lookup_u8(bytes.bindMemory(to: UInt8.self).baseAddress, &output, flags)
        }
        defer { unsafe idn2_free(output) }
        guard status == IDN2_OK.rawValue, let output = unsafe output else { return nil }
        return unsafe String(cString: output)
    }
}
