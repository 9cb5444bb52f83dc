// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension Enricher {
    func connect(_ facts: inout SocketFacts, flags: SensorEvent.Flags, at time: UInt64) {
        let owner = processes.resolveOwner(&facts.task, flags: flags)
        guard facts.errorNumber == 0 else { return refusedHere(facts, owner, at: time) }
        var generation = generations.next(of: facts.cookie)
        if let open = connections.place(of: facts.cookie) {
            // Not answered and not closed: the same start, told twice. Else its close was lost.
            if !connections[place: open].isEstablished, connections[place: open].remote == facts.remote { return }
            generation = connections[place: open].id.generation + 1
        }
        guard let place = connections.makePlace(for: facts.cookie) else { return }
        if owner.hasBinder {
            connections[place: place].names = names(of: facts.remote.address, for: owner.process, at: time)
        }
        connections[place: place].begin(&facts, generation: generation, at: time)
        connections[place: place].report.connection.organisation = hints.organisation(of: facts.remote.address)
        connections.wait(at: place)
        connections[place: place].report.owner = owner
        if rulings.isInUse {
            connections[place: place].report.connection.verdict = rulings.verdict(
                for: RulingTable.key(tcp: facts.cookie))
        }
    }

    /// The kernel sent nothing: that is all there is to tell of this connect().
    private func refusedHere(_ facts: SocketFacts, _ owner: Owner, at time: UInt64) {
        var refused = state(of: facts, direction: .outbound, process: owner.process, time: time)
        generations.remember(facts.cookie, refused.id.generation)
        var told = refused.event()
        told.outcome = ConnectionOutcome(errorNumber: UInt32(facts.errorNumber))
        told.errorNumber = UInt32(facts.errorNumber)
        told.durationNanoseconds = 0
        emit(.connect, told, of: &refused, at: time, hook: .connectRefusedHere)
    }

    func established(_ facts: inout SocketFacts, at time: UInt64) {
        guard let place = connections.place(of: facts.cookie) else {
            // The start was lost: the connection is told without its process.
            let state = state(of: facts, direction: .outbound, process: nil, time: time)
            connections.insert(state, for: facts.cookie)
            if state.id.cookie != 0 { established(&facts, at: time) }
            return
        }
        connections.endWaiting(place)
        connected(&connections[place: place], &facts, at: time)
    }

    private func connected(_ state: inout ConnectionState, _ facts: inout SocketFacts, at time: UInt64) {
        state.local = facts.local
        state.isEstablished = true
        guard !state.isAnnounced else { return }
        state.isAnnounced = true
        state.tell(.established, durationNanoseconds: time &- state.startTime)
        emit(.connect, of: &state, at: state.startTime, hook: .connect)
    }

    /// A connection is told once its acceptor is known; its listener's owner has it until then, and if nobody accepts it.
    func accept(_ event: borrowing SensorEvent, _ facts: SocketFacts) {
        guard event.flags.contains(.noTask) else { return accepted(event, facts) }
        // A socket that connected to itself, or whose peer connected at the same time, is no incoming connection.
        guard connections[facts.cookie] == nil else { return }
        var incoming = state(of: facts, direction: .inbound, process: listeners.owner(of: facts), time: event.time)
        incoming.isEstablished = true
        takeRuling(&incoming)
        if awaitsAcceptor {
            connections[facts.cookie] = incoming
            if let place = connections.place(of: facts.cookie) { connections.wait(at: place) }
        } else {
            announceIncoming(&incoming)
            connections[facts.cookie] = incoming
        }
    }

    private func accepted(_ event: borrowing SensorEvent, _ facts: SocketFacts) {
        let process = processes.resolve(facts.task, flags: event.flags)
        // A socket is accepted once: one that has ended already was told with its listener's owner.
        guard connections.place(of: facts.cookie) != nil || !generations.knows(facts.cookie) else { return }
        var incoming =
            connections[facts.cookie] ?? state(of: facts, direction: .inbound, process: nil, time: event.time)
        incoming.isAccepted = true
        if incoming.report.connection.verdict == nil { takeRuling(&incoming) }
        if !incoming.isAnnounced {
            incoming.report.owner = processes.owner(of: process)
            incoming.isEstablished = true
            announceIncoming(&incoming)
        }
        connections[facts.cookie] = incoming
    }

    /// Gives a connection that came in the verdict of its SYN.
    private func takeRuling(_ state: inout ConnectionState) {
        guard rulings.isInUse else { return }
        state.report.connection.verdict = rulings.verdict(
            for: RulingTable.key(inboundFrom: state.remote, to: state.local.port))
    }

    private func announceIncoming(_ state: inout ConnectionState) {
        state.isAnnounced = true
        emit(.accept, state.event(), of: &state, at: state.startTime, hook: .accept)
    }

    func close(_ facts: inout SocketFacts, _ end: inout CloseFacts, flags: SensorEvent.Flags, at time: UInt64) {
        guard end.oldState != TCPState.listen else { return listeners.remove(facts) }
        var cookie = facts.cookie
        if let listed = cookieless.place(of: facts.socket) {
            cookie = cookieless[place: listed]
            cookieless.remove(at: listed)
        }
        if !hellos.isEmpty { hellos[cookie] = nil }
        lookups.closeStream(cookie)
        guard let place = connections.place(of: cookie) else { return unknownClose(facts, end, at: time) }
        if flags.isAlive || (awaitsAcceptor && connections[place: place].lacksAcceptor) {
            generations.remember(cookie, connections[place: place].id.generation)
        }
        closed(&connections[place: place], &facts, &end, at: time)
        connections.remove(cookie)
    }

    private func closed(
        _ state: inout ConnectionState, _ facts: inout SocketFacts, _ end: inout CloseFacts, at time: UInt64
    ) {
        if state.local.port == 0 { state.local = facts.local }
        if !state.direction.isOutbound && !state.isAnnounced { announceIncoming(&state) }
        let duration = time &- state.startTime
        let (failure, errorNumber) = (ConnectionOutcome(errorNumber: end.errorNumber), end.errorNumber)
        if !state.isEstablished && !state.isAnnounced {
            state.tell(failure, errorNumber: errorNumber, durationNanoseconds: duration)
            return emit(.connect, of: &state, at: state.startTime, hook: .connect)
        }
        let syn: UInt64 = state.direction.isOutbound && end.acknowledged > 0 ? 1 : 0
        let bytes = ConnectionBytes.tcp(
            acknowledged: end.acknowledged - syn, unacknowledged: state.isEstablished ? end.unacknowledged : 0,
            received: end.received
        )
        if state.wasPending && !state.isEstablished {
            state.tell(failure, errorNumber: errorNumber, durationNanoseconds: duration, bytes: bytes)
        } else {
            state.tell(state.wasPending ? .established : nil, durationNanoseconds: duration, bytes: bytes)
        }
        emit(.close, of: &state, at: time, hook: .close)
    }

    /// A connection whose beginning nobody saw: a child that never got to its listener is none.
    private func unknownClose(_ facts: SocketFacts, _ end: CloseFacts, at time: UInt64) {
        guard end.oldState != TCPState.synReceived, end.oldState != TCPState.synSent, facts.remote.port != 0 else {
            return
        }
        let owner = listeners.owner(of: facts)
        var state = state(
            of: numbered(facts), direction: listeners.hasListener(for: facts) ? .inbound : .outbound, process: owner,
            time: time
        )
        state.isEstablished = true
        var told = state.event()
        let syn: UInt64 = state.direction.isOutbound && end.acknowledged > 0 ? 1 : 0
        told.bytes = .tcp(
            acknowledged: end.acknowledged - syn, unacknowledged: end.unacknowledged, received: end.received
        )
        emit(.close, told, of: &state, at: time, hook: .close)
    }

    func listen(_ event: borrowing SensorEvent, _ facts: SocketFacts) {
        listeners.add(facts, owner: processes.resolve(facts.task, flags: event.flags))
    }

    func state(
        of facts: SocketFacts, direction: Direction, process: ProcessIdentity?, time: UInt64
    ) -> ConnectionState {
        var state = ConnectionState(
            id: ConnectionID(cookie: facts.cookie, generation: generations.next(of: facts.cookie)),
            owner: process.map { process in processes.owner(of: process) },
            direction: direction,
            transport: .tcp,
            local: facts.local,
            remote: facts.remote,
            names: direction == .inbound
                ? DestinationNames() : names(of: facts.remote.address, for: process, at: time),
            networkNamespace: facts.networkNamespace,
            startTime: time
        )
        // The destination of what comes in is this host.
        if direction.isOutbound {
            state.report.connection.organisation = hints.organisation(of: facts.remote.address)
        }
        return state
    }

    /// Tells of connections that have waited for an answer since before `time`.
    func announcePending(before time: UInt64) {
        while let place = connections.next(before: time) {
            guard !connections[place: place].isAnnounced else { continue }
            announceWaiting(&connections[place: place])
        }
    }

    private func announceWaiting(_ state: inout ConnectionState) {
        guard state.direction.isOutbound else { return announceIncoming(&state) }
        state.isAnnounced = true
        state.wasPending = true
        var told = state.event()
        told.outcome = .pending
        emit(.connect, told, of: &state, at: state.startTime, hook: .connect)
    }
}
