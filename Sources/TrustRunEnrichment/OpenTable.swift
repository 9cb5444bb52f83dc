// SPDX-License-Identifier: Apache-2.0

/// A hash table by numbers other than 0 with open addressing: it allocates only to grow, and a look-up is one multiplication.
///
/// The values lie in memory of its own, so that one is changed where it is; a value is there where the key is not 0.
@safe struct OpenTable<Value>: ~Copyable {
    private var keys: UnsafeMutablePointer<UInt64>
    private var values: UnsafeMutablePointer<Value>
    private var mask: Int
    private(set) var count = 0

    init(minimumCapacity: Int = 64) {
        var capacity = 16
        while capacity < minimumCapacity * 2 { capacity *= 2 }
        unsafe keys = .allocate(capacity: capacity)
        unsafe keys.initialize(repeating: 0, count: capacity)
        unsafe values = .allocate(capacity: capacity)
        mask = capacity - 1
    }

    deinit {
        for index in 0...mask where unsafe keys[index] != 0 { unsafe (values + index).deinitialize(count: 1) }
        unsafe keys.deallocate()
        unsafe values.deallocate()
    }

    private func home(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 20) & mask
    }

    /// Where the key is, or would go.
    private func slot(_ key: UInt64) -> Int {
        var index = home(key)
        while unsafe keys[index] != key && keys[index] != 0 { index = (index + 1) & mask }
        return index
    }

    /// Where a key's value is, until the next insertion or removal; nil if there is none.
    func place(of key: UInt64) -> Int? {
        guard count > 0, key != 0 else { return nil }
        let index = slot(key)
        return unsafe keys[index] == key ? index : nil
    }

    /// The value at a place that `place(of:)` gave.
    subscript(place place: Int) -> Value {
        unsafeAddress {
            assert(unsafe keys[place] != 0)
            return unsafe UnsafePointer(values + place)
        }
        unsafeMutableAddress {
            assert(unsafe keys[place] != 0)
            return unsafe values + place
        }
    }

    /// The value of a key; setting nil removes it. The key 0 has none.
    subscript(key: UInt64) -> Value? {
        get { place(of: key).map { place in self[place: place] } }
        set {
            guard let newValue else { return remove(key) }
            insert(newValue, for: key)
        }
    }

    /// Changes the value of a key in place; returns nil if there is none.
    mutating func update<Result>(_ key: UInt64, _ body: (inout Value) -> Result) -> Result? {
        guard let place = place(of: key) else { return nil }
        return body(&self[place: place])
    }

    mutating func insert(_ value: consuming Value, for key: UInt64) {
        guard key != 0 else { return }
        if (count + 1) * 2 > mask { grow() }
        let index = slot(key)
        if unsafe keys[index] == 0 {
            unsafe keys[index] = key
            unsafe (values + index).initialize(to: value)
            count += 1
        } else {
            unsafe values[index] = value
        }
    }

    mutating func remove(_ key: UInt64) {
        if let place = place(of: key) { remove(at: place) }
    }

    /// Removes what is at a place and moves those behind it up, so that no search meets a hole.
    mutating func remove(at place: Int) {
        unsafe (values + place).deinitialize(count: 1)
        count -= 1
        var hole = place
        var index = place
        while true {
            index = (index + 1) & mask
            let key = unsafe keys[index]
            guard key != 0 else { break }
            let distance = (index - home(key)) & mask
            if distance >= (index - hole) & mask {
                unsafe keys[hole] = key
                unsafe (values + hole).moveInitialize(from: values + index, count: 1)
                hole = index
            }
        }
        unsafe keys[hole] = 0
    }

    private mutating func grow() {
        let (oldKeys, oldValues, oldMask) = unsafe (keys, values, mask)
        let capacity = (oldMask + 1) * 2
        unsafe keys = .allocate(capacity: capacity)
        unsafe keys.initialize(repeating: 0, count: capacity)
        unsafe values = .allocate(capacity: capacity)
        mask = capacity - 1
        for index in 0...oldMask where unsafe oldKeys[index] != 0 {
            let target = slot(unsafe oldKeys[index])
            unsafe keys[target] = oldKeys[index]
            unsafe (values + target).moveInitialize(from: oldValues + index, count: 1)
        }
        unsafe oldKeys.deallocate()
        unsafe oldValues.deallocate()
    }

    /// Calls `body` with every key and value, in no order.
    func forEach(_ body: (UInt64, Value) -> Void) {
        for index in 0...mask where unsafe keys[index] != 0 { unsafe body(keys[index], values[index]) }
    }
}
