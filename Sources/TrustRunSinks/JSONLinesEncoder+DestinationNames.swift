// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension JSONLinesEncoder {
    static func appendDuration(_ nanoseconds: UInt64?, to buffer: inout OutputBuffer) {
        guard let nanoseconds else { return }
        buffer.append(",\"duration_ns\":")
        buffer.append(decimal: nanoseconds)
    }

    static func append(_ names: [HostName], to buffer: inout OutputBuffer) {
        var isFirst = true
        for name in names {
            if isFirst { buffer.append("\"") } else { buffer.append(",\"") }
            isFirst = false
            buffer.append(name.bytes)
            buffer.append("\"")
        }
    }

    /// How much room the names need, with what stands around them; a single one has its domain behind it.
    @inline(always)
    static func length(of names: borrowing DestinationNames) -> Int {
        if names.hasCandidates {
            return names.candidates.reduce(0) { length, name in length + 2 * name.bytes.count + 3 }
        }
        return 2 * (names.name?.bytes.count ?? 0)
    }

    @inline(always)
    static func put(_ names: inout DestinationNames, of direction: Direction, at line: inout LineCursor) {
        if let name = names.name {
            put(single: name, at: &line)
        } else if names.hasCandidates {
            put(names.candidates, at: &line)
        }
        switch names.source {
        case .dnsAndSNI: line.put(",\"name_source\":\"dns+sni\"")
        case .dns: line.put(",\"name_source\":\"dns\"")
        case .sni: line.put(",\"name_source\":\"sni\"")
        // The destination of an inbound connection is this host, which nobody looks up here.
        case .none: if case .outbound = direction { line.put(",\"name_source\":\"none\"") }
        }
    }

    private static func put(single name: HostName, at line: inout LineCursor) {
        line.put(",\"name\":\"")
        line.put(name.bytes)
        line.put("\"")
    }

    private static func put(_ candidates: [HostName], at line: inout LineCursor) {
        if candidates.count == 1 { return put(single: candidates[0], at: &line) }
        line.put(",\"names\":[")
        var isFirst = true
        for name in candidates {
            if isFirst { line.put("\"") } else { line.put(",\"") }
            isFirst = false
            line.put(name.bytes)
            line.put("\"")
        }
        line.put("]")
    }
}
