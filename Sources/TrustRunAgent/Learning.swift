// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Logging
package import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunReplay
internal import TrustRunSinks

/// What `learn` was asked to do.
package struct LearnConfiguration: Sendable {
    /// What to learn from.
    package enum Source: Sendable {
        /// A command with its arguments, and all that descends from it.
        case command([String])
        case host
        /// A recorded stream; `-` is stdin.
        case recording(String)
    }

    package var source = Source.host
    package var output = "policy.yaml"
    /// The policy's name.
    package var name = "learned"
    package var defaultAction = PolicyAction.block
    package var durationNanoseconds: UInt64?
    /// As in `MonitorConfiguration`.
    package var firstHook: String?

    package init() {}
}

/// Learns a policy and writes it.
package enum Learning {
    /// Returns what to tell the user.
    package static func run(_ configuration: LearnConfiguration, logger: Logger) throws(AgentError) -> [String] {
        let invoker = try Invoker.find()
        let output = try PolicyOutput(configuration.output, for: invoker)
        let learned = try learn(configuration, invoker, logger)
        let policy = learned.learner.policy(named: configuration.name, defaultAction: configuration.defaultAction)
        let text = policy.text(
            LearnedPolicy.Context(subject: learned.subject, host: learned.host, lost: learned.lost))
        do {
            _ = try PolicyLoader.load(["learned.yaml"]) { (_: String) throws(PolicyReadFailure) in Array(text.utf8) }
        } catch {
            throw AgentError(.software, "what was learned is no policy: \(error)")
        }
        try output.publish(text)
        return learned.notes + report(configuration, policy, learned)
    }

    private struct Learned {
        var learner: PolicyLearner
        var subject: String
        var host: String?
        var lost: UInt64
        var notes: [String] = []
    }

    private static func learn(
        _ configuration: LearnConfiguration, _ invoker: Invoker?, _ logger: Logger
    ) throws(AgentError) -> Learned {
        switch configuration.source {
        case .recording(let path):
            let recording = try LearnRecording(path)
            return Learned(
                learner: recording.learner, subject: path == "-" ? "a recording" : path, host: nil, lost: recording.lost
            )
        case .host:
            return try watch(nil, subject: "the whole host", configuration, logger)
        case .command(let words):
            let command = try CommandProcess(words, as: invoker)
            var learned = try watch(command, subject: words.first ?? "", configuration, logger)
            learned.notes = [command.ending]
            return learned
        }
    }

    private static func watch(
        _ command: CommandProcess?, subject: String, _ configuration: LearnConfiguration, _ logger: Logger
    ) throws(AgentError) -> Learned {
        let session = try LearnSession(
            command, durationNanoseconds: configuration.durationNanoseconds, firstHook: configuration.firstHook,
            logger: logger
        )
        let learner = try session.run()
        return Learned(learner: learner, subject: subject, host: SystemFacts.hostName, lost: session.lost)
    }

    private static func report(
        _ configuration: LearnConfiguration, _ policy: LearnedPolicy, _ learned: Learned
    ) -> [String] {
        let connections = learned.learner.connectionCount
        let rules = policy.ruleCount
        var lines = [
            "\(connections) \(connections == 1 ? "connection" : "connections") seen, \(rules) \(rules == 1 ? "rule" : "rules") "
                + "in \(configuration.output); read it, then: trustrun-agent policy check \(configuration.output)"
        ]
        if learned.lost > 0 {
            lines.append("\(learned.lost) events were lost: the policy may be incomplete, and says so")
        }
        if policy.leftOut > 0 {
            lines.append(
                "\(policy.leftOut) connections to further destinations are not in it: the policy is incomplete, and says so"
            )
        }
        return lines
    }
}

/// What a recorded stream shows.
private struct LearnRecording {
    private(set) var learner = PolicyLearner()
    private(set) var lost: UInt64 = 0

    init(_ path: String) throws(AgentError) {
        let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AgentError(.noInput, "\(path) cannot be read: \(ErrorText.of(errno))") }
        defer { if path != "-" { close(descriptor) } }
        let reader = RecordedEventReader()
        var lines = LineReader(descriptor: descriptor)
        do {
            while let line = try lines.next() {
                if !line.isEmpty { take(try reader.read(line), number: lines.number) }
            }
        } catch {
            throw AgentError(.badData, "\(path == "-" ? "stdin" : path):\(max(lines.number, 1)): \(error)")
        }
        learner.finish()
    }

    private mutating func take(_ event: RecordedEvent, number: Int) {
        if let resolvers = event.resolvers { learner.trust(resolvers) }
        if let resolver = event.answeringResolver { learner.observeAnswer(from: resolver) }
        lost += event.lost ?? 0
        guard let connection = event.connection, event.type != .violation else { return }
        learner.observe(
            connection, id: event.connectionID ?? "line \(number)",
            executable: event.executable.isEmpty ? nil : event.executable, time: event.time,
            isLast: event.endsConnection
        )
    }
}
