// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// How often a TCP socket that lives on after its connection ended has been used; also sockets that ended before a record of their acceptor
/// came.
struct GenerationTable: ~Copyable {
    private static let capacity = 65536

    private var last = OpenTable<UInt32>()

    mutating func remember(_ cookie: UInt64, _ generation: UInt32) {
        if last.count >= Self.capacity { last = OpenTable() }
        last[cookie] = generation
    }

    /// Whether the socket's last connection has ended.
    func knows(_ cookie: UInt64) -> Bool { last.count > 0 && last.place(of: cookie) != nil }

    /// The number of the use that begins now.
    mutating func next(of cookie: UInt64) -> UInt32 {
        guard last.count > 0, let generation = last[cookie] else { return 1 }
        return generation + 1
    }
}

/// Who listens, by namespace and port: an incoming connection that the kernel reports without a process is its listener's.
struct ListenerTable: ~Copyable {
    struct Listener {
        /// The kernel's address of its socket: with SO_REUSEPORT several have one local end.
        var socket: UInt64
        var address: IPAddress
        var owner: ProcessIdentity
    }

    private var listeners = OpenTable<[Listener]>()

    private func key(_ facts: SocketFacts) -> UInt64 {
        UInt64(facts.networkNamespace) << 16 | UInt64(facts.local.port)
    }

    mutating func add(_ facts: SocketFacts, owner: ProcessIdentity) {
        var same = listeners[key(facts)] ?? []
        same.removeAll { listener in listener.socket == facts.socket }
        same.append(Listener(socket: facts.socket, address: facts.local.address, owner: owner))
        listeners[key(facts)] = same
    }

    mutating func remove(_ facts: SocketFacts) {
        guard var same = listeners[key(facts)],
            let index = same.firstIndex(where: { listener in listener.socket == facts.socket })
        else { return }
        same.remove(at: index)
        listeners[key(facts)] = same.isEmpty ? nil : same
    }

    /// Whether somebody listens at a local end, so that its peer began the connection.
    func hasListener(for facts: SocketFacts) -> Bool {
        listeners[key(facts)]?.contains { listener in
            listener.address == facts.local.address || listener.address.isUnspecified
        } ?? false
    }

    /// The owner of the listener that a local end belongs to; nil if there is none, or if several share it.
    func owner(of facts: SocketFacts) -> ProcessIdentity? {
        guard let same = listeners[key(facts)] else { return nil }
        let exact = same.filter { listener in listener.address == facts.local.address }
        let fitting = exact.isEmpty ? same.filter { listener in listener.address.isUnspecified } : exact
        guard let first = fitting.first else { return nil }
        return fitting.allSatisfy { listener in listener.owner.key == first.owner.key } ? first.owner : nil
    }
}

extension IPAddress {
    /// 0.0.0.0 or ::
    var isUnspecified: Bool { (high == 0 && low == 0) || ipv4 == 0 }
}
