// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunWire

extension Enricher {
    /// How long an answer names its addresses at least, in nanoseconds: programs keep them longer than the TTL says.
    private static let graceNanoseconds: UInt64 = 3_600_000_000_000

    func dns(_ event: borrowing SensorEvent, _ facts: SocketFacts, sequence: UInt32) {
        guard event.flags.contains(.tcp) else {
            let process =
                event.flags.contains(.noTask) ? nil : processes.resolve(facts.task, flags: event.flags)
            return message(event.payload, of: facts, process: process, transport: .udp, event)
        }
        let isEgress = event.flags.contains(.egress)
        guard
            var stream = lookups.takeStream(
                facts.cookie, isEgress: isEgress, sequence: sequence, isStart: event.flags.contains(.syn)
            )
        else { return }
        let fresh = stream.advance(sequence: sequence, count: event.payload.byteCount)
        guard let fresh else { return lookups.breakStream(facts.cookie, isEgress: isEgress) }
        let process = connections[facts.cookie]?.process
        let payload = event.payload
        let flags = event.flags
        let time = event.time
        stream.assembler.feed(payload.extracting(fresh..<payload.byteCount)) { whole in
            self.message(
                whole, of: facts, process: process, transport: .tcp,
                SensorEvent(time: time, flags: flags, body: .udpClose(cookie: 0), payload: whole)
            )
        }
        lookups.putStream(stream, facts.cookie, isEgress: isEgress)
    }

    private func message(
        _ bytes: RawSpan, of facts: SocketFacts, process: ProcessIdentity?, transport: TransportProtocol,
        _ event: borrowing SensorEvent
    ) {
        let message: DNSMessage
        do {
            message = try DNSMessage(bytes)
        } catch {
            return countMalformedDNS()
        }
        guard let question = message.question else { return }
        var told = DNSEvent(
            isAnswer: message.isResponse,
            id: message.id,
            name: question.name.map { name in hostNames.intern(name) },
            queryType: question.type.rawValue,
            transport: transport,
            resolver: facts.remote
        )
        let isEgress = event.flags.contains(.egress)
        guard isEgress != message.isResponse else { return }
        if isEgress {
            let query = LookupTable.Query(told, process: process, cgroup: process?.cgroup, time: event.time)
            if !lookups.add(query, cookie: facts.cookie, id: message.id) { countMalformedDNS() }
            emit(.dns(told), at: event.time, process: process, cgroup: process?.cgroup, hook: .dns)
            return
        }
        let query = lookups.take(cookie: facts.cookie, answer: told)
        fill(&told, from: message, in: bytes)
        told.isTruncated = told.isTruncated || event.flags.contains(.truncated)
        told.isUnsolicited = query == nil
        if let query {
            told.durationNanoseconds = event.time &- query.time
            if let name = told.name, let process = query.process {
                bind(told.answers, to: name, for: process, at: event.time)
            }
        }
        emit(.dns(told), at: event.time, process: query?.process, cgroup: query?.cgroup, hook: .dns)
    }

    private func fill(_ told: inout DNSEvent, from message: DNSMessage, in bytes: RawSpan) {
        told.responseCode = message.responseCode.rawValue
        told.isTruncated = message.isTruncated
        for index in message.answers.indices {
            let answer = message.answers[index]
            told.answers.append(
                DNSEvent.Answer(address: answer.address, timeToLiveSeconds: answer.timeToLiveSeconds)
            )
        }
        for index in 0..<message.aliasCount {
            if let alias = message.alias(index, in: bytes) { told.aliases.append(hostNames.intern(alias)) }
        }
    }

    private func bind(_ answers: [DNSEvent.Answer], to name: HostName, for process: ProcessIdentity, at time: UInt64) {
        guard !answers.isEmpty else { return }
        // The process may have called exec since it asked.
        let process = processes.find(process.key) ?? process
        let bindings = process.bindings ?? NameBindings()
        process.bindings = bindings
        for answer in answers {
            let life = max(UInt64(answer.timeToLiveSeconds) * 1_000_000_000, Self.graceNanoseconds)
            bindings.bind(name, to: answer.address, until: time &+ life)
        }
    }

    /// The names that answers to this process, or else to the nearest ancestor that has any, gave for an address.
    func names(of address: IPAddress, for process: ProcessIdentity?, at time: UInt64) -> DestinationNames {
        var next = process?.nearestBinder
        while let current = next {
            let names = current.bindings?.names(of: address, at: time) ?? []
            if names.count == 1 { return DestinationNames(name: names[0], source: .dns) }
            if names.count > 1 { return DestinationNames(candidates: names, source: .dns) }
            next = current.parent?.nearestBinder
        }
        return DestinationNames()
    }
}
