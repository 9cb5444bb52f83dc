// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension Enricher {
    /// EPERM: what connect() and send() answer where a gate refuses.
    private static let notPermitted: UInt32 = 1

    /// A gate decided: the verdict is kept for the connection's own records, and a violation is told at once.
    func ruling(_ event: borrowing SensorEvent, _ ruling: GateRuling) {
        guard ruling.basis != .probe else { return }
        let owner = owner(of: ruling, flags: event.flags)
        let name = ruling.gate == .process ? nil : rulingName(event.payload)
        guard !isProver(owner?.process), let verdict = verdict(of: ruling, name: name, owner: owner) else { return }
        switch ruling.gate {
        case .connect: rule(verdict, onConnect: ruling, owner, at: event.time)
        case .datagram: rule(verdict, onDatagram: ruling, owner, at: event.time)
        case .inbound:
            rulings.keep(
                verdict, isRefused: !ruling.letsThrough,
                for: RulingTable.key(inboundFrom: ruling.peer, to: ruling.port))
            tell(AttemptEvent(ruling, verdict: verdict), owner, at: event.time)
        case .name: rule(verdict, onName: ruling, name, owner, at: event.time)
        case .process:
            tell(AttemptEvent(ruling, path: Self.bytes(event.payload), verdict: verdict), owner, at: event.time)
        case .socket, .option, .bind, .packet, .query, .answer, .handover, .leaving:
            tell(AttemptEvent(ruling, verdict: verdict), owner, at: event.time)
        }
    }

    private func rule(_ verdict: Verdict, onConnect ruling: GateRuling, _ owner: Owner?, at time: UInt64) {
        var state = state(of: ruling, owner, at: time)
        // As `connect` counts it.
        if let open = connections.place(of: ruling.cookie) {
            state.id.generation = connections[place: open].id.generation + 1
        }
        if ruling.letsThrough {
            rulings.keep(verdict, isRefused: false, for: RulingTable.key(tcp: ruling.cookie))
        } else {
            generations.remember(ruling.cookie, state.id.generation)
            tellRefused(&state, verdict, at: time)
        }
        tellViolation(&state, verdict, at: time)
    }

    /// The server name of a connection that was let through, or that there is none, may end it.
    private func rule(
        _ verdict: Verdict, onName ruling: GateRuling, _ name: HostName?, _ owner: Owner?, at time: UInt64
    ) {
        guard let place = connections.place(of: ruling.cookie) else {
            var state = state(of: ruling, owner, at: time)
            return tellViolation(&state, verdict, at: time)
        }
        if let name { connections[place: place].names = Self.named(name, among: connections[place: place].names) }
        let before = connections[place: place].report.connection.verdict
        connections[place: place].report.connection.verdict = verdict
        if let before, before.isViolation, before.isSame(as: verdict) { return }
        tellViolation(&connections[place: place], verdict, at: time)
    }

    /// A refused datagram is no use of its socket: it is told as the socket's use 0, once in a row as a `connect`.
    private func rule(_ verdict: Verdict, onDatagram ruling: GateRuling, _ owner: Owner?, at time: UInt64) {
        let key = RulingTable.key(udp: ruling.cookie, to: ruling.peer)
        let known = flows.generation(cookie: ruling.cookie, remote: ruling.peer)
        let wasRefused = rulings.keep(verdict, isRefused: !ruling.letsThrough, for: key)
        guard verdict.isViolation || (wasRefused && known == nil) else { return }
        var state = state(of: ruling, owner, at: time)
        state.transport = .udp
        if ruling.letsThrough {
            state.id.generation = known ?? flows.nextGeneration(cookie: ruling.cookie)
            // The record of the flow came with a datagram that was refused, and comes once only.
            if wasRefused, known == nil { beginFlow(&state, verdict, at: time) }
        } else {
            state.id.generation = known ?? 0
            if known == nil, !wasRefused { tellRefused(&state, verdict, at: time) }
        }
        tellViolation(&state, verdict, at: time)
    }

    private func beginFlow(_ state: inout ConnectionState, _ verdict: Verdict, at time: UInt64) {
        state.isEstablished = true
        state.isAnnounced = true
        state.areCountsPartial = true
        state.report.connection.verdict = verdict
        state.id.generation = flows.add(state)
        emit(.connect, state.event(), of: &state, at: time, hook: .gate)
    }

    private func tellRefused(_ state: inout ConnectionState, _ verdict: Verdict, at time: UInt64) {
        state.report.connection.verdict = verdict
        state.tell(.failed, errorNumber: Self.notPermitted, durationNanoseconds: 0)
        emit(.connect, of: &state, at: time, hook: .gate)
    }

    private func tellViolation(_ state: inout ConnectionState, _ verdict: Verdict, at time: UInt64) {
        guard verdict.isViolation else { return }
        state.report.connection.verdict = verdict
        emit(.violation, state.event(), of: &state, at: time, hook: .gate)
    }

    private func tell(_ attempt: AttemptEvent, _ owner: Owner?, at time: UInt64) {
        guard attempt.verdict.isViolation else { return }
        emit(.attempt(attempt), at: time, process: owner?.process, cgroup: owner?.cgroup, hook: .gate)
    }

    private func state(of ruling: GateRuling, _ owner: Owner?, at time: UInt64) -> ConnectionState {
        let facts = SocketFacts(
            task: ruling.task, cookie: ruling.cookie, networkNamespace: ruling.networkNamespace,
            transport: UInt8(truncatingIfNeeded: ruling.transport),
            local: Endpoint(
                address: ruling.peer.address.isIPv4 ? IPAddress(ipv4: 0) : IPAddress(high: 0, low: 0), port: 0),
            remote: ruling.peer
        )
        var made = state(of: facts, direction: .outbound, process: owner?.process, time: time)
        made.report.owner = owner
        return made
    }

    /// Whose it is; of packets that come or leave at any time, whoever has the listener or the connection.
    private func owner(of ruling: GateRuling, flags: SensorEvent.Flags) -> Owner? {
        guard flags.contains(.noTask) else {
            var task = ruling.task
            return processes.resolveOwner(&task, flags: flags)
        }
        if ruling.gate != .inbound {
            return connections.place(of: ruling.cookie).flatMap { place in connections[place: place].report.owner }
        }
        let facts = SocketFacts(
            task: ruling.task, cookie: ruling.cookie, networkNamespace: ruling.networkNamespace, transport: 6,
            local: Endpoint(address: ruling.own, port: ruling.port), remote: ruling.peer
        )
        return listeners.owner(of: facts).map { process in processes.owner(of: process) }
    }

    /// The agent's own child that tries what must be refused: it never calls exec.
    func isProver(_ process: ProcessIdentity?) -> Bool {
        guard let process, let parent = process.parent, parent.key.tgid == proverParent else { return false }
        return process.executable == parent.executable
    }

    /// The kernel keeps names from right to left.
    private func rulingName(_ payload: RawSpan) -> HostName? {
        let count = payload.byteCount
        guard count > 0, count <= DomainName.maximumLength else { return nil }
        var text = InlineArray<253, UInt8>(repeating: 0)
        for index in 0..<count {
            text[count - 1 - index] = unsafe payload.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
        }
        return DomainName(ascii: text.span.extracting(first: count)).map { name in hostNames.intern(name) }
    }
}
