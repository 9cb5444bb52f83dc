// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// Open connections by socket cookie. The states lie side by side, and the place that was left last is taken first: so what is open stays in
/// the processor's cache, however many connections come and go.
@safe struct ConnectionTable: ~Copyable {
    private struct Slot {
        var state = ConnectionState.void
        /// The neighbours in the queue, if it is in there.
        var earlier = noPlace
        var later = noPlace
        var isWaiting = false
    }

    private static let noPlace = -1

    private var places = OpenTable<Int>()
    /// All of them are initialized; those that no cookie leads to are void.
    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 64
    private var vacant: [Int]
    /// Who waits longest, and who came last.
    private var (first, last) = (noPlace, noPlace)

    init() {
        unsafe slots = .allocate(capacity: capacity)
        unsafe slots.initialize(repeating: Slot(), count: capacity)
        vacant = (0..<capacity).reversed()
    }

    deinit {
        unsafe slots.deinitialize(count: capacity)
        unsafe slots.deallocate()
    }

    /// Where the state of a cookie is, until it is removed; nil if there is none.
    @inline(always)
    func place(of cookie: UInt64) -> Int? {
        guard let found = places.place(of: cookie) else { return nil }
        return places[place: found]
    }

    /// The state at a place that `place(of:)` or `makePlace(for:)` gave.
    subscript(place place: Int) -> ConnectionState {
        unsafeAddress { unsafe UnsafePointer(address(of: place).pointer(to: \.state).unsafelyUnwrapped) }
        unsafeMutableAddress { unsafe address(of: place).pointer(to: \.state).unsafelyUnwrapped }
    }

    private func address(of place: Int) -> UnsafeMutablePointer<Slot> {
        precondition(place >= 0 && place < capacity)
        return unsafe slots + place
    }

    /// A void state for a cookie, in place of the one that it may have; nil for the cookie 0, which has none.
    mutating func makePlace(for cookie: UInt64) -> Int? {
        guard cookie != 0 else { return nil }
        if let place = place(of: cookie) {
            empty(place)
            return place
        }
        if vacant.isEmpty { grow() }
        let place = vacant.removeLast()
        places.insert(place, for: cookie)
        return place
    }

    mutating func insert(_ state: ConnectionState, for cookie: UInt64) {
        if let place = makePlace(for: cookie) { self[place: place] = state }
    }

    mutating func remove(_ cookie: UInt64) {
        guard let found = places.place(of: cookie) else { return }
        let place = places[place: found]
        places.remove(at: found)
        empty(place)
        vacant.append(place)
    }

    private mutating func empty(_ place: Int) {
        endWaiting(place)
        self[place: place].clear()
    }

    /// The state of a cookie; setting nil removes it.
    subscript(cookie: UInt64) -> ConnectionState? {
        get { place(of: cookie).map { place in self[place: place] } }
        set {
            guard let newValue else { return remove(cookie) }
            insert(newValue, for: cookie)
        }
    }

    /// Changes the state of a cookie in place; returns nil if there is none.
    mutating func update<Result>(_ cookie: UInt64, _ body: (inout ConnectionState) -> Result) -> Result? {
        guard let place = place(of: cookie) else { return nil }
        return body(&self[place: place])
    }

    private mutating func grow() {
        let old = unsafe slots
        unsafe slots = .allocate(capacity: capacity * 2)
        unsafe slots.moveInitialize(from: old, count: capacity)
        unsafe (slots + capacity).initialize(repeating: Slot(), count: capacity)
        unsafe old.deallocate()
        vacant.append(contentsOf: (capacity..<capacity * 2).reversed())
        capacity *= 2
    }
}

/// The queue of those that were begun, until they are answered or have waited long enough to be told.
extension ConnectionTable {
    static let patienceNanoseconds: UInt64 = 1_000_000_000

    /// Puts a connection at the end of the queue.
    @inline(always)
    mutating func wait(at place: Int) {
        endWaiting(place)
        unsafe address(of: place).pointee.isWaiting = true
        unsafe address(of: place).pointee.earlier = last
        if last >= 0 { unsafe address(of: last).pointee.later = place } else { first = place }
        last = place
    }

    /// Takes a connection out of the queue if it is in there.
    @inline(always)
    mutating func endWaiting(_ place: Int) {
        let slot = unsafe address(of: place)
        guard unsafe slot.pointee.isWaiting else { return }
        let (earlier, later) = unsafe (slot.pointee.earlier, slot.pointee.later)
        if earlier >= 0 { unsafe address(of: earlier).pointee.later = later } else { first = later }
        if later >= 0 { unsafe address(of: later).pointee.earlier = earlier } else { last = earlier }
        unsafe slot.pointee.isWaiting = false
        unsafe slot.pointee.earlier = Self.noPlace
        unsafe slot.pointee.later = Self.noPlace
    }

    /// Takes out the first, if it began before `time`.
    mutating func next(before time: UInt64) -> Int? {
        let place = first
        guard place >= 0, self[place: place].startTime < time else { return nil }
        endWaiting(place)
        return place
    }
}
