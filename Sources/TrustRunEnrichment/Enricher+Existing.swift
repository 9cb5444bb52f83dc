// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

extension Enricher {
    /// Takes the processes that ran before; their parents may come after them.
    package func linkExistingParents(_ parents: [(child: ProcessKey, parent: ProcessKey)]) {
        processes.linkParents(parents)
    }

    /// Lists what was open before: each connection once, however many processes hold it. `isReported` names the sockets whose beginning is on its
    /// way as a record of its own.
    package func list(
        _ sockets: [(facts: SocketFacts, state: UInt32, flags: SensorEvent.Flags, time: UInt64)],
        isReported: (UInt64) -> Bool
    ) {
        var seen: Set<UInt64> = []
        for socket in sockets where socket.facts.transport == TransportProtocol.tcp.rawValue {
            guard socket.state == TCPState.listen, seen.insert(socket.facts.socket).inserted else { continue }
            listeners.add(socket.facts, owner: processes.resolve(socket.facts.task, flags: socket.flags))
        }
        for socket in sockets where socket.state != TCPState.listen && socket.facts.remote.port != 0 {
            let cookie = socket.facts.cookie
            guard cookie == 0 || !isReported(cookie), seen.insert(socket.facts.socket).inserted else { continue }
            switch TransportProtocol(rawValue: socket.facts.transport) {
            case .tcp where socket.state != TCPState.close:
                listConnection(socket.facts, state: socket.state, flags: socket.flags, time: socket.time)
            case .udp:
                listFlow(socket.facts, flags: socket.flags, time: socket.time)
            default:
                continue
            }
        }
    }

    private func listConnection(_ facts: SocketFacts, state: UInt32, flags: SensorEvent.Flags, time: UInt64) {
        let process = processes.resolve(facts.task, flags: flags)
        let isCookieless = facts.cookie == 0
        let facts = numbered(facts)
        if isCookieless { cookieless[facts.socket] = facts.cookie }
        let direction: Direction = listeners.hasListener(for: facts) ? .inbound : .outbound
        var listed = self.state(of: facts, direction: direction, process: process, time: time)
        listed.isEstablished = state != TCPState.synSent
        listed.isAnnounced = true
        listed.wasPending = !listed.isEstablished
        connections[facts.cookie] = listed
        announce(&listed, at: time)
    }

    private func listFlow(_ facts: SocketFacts, flags: SensorEvent.Flags, time: UInt64) {
        guard facts.cookie != 0 else {
            let process = processes.resolve(facts.task, flags: flags)
            var listed = state(of: numbered(facts), direction: .outbound, process: process, time: time)
            listed.transport = .udp
            announce(&listed, at: time)
            return
        }
        var listed = udpState(facts, direction: .outbound, flags: flags, time: time)
        listed.areCountsPartial = true
        flows.add(listed)
        announce(&listed, at: time)
    }

    /// A socket without a cookie (before 5.12) gets a number that no cookie has.
    func numbered(_ facts: SocketFacts) -> SocketFacts {
        guard facts.cookie == 0 else { return facts }
        var facts = facts
        facts.cookie = nextListedCookie
        nextListedCookie += 1
        return facts
    }

    private func announce(_ listed: inout ConnectionState, at time: UInt64) {
        var told = listed.event()
        told.isExisting = true
        if listed.transport == .tcp && listed.direction == .outbound {
            told.outcome = listed.isEstablished ? .established : .pending
        }
        emit(
            listed.direction == .outbound ? .connect : .accept, told, of: &listed, at: time, hook: .existingConnections)
    }
}
