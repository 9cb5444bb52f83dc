// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// Open connections by socket cookie. The states lie side by side, and the place that was left last is taken first: so what is open stays in
/// the processor's cache, however many connections come and go.
@safe struct ConnectionTable: ~Copyable {
    private var places = OpenTable<UInt32>(minimumCapacity: 4096)
    /// All of them are initialized; those that no cookie leads to are void.
    private var states: UnsafeMutablePointer<ConnectionState>
    private var capacity = 64
    private var vacant: [UInt32]

    init() {
        unsafe states = .allocate(capacity: capacity)
        unsafe states.initialize(repeating: .void, count: capacity)
        vacant = (0..<UInt32(capacity)).reversed()
    }

    deinit {
        unsafe states.deinitialize(count: capacity)
        unsafe states.deallocate()
    }

    /// Where the state of a cookie is, until it is removed; nil if there is none.
    @inline(always)
    func place(of cookie: UInt64) -> Int? {
        guard let index = places.place(of: cookie) else { return nil }
        return Int(places[place: index])
    }

    /// The state at a place that `place(of:)` or `makePlace(for:)` gave.
    subscript(place place: Int) -> ConnectionState {
        unsafeAddress {
            precondition(place >= 0 && place < capacity)
            return unsafe UnsafePointer(states + place)
        }
        unsafeMutableAddress {
            precondition(place >= 0 && place < capacity)
            return unsafe states + place
        }
    }

    /// A void state for a cookie, in place of the one that it may have; nil for the cookie 0, which has none.
    mutating func makePlace(for cookie: UInt64) -> Int? {
        guard cookie != 0 else { return nil }
        if let place = place(of: cookie) {
            self[place: place].clear()
            return place
        }
        if vacant.isEmpty { grow() }
        let place = vacant.removeLast()
        places.insert(place, for: cookie)
        return Int(place)
    }

    mutating func insert(_ state: ConnectionState, for cookie: UInt64) {
        if let place = makePlace(for: cookie) { self[place: place] = state }
    }

    mutating func remove(_ cookie: UInt64) {
        guard let place = place(of: cookie) else { return }
        places.remove(cookie)
        self[place: place].clear()
        vacant.append(UInt32(place))
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
        let old = unsafe states
        unsafe states = .allocate(capacity: capacity * 2)
        unsafe states.moveInitialize(from: old, count: capacity)
        unsafe (states + capacity).initialize(repeating: .void, count: capacity)
        unsafe old.deallocate()
        vacant.append(contentsOf: (UInt32(capacity)..<UInt32(capacity * 2)).reversed())
        capacity *= 2
    }
}
