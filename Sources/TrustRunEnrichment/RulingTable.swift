// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What gates decided of connections and flows whose own record is about to come: it follows at once, so a place that another takes meanwhile is
/// no loss to speak of, and nothing grows.
struct RulingTable: ~Copyable {
    struct Key: Equatable {
        /// The socket; inbound: 0.
        var cookie: UInt64
        /// Inbound, and UDP: the peer.
        var peer: Endpoint
        /// Inbound: one's own.
        var port: UInt16 = 0
    }

    private struct Slot {
        var key: Key
        var verdict: Verdict
        /// It was refused: a record of the flow tells of what did not leave.
        var isRefused: Bool
    }

    private static let capacity = 4096
    private static let nowhere = Endpoint(address: IPAddress(high: 0, low: 0), port: 0)

    /// Empty as long as no gate tells of anything.
    private var slots: [Slot?] = []

    /// Whether there was a decision at all.
    var isInUse: Bool { !slots.isEmpty }

    static func key(tcp cookie: UInt64) -> Key { Key(cookie: cookie, peer: nowhere) }

    static func key(udp cookie: UInt64, to peer: Endpoint) -> Key { Key(cookie: cookie, peer: canonical(peer)) }

    static func key(inboundFrom peer: Endpoint, to port: UInt16) -> Key {
        Key(cookie: 0, peer: canonical(peer), port: port)
    }

    private static func canonical(_ peer: Endpoint) -> Endpoint {
        Endpoint(address: peer.address.canonical, port: peer.port)
    }

    /// Keeps the last decision; the answer is whether the one before was a refusal of the same.
    @discardableResult
    mutating func keep(_ verdict: Verdict, isRefused: Bool, for key: Key) -> Bool {
        if slots.isEmpty { slots = Array(repeating: nil, count: Self.capacity) }
        let place = Self.place(of: key)
        let wasRefused = slots[place].map { slot in slot.isRefused && slot.key == key } ?? false
        slots[place] = Slot(key: key, verdict: verdict, isRefused: isRefused)
        return wasRefused
    }

    /// The last decision if it let through.
    func verdict(for key: Key) -> Verdict? {
        guard isInUse, let slot = slots[Self.place(of: key)], slot.key == key, !slot.isRefused else { return nil }
        return slot.verdict
    }

    /// Whether the last decision was a refusal.
    func isRefused(_ key: Key) -> Bool {
        guard isInUse, let slot = slots[Self.place(of: key)] else { return false }
        return slot.isRefused && slot.key == key
    }

    private static func place(of key: Key) -> Int {
        var hash = key.cookie &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ key.peer.address.low ^ key.peer.address.high) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ UInt64(key.peer.port) << 16 ^ UInt64(key.port)) &* 0x94d0_49bb_1331_11eb
        return Int(truncatingIfNeeded: hash >> 40) & (capacity - 1)
    }
}
