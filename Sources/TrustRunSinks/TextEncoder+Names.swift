// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension TextEncoder {
    static func append(_ message: DNSEvent, to buffer: inout OutputBuffer) {
        buffer.append(message.isAnswer ? " " : " ? ")
        if message.queryType != 0 {
            DNSNumber.append(type: message.queryType, to: &buffer)
            buffer.append(" ")
        }
        if let name = message.name { buffer.append(name.bytes) } else { buffer.append("-") }
        if message.isAnswer {
            appendAnswer(message, to: &buffer)
        } else {
            buffer.append(" @ ")
            append(message.resolver, names: nil, to: &buffer)
        }
        if message.transport == .tcp { buffer.append("  tcp") }
        if message.isTruncated { buffer.append("  truncated") }
        if message.isUnsolicited { buffer.append("  unsolicited") }
        guard let duration = message.durationNanoseconds else { return }
        buffer.append("  ")
        buffer.append(duration: duration)
    }

    private static func appendAnswer(_ message: DNSEvent, to buffer: inout OutputBuffer) {
        buffer.append(" -> ")
        if !message.aliases.isEmpty {
            append(message.aliases, separator: ", ", to: &buffer)
            buffer.append(" -> ")
        }
        guard message.responseCode == 0, !message.answers.isEmpty else {
            return DNSNumber.append(responseCode: message.responseCode, to: &buffer)
        }
        var isFirst = true
        for answer in message.answers {
            if !isFirst { buffer.append(", ") }
            isFirst = false
            buffer.append(answer.address)
        }
    }

    static func append(_ serverName: ServerNameEvent, to buffer: inout OutputBuffer) {
        buffer.append(" ")
        if let name = serverName.name { buffer.append(name.bytes) } else { buffer.append("-") }
        if let connection = serverName.connection {
            buffer.append(" → ")
            append(connection.destination, names: nil, to: &buffer)
        }
        if serverName.isOnWire { buffer.append("  wire") }
        if serverName.isFromLibrary { buffer.append("  ssl_ctrl") }
        if serverName.hasECH { buffer.append("  ech") }
        for offered in serverName.applicationProtocols {
            buffer.append("  ")
            buffer.append(printable: offered)
        }
    }

    static func append(_ exit: ExitEvent, to buffer: inout OutputBuffer) {
        buffer.append(" ")
        if let signal = exit.signal {
            SignalNumber.append(signal, to: &buffer)
        } else {
            buffer.append("code ")
            buffer.append(decimal: UInt64(exit.code))
        }
        buffer.append("  ")
        buffer.append(duration: exit.durationNanoseconds)
    }

    /// Writes the executable if there are no arguments; quotes an argument that is empty or has spaces or quotes.
    static func appendCommandLine(of process: ProcessIdentity, to buffer: inout OutputBuffer) {
        var arguments = ArgumentSequence(process.arguments)
        if process.arguments.isEmpty {
            buffer.append(" ")
            buffer.append(printable: process.executable)
        }
        while let range = arguments.next() {
            buffer.append(" ")
            let argument = process.arguments.span.extracting(range)
            let isQuoted = needsQuotes(argument)
            if isQuoted { buffer.append("'") }
            buffer.append(printable: argument)
            if isQuoted { buffer.append("'") }
        }
        if process.areArgumentsTruncated { buffer.append(" …") }
    }

    private static func needsQuotes(_ argument: Span<UInt8>) -> Bool {
        if argument.isEmpty { return true }
        for index in argument.indices {
            switch argument[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "'"): return true
            default: continue
            }
        }
        return false
    }
}
