// SPDX-License-Identifier: Apache-2.0

/// A fixed block of memory that lines are written into; an append that does not fit writes nothing and is remembered.
///
/// Unchecked Sendable is sound: the type has no copies, so whoever holds it is the only owner of the block.
@safe package struct OutputBuffer: ~Copyable, @unchecked Sendable {
    package static let standardCapacity = 256 << 10

    /// Where a buffer without capacity points, so that it costs nothing.
    private nonisolated(unsafe) static let nothing = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)

    private let base: UnsafeMutablePointer<UInt8>
    package let capacity: Int
    /// The bytes written so far.
    package private(set) var count = 0
    /// Something of the line that is being written did not fit.
    package private(set) var isOverflowing = false
    /// Lines that were taken back because they did not fit.
    package private(set) var overflowCount: UInt64 = 0
    private var lineStart = 0

    package init(capacity: Int = standardCapacity) {
        self.capacity = capacity
        unsafe base = capacity > 0 ? .allocate(capacity: capacity) : Self.nothing
    }

    deinit {
        if capacity > 0 { unsafe base.deallocate() }
    }

    /// The bytes that still fit.
    package var room: Int { capacity - count }

    /// The bytes written so far.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let bytes = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(bytes, borrowing: self)
        }
    }

    /// Forgets everything written.
    package mutating func removeAll() {
        count = 0
        lineStart = 0
        isOverflowing = false
    }

    /// Marks where a line begins.
    package mutating func beginLine() {
        lineStart = count
        isOverflowing = false
    }

    /// Ends the line; one that did not fit is taken back and counted, and the answer is false.
    package mutating func endLine() -> Bool {
        append(byte: UInt8(ascii: "\n"))
        guard isOverflowing else { return true }
        count = lineStart
        isOverflowing = false
        overflowCount += 1
        return false
    }

    /// Takes the line back before it is written.
    mutating func refuseLine() -> Bool {
        isOverflowing = true
        return endLine()
    }

    /// Where `length` more bytes may be written unchecked, and `LineCursor.slack`; nil if there is not so much room.
    @inline(always)
    mutating func cursor(atMost length: Int) -> LineCursor? {
        guard length + LineCursor.slack <= capacity - count else {
            isOverflowing = true
            return nil
        }
        return unsafe LineCursor(from: base + count, to: base + count + length)
    }

    /// Takes over what a cursor of this buffer has written.
    @inline(always)
    mutating func commit(_ cursor: consuming LineCursor) {
        count = unsafe cursor.next - base
    }

    /// The bytes from `start` to the end, copied; nil if some of the line did not fit.
    func copy(from start: Int) -> [UInt8]? {
        guard !isOverflowing, start >= 0, start <= count else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: base + start, count: count - start))
    }

    /// Memory for exactly `length` more bytes, or nil; the caller fills all of it.
    @inline(always)
    mutating func extend(by length: Int) -> UnsafeMutablePointer<UInt8>? {
        guard length <= capacity - count else {
            isOverflowing = true
            return nil
        }
        let start = unsafe base + count
        count += length
        return unsafe start
    }

    @inline(always)
    package mutating func append(byte: UInt8) {
        if let target = unsafe extend(by: 1) { unsafe target.pointee = byte }
    }

    @inline(always)
    package mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        guard let target = unsafe extend(by: length) else { return }
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: text.utf8Start, byteCount: length)
    }

    package mutating func append(_ bytes: [UInt8]) {
        append(bytes.span)
    }

    package mutating func append(_ bytes: Span<UInt8>) {
        guard let target = unsafe extend(by: bytes.count) else { return }
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: source.count)
        }
    }

    package mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress, let target = unsafe extend(by: bytes.count) else { return }
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: bytes.count)
    }

    package mutating func append(repeating byte: UInt8, count: Int) {
        guard count > 0, let target = unsafe extend(by: count) else { return }
        unsafe target.update(repeating: byte, count: count)
    }
}
