// SPDX-License-Identifier: Apache-2.0

/// Text that is made once and copied often: memory of its own, so that a copy out of it touches nothing else.
@safe package struct KeptText: ~Copyable {
    private let base: UnsafeMutablePointer<UInt8>?
    package let count: Int

    package init() {
        unsafe base = nil
        count = 0
    }

    package init(_ bytes: Span<UInt8>) {
        count = bytes.count
        unsafe base = .allocate(capacity: count)
        for index in bytes.indices { unsafe (base.unsafelyUnwrapped + index).initialize(to: bytes[index]) }
    }

    deinit {
        unsafe base?.deallocate()
    }

    package var isEmpty: Bool { count == 0 }

    /// The text, as long as this lives.
    package var bytes: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: base, count: count) }
}
