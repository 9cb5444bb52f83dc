// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension JSONLinesEncoder {
    /// What a connection's line holds at most besides the texts that are kept ready and the destination's names; the hint at an organisation
    /// is counted in.
    private static let lineMax = 1024 + hintMax

    package func encode(
        _ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook,
        into buffer: inout OutputBuffer
    ) -> Bool {
        buffer.beginLine()
        guard buffer.room >= Self.lineMax, Self.isPrepared(report.owner) || prepare(report.owner),
            Self.isPrepared(report.connection.verdict) || Self.prepare(report.connection.verdict)
        else {
            return buffer.refuseLine()
        }
        let header = unsafe headers[phase.position]
        let ending = unsafe endings[hook.rawValue]
        let who = unsafe Self.text(of: report.owner?.process)
        let group = unsafe Self.text(of: report.owner?.cgroup)
        let verdict = unsafe Self.text(of: report.connection.verdict)
        let length = Self.lineMax + header.count + who.count + group.count + verdict.count + ending.count
        guard var line = buffer.cursor(atMost: length + Self.length(of: report.connection.names)) else {
            return buffer.refuseLine()
        }
        line.put("{\"schema\":\"trustrun.event.v1\",\"time\":\"")
        times.put(time, at: &line)
        unsafe line.put(header)
        unsafe line.put(who)
        unsafe line.put(group)
        putParties(of: &report.connection, &namespaces, at: &line)
        Self.putFate(of: &report.connection, phase, at: &line)
        unsafe line.put(verdict)
        unsafe line.put(ending)
        line.put("\n")
        buffer.commit(line)
        return true
    }

    /// Writes what became of a connection.
    @inline(always)
    private static func putFate(
        of connection: inout ConnectionEvent, _ phase: ConnectionPhase, at line: inout LineCursor
    ) {
        if connection.isExisting { line.put(",\"existing\":true") }
        if connection.isQUIC { line.put(",\"quic\":true") }
        if case .violation = phase { return }
        let outcome = connection.outcome
        // A text of known length is copied without a call.
        if case .established = outcome {
            line.put(",\"outcome\":\"established\"")
        } else if let outcome {
            line.put(",\"outcome\":\"")
            line.put(outcome.text)
            line.put("\"")
        }
        if connection.errorNumber != 0, outcome?.hasErrorNumber ?? phase.isClosing {
            line.put(",\"errno\":\"")
            ErrorNumber.put(connection.errorNumber, at: &line)
            line.put("\"")
        }
        if let nanoseconds = connection.durationNanoseconds {
            line.put(",\"duration_ns\":")
            line.put(decimal: nanoseconds)
        }
        if let bytes = connection.bytes { put(bytes, at: &line) }
    }

    /// Writes what names a connection: its id, direction, protocol, both sides and the namespace.
    func appendParties(of connection: borrowing ConnectionEvent, to buffer: inout OutputBuffer) {
        guard var line = buffer.cursor(atMost: Self.lineMax + Self.length(of: connection.names)) else { return }
        var connection = copy connection
        var namespaces = NamespaceText()
        putParties(of: &connection, &namespaces, at: &line)
        buffer.commit(line)
    }

    @inline(always)
    private func putParties(
        of connection: inout ConnectionEvent, _ namespaces: inout NamespaceText, at line: inout LineCursor
    ) {
        line.put(",\"connection\":\"")
        line.put(hex: connection.id.cookie)
        line.put(".")
        line.put(decimal: UInt64(connection.id.generation))
        let direction = connection.direction
        switch direction {
        case .outbound: line.put("\",\"direction\":\"outbound\"")
        case .inbound: line.put("\",\"direction\":\"inbound\"")
        }
        switch connection.transport {
        case .tcp: line.put(",\"protocol\":\"tcp\"")
        case .udp: line.put(",\"protocol\":\"udp\"")
        }
        line.put(",\"source\":{")
        Self.put(connection.source, at: &line)
        line.put("},\"destination\":{")
        Self.put(connection.destination, at: &line)
        Self.put(&connection.names, of: direction, at: &line)
        putHint(of: &connection, at: &line)
        line.put("}")
        if connection.networkNamespace != 0 { namespaces.put(connection.networkNamespace, at: &line) }
    }

    static func append(_ endpoint: Endpoint, to buffer: inout OutputBuffer) {
        guard var line = buffer.cursor(atMost: LineCursor.endpointMax) else { return }
        put(endpoint, at: &line)
        buffer.commit(line)
    }

    @inline(always)
    private static func put(_ endpoint: Endpoint, at line: inout LineCursor) {
        line.put("\"address\":\"")
        line.put(endpoint.address)
        line.put("\"")
        if endpoint.port != 0 {
            line.put(",\"port\":")
            line.put(decimal: UInt64(endpoint.port))
        }
    }

    @inline(always)
    private static func put(_ bytes: ConnectionBytes, at line: inout LineCursor) {
        let last: UInt64
        switch bytes {
        case .tcp(let acknowledged, let unacknowledged, let received):
            line.put(",\"bytes\":{\"acknowledged\":")
            line.put(decimal: acknowledged)
            line.put(",\"unacknowledged\":")
            line.put(decimal: unacknowledged)
            last = received
        case .udp(let sent, let received):
            line.put(",\"bytes\":{\"sent\":")
            line.put(decimal: sent)
            last = received
        }
        line.put(",\"received\":")
        line.put(decimal: last)
        line.put("}")
    }
}
