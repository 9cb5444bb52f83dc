// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension Enricher {
    func udpFlow(_ event: borrowing SensorEvent, _ facts: SocketFacts) {
        if flows.markForgotten(cookie: facts.cookie, remote: facts.remote) { return }
        let key = RulingTable.key(udp: facts.cookie, to: facts.remote)
        // What was seen of it did not leave: a gate refused it.
        if rulings.isInUse, rulings.isRefused(key) { return }
        let direction: Direction = event.flags.contains(.inbound) ? .inbound : .outbound
        var flow = udpState(facts, direction: direction, flags: event.flags, time: event.time)
        guard proverParent == 0 || !isProver(flow.report.owner?.process) else { return }
        flow.report.connection.verdict = rulings.verdict(for: key)
        flow.id.generation = flows.add(flow)
        var told = flow.event()
        told.isQUIC = event.flags.contains(.quic)
        emit(direction == .outbound ? .connect : .accept, told, of: &flow, at: event.time, hook: .udp)
    }

    func udpClose(cookie: UInt64, at time: UInt64) {
        for var flow in flows.remove(cookie: cookie) {
            var told = flow.event()
            if let counts = counts.takeUDPFlow(cookie: cookie, remote: flow.remote), !flow.areCountsPartial {
                told.bytes = .udp(sent: counts.sent, received: counts.received)
            }
            told.durationNanoseconds = time &- flow.startTime
            emit(.close, told, of: &flow, at: time, hook: .udpClose)
        }
    }

    func udpState(
        _ facts: SocketFacts, direction: Direction, flags: SensorEvent.Flags, time: UInt64
    ) -> ConnectionState {
        let process = processes.resolve(facts.task, flags: flags)
        var flow = state(of: facts, direction: direction, process: process, time: time)
        flow.transport = .udp
        flow.isEstablished = true
        flow.isAnnounced = true
        return flow
    }
}

/// UDP flows by socket: most sockets have one.
struct UDPFlowTable: ~Copyable {
    struct Socket {
        var flows: [ConnectionState]
        /// Where a destination's flow is; filled only where there are many.
        var places: [Endpoint: Int] = [:]

        private static let few = 8

        func place(of remote: Endpoint) -> Int? {
            flows.count <= Self.few ? flows.firstIndex { flow in flow.remote == remote } : places[remote]
        }

        mutating func append(_ flow: ConnectionState) {
            flows.append(flow)
            guard flows.count > Self.few else { return }
            let first = places.isEmpty ? 0 : flows.count - 1
            for place in first..<flows.count { places[flows[place].remote] = place }
        }
    }

    private var sockets = OpenTable<Socket>(minimumCapacity: 1024)

    /// Adds a flow; returns which use of the socket it is.
    @discardableResult
    mutating func add(_ flow: ConnectionState) -> UInt32 {
        var flow = flow
        let generation = sockets.update(flow.id.cookie) { socket -> UInt32 in
            flow.id.generation = UInt32(socket.flows.count) + 1
            socket.append(flow)
            return flow.id.generation
        }
        if let generation { return generation }
        flow.id.generation = 1
        sockets[flow.id.cookie] = Socket(flows: [flow])
        return 1
    }

    /// Which use of the socket an open flow is.
    func generation(cookie: UInt64, remote: Endpoint) -> UInt32? {
        guard let found = sockets.place(of: cookie), let flow = sockets[place: found].place(of: remote) else {
            return nil
        }
        return sockets[place: found].flows[flow].id.generation
    }

    /// Which use of the socket the next flow will be.
    func nextGeneration(cookie: UInt64) -> UInt32 {
        guard let found = sockets.place(of: cookie) else { return 1 }
        return UInt32(sockets[place: found].flows.count) + 1
    }

    /// Changes an open flow; returns what it is then, nil if there is none.
    mutating func update(
        cookie: UInt64, remote: Endpoint, _ body: (inout ConnectionState) -> Void
    ) -> ConnectionState? {
        let changed = sockets.update(cookie) { socket -> ConnectionState? in
            guard let place = socket.place(of: remote) else { return nil }
            body(&socket.flows[place])
            return socket.flows[place]
        }
        return changed ?? nil
    }

    /// Whether the flow is known already: then the kernel had forgotten it, and its counts began anew.
    mutating func markForgotten(cookie: UInt64, remote: Endpoint) -> Bool {
        let isKnown = sockets.update(cookie) { socket -> Bool in
            guard let place = socket.place(of: remote) else { return false }
            socket.flows[place].areCountsPartial = true
            return true
        }
        return isKnown ?? false
    }

    /// Takes out the flows of a socket.
    mutating func remove(cookie: UInt64) -> [ConnectionState] {
        guard let socket = sockets[cookie] else { return [] }
        sockets[cookie] = nil
        return socket.flows
    }
}
