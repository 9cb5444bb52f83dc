// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// Writes one aligned line an event, for people. Owned by one thread.
package final class TextEncoder: EventEncoder {
    /// The width of the process column: a comm of 15 bytes, brackets and a pid of 7 digits.
    private static let processWidth = 24
    private static let typeWidth = 10

    enum Colour {
        case dim, bold, green, yellow, red, cyan, plain
    }

    private let isColoured: Bool
    private var clock = ClockText()

    package init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    package func encode(_ event: EnrichedEvent, into buffer: inout OutputBuffer) -> Bool {
        begin(event.type, time: event.time, colour: Self.colour(of: event), in: &buffer)
        append(event.process, to: &buffer)
        switch event.body {
        case .connect(let connection), .accept(let connection), .close(let connection), .violation(let connection):
            Self.append(connection, isWhole: event.type != .violation, to: &buffer)
            if let verdict = connection.verdict { append(verdict, of: event.type, to: &buffer) }
        case .dns(let message): Self.append(message, to: &buffer)
        case .sni(let serverName):
            Self.append(serverName, to: &buffer)
            if let verdict = serverName.connection?.verdict { append(verdict, of: event.type, to: &buffer) }
        case .exec:
            if let process = event.process { Self.appendCommandLine(of: process, to: &buffer) }
        case .exit(let exit): Self.append(exit, to: &buffer)
        case .attempt(let attempt):
            Self.append(attempt, to: &buffer)
            append(attempt.verdict, of: event.type, to: &buffer)
        }
        if let container = event.cgroup?.container { append(container, to: &buffer) }
        return buffer.endLine()
    }

    /// Writes the time and the type.
    func begin(_ type: EventType, time: UInt64, colour: Colour, in buffer: inout OutputBuffer) {
        buffer.beginLine()
        set(.dim, in: &buffer)
        clock.append(time, to: &buffer)
        set(.plain, in: &buffer)
        buffer.append(" ")
        set(colour, in: &buffer)
        let start = buffer.count
        buffer.append(printable: type.rawValue)
        if colour != .plain { set(.plain, in: &buffer) }
        let escapes = isColoured && colour != .plain ? 4 : 0
        buffer.append(repeating: UInt8(ascii: " "), count: max(1, Self.typeWidth - (buffer.count - start - escapes)))
    }

    func set(_ colour: Colour, in buffer: inout OutputBuffer) {
        guard isColoured else { return }
        switch colour {
        case .plain: buffer.append("\u{1b}[0m")
        case .bold: buffer.append("\u{1b}[1m")
        case .dim: buffer.append("\u{1b}[2m")
        case .red: buffer.append("\u{1b}[31m")
        case .green: buffer.append("\u{1b}[32m")
        case .yellow: buffer.append("\u{1b}[33m")
        case .cyan: buffer.append("\u{1b}[36m")
        }
    }

    private static func colour(of event: EnrichedEvent) -> Colour {
        switch event.body {
        case .connect(let connection):
            switch connection.outcome {
            case .established, nil: .green
            case .pending, .aborted: .yellow
            case .refused, .timedOut, .unreachable, .reset, .failed: .red
            }
        case .accept: .green
        case .violation, .attempt: .red
        case .dns, .sni: .cyan
        case .exec: .bold
        case .close, .exit: .dim
        }
    }

    private func append(_ process: ProcessIdentity?, to buffer: inout OutputBuffer) {
        let start = buffer.count
        if let process {
            buffer.append(printable: process.name)
            buffer.append("[")
            buffer.append(decimal: UInt64(process.key.tgid))
            buffer.append("]")
        } else {
            buffer.append("-")
        }
        buffer.append(repeating: UInt8(ascii: " "), count: Self.processWidth - (buffer.count - start))
    }

    private func append(_ container: ContainerIdentity, to buffer: inout OutputBuffer) {
        buffer.append("  ")
        set(.dim, in: &buffer)
        buffer.append(printable: container.runtime.rawValue)
        buffer.append(":")
        let id = container.id.utf8.span
        buffer.append(printable: id.extracting(first: min(12, id.count)))
        set(.plain, in: &buffer)
    }
}
