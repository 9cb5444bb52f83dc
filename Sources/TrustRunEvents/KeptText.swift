// SPDX-License-Identifier: Apache-2.0

/// Text that is made once and copied often: memory of its own, so that a copy out of it touches nothing else.
///
/// What says where it is lies in that memory too: so whoever keeps a text declares it with `let`, and reading one asks no runtime for access.
@safe package struct KeptText: ~Copyable {
    @unsafe package struct Place {
        /// nil if there is none.
        package var start: UnsafeMutablePointer<UInt8>?
        package var count: Int
    }

    /// Lives as long as this; what it points to, until the next `keep`.
    package let place: UnsafeMutablePointer<Place>

    package init() {
        unsafe place = .allocate(capacity: 1)
        unsafe place.initialize(to: Place(start: nil, count: 0))
    }

    deinit {
        unsafe place.pointee.start?.deallocate()
        unsafe place.deallocate()
    }

    package var isEmpty: Bool { unsafe place.pointee.count == 0 }

    /// The text until the next `keep`, as long as this lives.
    package var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: place.pointee.start, count: place.pointee.count)
    }

    /// Keeps a text in place of the last one.
    package func keep(_ bytes: Span<UInt8>) {
        unsafe place.pointee.start?.deallocate()
        unsafe place.pointee = Place(start: nil, count: bytes.count)
        guard bytes.count > 0 else { return }
        let start = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
        for index in bytes.indices { unsafe (start + index).initialize(to: bytes[index]) }
        unsafe place.pointee.start = start
    }
}
