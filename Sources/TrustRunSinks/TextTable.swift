// SPDX-License-Identifier: Apache-2.0

/// Texts that are made once, by number.
@safe struct TextTable: ~Copyable {
    private let texts: UnsafeMutableBufferPointer<UnsafeBufferPointer<UInt8>>

    init(_ all: [[UInt8]]) {
        unsafe texts = .allocate(capacity: all.count)
        for (index, bytes) in all.enumerated() {
            let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = unsafe text.initialize(from: bytes)
            unsafe texts.initializeElement(at: index, to: UnsafeBufferPointer(text))
        }
    }

    deinit {
        for index in unsafe texts.indices { unsafe texts[index].deallocate() }
        unsafe texts.deallocate()
    }

    var count: Int { unsafe texts.count }

    /// The text with this number, as long as the table lives.
    subscript(number: Int) -> UnsafeBufferPointer<UInt8> { unsafe texts[number] }
}
