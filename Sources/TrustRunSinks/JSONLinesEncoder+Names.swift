// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension JSONLinesEncoder {
    static func append(_ message: DNSEvent, to buffer: inout OutputBuffer) {
        if message.isAnswer {
            buffer.append(",\"dns\":{\"phase\":\"answer\",\"id\":")
        } else {
            buffer.append(",\"dns\":{\"phase\":\"query\",\"id\":")
        }
        buffer.append(decimal: UInt64(message.id))
        if let name = message.name {
            buffer.append(",\"name\":\"")
            buffer.append(name.bytes)
            buffer.append("\"")
        }
        // Type 0 is reserved (RFC 6895 3.1): the message had no question.
        if message.queryType != 0 {
            buffer.append(",\"query_type\":\"")
            DNSNumber.append(type: message.queryType, to: &buffer)
            buffer.append("\"")
        }
        switch message.transport {
        case .tcp: buffer.append(",\"transport\":\"tcp\",\"resolver\":{")
        case .udp: buffer.append(",\"transport\":\"udp\",\"resolver\":{")
        }
        append(message.resolver, to: &buffer)
        buffer.append("}")
        if message.isAnswer { appendAnswer(message, to: &buffer) }
        if message.isTruncated { buffer.append(",\"truncated\":true") }
        if message.isUnsolicited { buffer.append(",\"unsolicited\":true") }
        appendDuration(message.durationNanoseconds, to: &buffer)
        buffer.append("}")
    }

    private static func appendAnswer(_ message: DNSEvent, to buffer: inout OutputBuffer) {
        buffer.append(",\"response_code\":\"")
        DNSNumber.append(responseCode: message.responseCode, to: &buffer)
        buffer.append("\",\"answers\":[")
        var isFirst = true
        for answer in message.answers {
            if isFirst { buffer.append("{\"address\":\"") } else { buffer.append(",{\"address\":\"") }
            isFirst = false
            buffer.append(answer.address)
            buffer.append("\",\"ttl\":")
            buffer.append(decimal: UInt64(answer.timeToLiveSeconds))
            buffer.append("}")
        }
        buffer.append("]")
        guard !message.aliases.isEmpty else { return }
        buffer.append(",\"cnames\":[")
        append(message.aliases, to: &buffer)
        buffer.append("]")
    }

    func append(_ serverName: ServerNameEvent, to buffer: inout OutputBuffer) {
        if let connection = serverName.connection { appendParties(of: connection, to: &buffer) }
        buffer.append(",\"sni\":{")
        if let name = serverName.name {
            buffer.append("\"name\":\"")
            buffer.append(name.bytes)
            buffer.append("\",")
        }
        switch (serverName.isOnWire, serverName.isFromLibrary) {
        case (true, true): buffer.append("\"sources\":[\"wire\",\"ssl_ctrl\"]")
        case (true, false): buffer.append("\"sources\":[\"wire\"]")
        case (false, true): buffer.append("\"sources\":[\"ssl_ctrl\"]")
        case (false, false): buffer.append("\"sources\":[]")
        }
        if serverName.hasECH { buffer.append(",\"ech\":true") }
        if serverName.connection?.isQUIC ?? false { buffer.append(",\"quic\":true") }
        if !serverName.applicationProtocols.isEmpty {
            buffer.append(",\"alpn\":[")
            for (index, offered) in serverName.applicationProtocols.enumerated() {
                if index > 0 { buffer.append(",") }
                buffer.append(jsonString: offered)
            }
            buffer.append("]")
        }
        buffer.append("}")
    }

    static func append(_ exit: ExitEvent, to buffer: inout OutputBuffer) {
        if let signal = exit.signal {
            buffer.append(",\"exit\":{\"signal\":\"")
            SignalNumber.append(signal, to: &buffer)
            buffer.append("\"}")
        } else {
            buffer.append(",\"exit\":{\"code\":")
            buffer.append(decimal: UInt64(exit.code))
            buffer.append("}")
        }
        appendDuration(exit.durationNanoseconds, to: &buffer)
    }
}

extension ExitEvent {
    /// The signal that ended the process; nil if it ended by itself.
    var signal: UInt32? {
        let number = waitStatus & 0x7f
        return number == 0 ? nil : number
    }

    var code: UInt32 { waitStatus >> 8 & 0xff }
}
