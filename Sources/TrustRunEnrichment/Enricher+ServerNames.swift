// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunWire

extension Enricher {
    /// Connections whose ClientHello is on its way in pieces, at most.
    private static let piecesMax = 4096

    func hello(_ event: borrowing SensorEvent, _ facts: SocketFacts, offset: Int) {
        var facts = facts
        facts.cookie = cookieless[facts.socket] ?? facts.cookie
        let cookie = facts.cookie
        if offset == 0 {
            let result = TLSClientHello.parse(event.payload)
            guard case .needMore = result else {
                return parsed(result, facts, at: event.time)
            }
            guard hellos.count < Self.piecesMax else { return countMalformedHello() }
            hellos[cookie] = ClientHelloAssembler()
        }
        guard let result = hellos[cookie]?.append(event.payload, at: offset) else { return }
        switch result {
        case .gap:
            hellos[cookie] = nil
            countMalformedHello()
        case .parsed(.needMore):
            break
        case .parsed(let whole):
            hellos[cookie] = nil
            parsed(whole, facts, at: event.time)
        }
    }

    private func parsed(_ result: TLSClientHello.ParseResult, _ facts: SocketFacts, at time: UInt64) {
        switch result {
        case .clientHello(let hello): sent(hello, facts, at: time)
        case .malformed: countMalformedHello()
        case .needMore, .notTLS: break
        }
    }

    private func sent(_ hello: TLSClientHello, _ facts: SocketFacts, at time: UInt64) {
        guard let serverName = hello.serverName else { return }
        let name = hostNames.intern(serverName)
        let state = connections.update(facts.cookie) { state -> ConnectionState in
            state.names = Self.named(name, among: state.names)
            state.names.hasECH = hello.hasECH
            return state
        }
        var told = ServerNameEvent(name: name, isOnWire: true, isFromLibrary: false)
        told.hasECH = hello.hasECH
        told.applicationProtocols = hello.applicationProtocols.names
        told.connection = state?.event()
        if let process = state?.process { told.isFromLibrary = claims.take(name, of: process.key) }
        guard let verdict = emit(told, of: state, at: time) else { return }
        _ = connections.update(facts.cookie) { state -> Void in state.report.connection.verdict = verdict }
    }

    /// The server name of a QUIC client. It is evidence only: no verdict rests on it, as no gate reads it.
    func quic(_ event: borrowing SensorEvent, _ facts: SocketFacts) {
        guard let quicHellos else { return }
        let hello = quicHellos.take(event.payload, cookie: facts.cookie, remote: facts.remote)
        malformedHellos += quicHellos.takeUnread()
        guard let hello, let serverName = hello.serverName else { return }
        let name = hostNames.intern(serverName)
        var told = ServerNameEvent(name: name, isOnWire: true, isFromLibrary: false)
        told.hasECH = hello.hasECH
        told.applicationProtocols = hello.applicationProtocols.names
        var isKnown = false
        let flow = flows.update(cookie: facts.cookie, remote: facts.remote) { flow in
            // Packets that are lost come again.
            isKnown = flow.names.hasServerName && flow.names.name === name
            if !isKnown { flow.names = Self.named(name, among: flow.names) }
        }
        guard !isKnown else { return }
        told.connection = flow?.event()
        told.connection?.isQUIC = true
        _ = emit(told, of: flow, at: event.time)
    }

    /// What a connection is called once its server name is known: proven if an answer gave this address for that name.
    static func named(_ name: HostName, among names: DestinationNames) -> DestinationNames {
        // A name that rests on the client's claim is not proven by the same claim again.
        let isBound =
            names.source != .sni
            && (names.name === name || names.candidates.contains { candidate in candidate === name })
        return DestinationNames(name: name, source: isBound ? .dnsAndSNI : .sni)
    }

    func serverName(_ event: borrowing SensorEvent, _ task: TaskFacts) {
        let text = Self.bytes(event.payload)
        guard let serverName = DomainName(ascii: text.span) else { return }
        let process = processes.resolve(task, flags: event.flags)
        claims.append(hostNames.intern(serverName), of: process, at: event.time)
        if let claim = claims.nextTooMany() { release(claim) }
    }

    /// Tells of names that programs asked for and that never appeared on the wire.
    func releaseClaims(before time: UInt64) {
        while let claim = claims.next(before: time) { release(claim) }
    }

    private func release(_ claim: ClaimQueue.Claim) {
        let told = ServerNameEvent(name: claim.name, isOnWire: false, isFromLibrary: true)
        emit(.sni(told), at: claim.time, process: claim.process, cgroup: claim.process.cgroup, hook: .sslCtrl)
    }
}

/// Names that programs asked their TLS library for, until a ClientHello of the same process carries them.
struct ClaimQueue {
    struct Claim {
        var name: HostName
        var process: ProcessIdentity
        var time: UInt64
    }

    static let patienceNanoseconds: UInt64 = 5_000_000_000

    private static let capacity = 4096

    private var claims: [Claim] = []

    mutating func append(_ name: HostName, of process: ProcessIdentity, at time: UInt64) {
        claims.append(Claim(name: name, process: process, time: time))
    }

    /// Whether the process asked for this name; the claim is settled by it.
    mutating func take(_ name: HostName, of process: ProcessKey) -> Bool {
        let index = claims.firstIndex { claim in claim.name === name && claim.process.key == process }
        guard let index else { return false }
        claims.remove(at: index)
        return true
    }

    /// Takes out the oldest claim, if it was made before `time`.
    mutating func next(before time: UInt64) -> Claim? {
        guard let first = claims.first, first.time < time else { return nil }
        return claims.removeFirst()
    }

    /// Takes out the oldest claim if there are more than can be kept: it is told as it is.
    mutating func nextTooMany() -> Claim? {
        claims.count > Self.capacity ? claims.removeFirst() : nil
    }
}
