// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEvents
internal import TrustRunReplay

/// Tells from a recording what happened to one connection, and why.
package enum ConnectionExplanation {
    /// Writes it to stdout; false if the recording has no such connection. `path`: JSON Lines of `monitor` or `run`; nil: stdin.
    package static func run(connection id: String, recording path: String?) throws(AgentError) -> Bool {
        var story = ConnectionStory(connection: id)
        let failure = try read(path) { event in story.add(event) }
        for (index, chapter) in story.chapters.enumerated() {
            let lines = lines(of: chapter, id: id)
            try StandardOutput.write((index > 0 ? "\n" : "") + lines.joined(separator: "\n") + "\n")
        }
        if let failure { throw failure }
        return !story.chapters.isEmpty
    }

    /// What is wrong with the first line that is no event is handed back: what came before it can be told.
    private static func read(_ path: String?, _ body: (RecordedEvent) -> Void) throws(AgentError) -> AgentError? {
        let descriptor = path.map { path in unsafe open(path, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
        guard descriptor >= 0 else {
            throw AgentError(.noInput, "\(path ?? "stdin") cannot be read: \(ErrorText.of(errno))")
        }
        defer { if path != nil { close(descriptor) } }
        let reader = RecordedEventReader()
        var lines = LineReader(descriptor: descriptor)
        do {
            while let line = try lines.next() {
                if !line.isEmpty { body(try reader.read(line)) }
            }
            return nil
        } catch {
            return AgentError(.badData, "\(path ?? "stdin"):\(max(lines.number, 1)): \(error)")
        }
    }

    static func lines(of chapter: ConnectionStory.Chapter, id: String) -> [String] {
        guard let first = chapter.events.first, let connection = first.connection else { return [] }
        var lines = [heading(connection, id), who(chapter.events)]
        for event in chapter.events { lines.append("  \(event.time)  \(words(of: event))") }
        lines += naming(chapter, connection)
        // The last one is what the connection ended with.
        if let last = chapter.events.last(where: { event in event.recorded != nil }),
            let action = last.recorded?.action, let verdict = last.details.verdict
        {
            lines += deciding(last, action, verdict)
            if action != .allow { lines += suggestion(connection, last, verdict, chapter) }
        } else {
            lines.append("policy: none judged it")
        }
        return lines
    }

    private static func heading(_ connection: ConnectionEvent, _ id: String) -> String {
        let transport = connection.transport == .udp ? "udp" : "tcp"
        return connection.direction == .outbound
            ? "connection \(id): \(transport) to \(text(connection.destination))"
            : "connection \(id): \(transport) from \(text(connection.source)) to \(text(connection.destination))"
    }

    private static func text(_ endpoint: Endpoint) -> String {
        let address = endpoint.address.isIPv4 ? "\(endpoint.address)" : "[\(endpoint.address)]"
        return endpoint.port == 0 ? "\(endpoint.address)" : "\(address):\(endpoint.port)"
    }

    private static func who(_ events: [RecordedEvent]) -> String {
        guard let event = events.first(where: { event in event.details.process != nil }),
            let process = event.details.process
        else { return "process: not known" }
        let executable = event.executable.isEmpty ? "" : " (\(event.executable))"
        return "process: \(process.name)[\(process.pid)]\(executable)"
    }

    private static func words(of event: RecordedEvent) -> String {
        var words = event.type?.rawValue ?? "event"
        if event.type != .violation, let outcome = event.connection?.outcome { words += " \(outcome.rawValue)" }
        if let error = event.details.errorName { words += " (\(error))" }
        if let name = event.details.serverName { words += " \(name)" }
        if let recorded = event.recorded { words += ", \(recorded.action.text)" }
        return words
    }

    private static func naming(_ chapter: ConnectionStory.Chapter, _ connection: ConnectionEvent) -> [String] {
        guard connection.direction == .outbound else { return [] }
        guard let binding = chapter.binding else {
            return ["name: no DNS answer in this recording gave \(connection.destination.address)"]
        }
        let asker = binding.process.map { process in " by \(process.name)[\(process.pid)]" } ?? ""
        var lines = ["name: \(binding.name)"]
        if let askedAt = binding.askedAt {
            lines.append("  \(askedAt)  asked for \(binding.answer.type) of \(binding.answer.resolver)\(asker)")
        }
        let began = chapter.events.first.flatMap { event in RecordedTime.nanoseconds(of: event.time) }
        let answered = RecordedTime.nanoseconds(of: binding.answeredAt)
        var line = "  \(binding.answeredAt)  answer \(connection.destination.address), TTL \(binding.timeToLive) s"
        if let began, let answered {
            line += ", \(RecordedTime.text(ofDuration: began - answered)) before the connection"
        }
        lines.append(line)
        return lines
    }

    private static func deciding(
        _ event: RecordedEvent, _ action: PolicyAction, _ verdict: RecordedDetails.Verdict
    ) -> [String] {
        let by = event.recorded?.rule.map { rule in "rule \(rule)" } ?? "no rule (\(verdict.basis))"
        var lines = ["verdict: \(action.text) by \(by): \(verdict.reason)"]
        if let name = verdict.name { lines.append("  it rested on the name \(name)") }
        if let gate = verdict.gate {
            let generation = verdict.generation.map { number in ", generation \(number) of the policy" } ?? ""
            lines.append("  decided in the kernel at the gate `\(gate)`\(generation) \(verdict.policy)")
        } else {
            let would = action.letsThrough ? "" : "; nothing was refused: it would have been"
            lines.append("  judged by the agent, policy \(verdict.policy)\(would)")
        }
        if verdict.isDivergent {
            lines.append("  the agent reads the policy otherwise; the kernel's verdict is what happened")
        }
        return lines
    }

    private static func suggestion(
        _ connection: ConnectionEvent, _ event: RecordedEvent, _ verdict: RecordedDetails.Verdict,
        _ chapter: ConnectionStory.Chapter
    ) -> [String] {
        let told = event.connection?.names.name.map { name in String(decoding: name.bytes, as: UTF8.self) }
        let suggestion = PolicySuggestion(
            connection, verdict, rule: event.recorded?.rule, name: verdict.name ?? told ?? chapter.binding?.name)
        guard let text = suggestion.text else { return ["to let it through: \(suggestion.advice)"] }
        return ["to let it through, \(suggestion.advice):", text]
    }
}
