// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// The bytes as the parsers take them.
    package var rawSpan: RawSpan {
        @_lifetime(borrow self)
        borrowing get { unsafe span.bytes }  // a byte has no padding
    }

    /// Appends raw bytes.
    mutating func append(contentsOf bytes: RawSpan) {
        guard !bytes.isEmpty else { return }
        unsafe bytes.withUnsafeBytes { source in unsafe append(contentsOf: source) }
    }
}
