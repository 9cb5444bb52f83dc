// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// Writes the stream of docs/events.md. Owned by one thread; it fills `encoded` of the processes and groups it writes.
package final class JSONLinesEncoder: EventEncoder {
    /// From the time's closing quote to the host, by `EventType.position`.
    let headers: TextTable
    /// From the sensor to the end of the line, by `StaticHook.rawValue`.
    let endings: TextTable
    /// What begins the hint at an organisation, by its number; the first is that of nobody.
    let organisations: TextTable
    /// The Unix time of boot, in nanoseconds.
    let bootOffset: UInt64
    var times: TimestampText {
        _read { yield unsafe storedTimes }
        _modify { yield unsafe &storedTimes }
    }
    var namespaces: NamespaceText {
        _read { yield unsafe storedNamespaces }
        _modify { yield unsafe &storedNamespaces }
    }
    // Unchecked is sound: writing a time or a number calls nothing.
    @exclusivity(unchecked) private var storedNamespaces = NamespaceText()
    @exclusivity(unchecked) private var storedTimes = TimestampText()
    /// For the start times of processes, which would push the current second out of `times`.
    var startTimes = TimestampText()

    /// Makes an encoder; a hook without a name leaves `sensor` out of the events that it sees.
    package init(host: String, hooks: [StaticHook: String], bootOffset: UInt64, organisations: [Organisation] = []) {
        headers = TextTable(
            EventType.allCases.map { type in
                var buffer = OutputBuffer(capacity: 4096)
                buffer.append("\",\"type\":")
                buffer.append(jsonString: type.rawValue)
                buffer.append(",\"host\":")
                buffer.append(jsonString: host)
                return buffer.copy(from: 0) ?? []
            })
        endings = TextTable(
            StaticHook.allCases.map { hook in
                guard let name = hooks[hook] else { return [UInt8(ascii: "}")] }
                var buffer = OutputBuffer(capacity: 4096)
                buffer.append(",\"sensor\":{\"hook\":")
                buffer.append(jsonString: name)
                buffer.append("}}")
                return buffer.copy(from: 0) ?? [UInt8(ascii: "}")]
            })
        self.organisations = TextTable(Self.hints(at: organisations))
        self.bootOffset = bootOffset
    }

    package func encode(_ event: EnrichedEvent, into buffer: inout OutputBuffer) -> Bool {
        let (phase, connection): (ConnectionPhase, ConnectionEvent)
        switch event.body {
        case .connect(let told): (phase, connection) = (.connect, told)
        case .accept(let told): (phase, connection) = (.accept, told)
        case .close(let told): (phase, connection) = (.close, told)
        case .violation(let told): (phase, connection) = (.violation, told)
        default: return encodeOther(event, into: &buffer)
        }
        var report = ConnectionReport(
            connection: connection, owner: Owner(process: event.process, cgroup: event.cgroup)
        )
        return encode(phase, &report, time: event.time, hook: event.hook, into: &buffer)
    }

    private func encodeOther(_ event: EnrichedEvent, into buffer: inout OutputBuffer) -> Bool {
        begin(event.type, time: event.time, in: &buffer)
        if let process = event.process {
            if case .exec = event.body {
                append(process, withArguments: true, to: &buffer)
            } else {
                appendCached(process, to: &buffer)
            }
        }
        if let cgroup = event.cgroup { appendCached(cgroup, to: &buffer) }
        switch event.body {
        case .dns(let message): Self.append(message, to: &buffer)
        case .sni(let serverName):
            append(serverName, to: &buffer)
            if let verdict = serverName.connection?.verdict { Self.append(verdict, to: &buffer) }
        case .attempt(let attempt):
            Self.append(attempt, to: &buffer)
            Self.append(attempt.verdict, to: &buffer)
        case .exit(let exit): Self.append(exit, to: &buffer)
        case .exec, .connect, .accept, .close, .violation: break
        }
        unsafe buffer.append(endings[event.hook.rawValue])
        return buffer.endLine()
    }

    /// Writes a line's beginning: schema, time, type and host.
    func begin(_ type: EventType, time: UInt64, in buffer: inout OutputBuffer) {
        buffer.beginLine()
        buffer.append("{\"schema\":\"trustrun.event.v1\",\"time\":\"")
        times.append(time, to: &buffer)
        unsafe buffer.append(headers[type.position])
    }
}
