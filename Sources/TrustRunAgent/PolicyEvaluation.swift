// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import TrustRunPolicy
internal import TrustRunReplay

/// Reads a recorded stream from stdin and writes it to stdout as a policy judges it, or a comparison of two policies.
package struct PolicyEvaluation {
    package enum Output: Sendable {
        /// Each event with its verdict.
        case events
        case summary(asJSON: Bool)
    }

    private let policy: Policy
    private let other: Policy?
    private let output: Output

    /// A summary compares with `other`, or with the recording's own verdicts if that is nil.
    package init(_ policy: Policy, comparedWith other: Policy?, output: Output) {
        self.policy = policy
        self.other = other
        self.output = output
    }

    package func run() throws(AgentError) {
        switch output {
        case .events: try judge()
        case .summary(let asJSON): try compare(asJSON: asJSON)
        }
    }

    private func judge() throws(AgentError) {
        let replay = try PolicyReplay(policy)
        var pending: [UInt8] = []
        // What was judged before a line that is none is written all the same.
        let failure = forEachEvent { event in
            guard let line = replay.line(of: event) else { return true }
            pending += line
            pending.append(UInt8(ascii: "\n"))
            guard pending.count >= 64 << 10 else { return true }
            defer { pending.removeAll(keepingCapacity: true) }
            return Self.write(pending)
        }
        guard Self.write(pending) else { throw Self.outputFailed() }
        if let failure { throw failure }
    }

    private func compare(asJSON: Bool) throws(AgentError) {
        let comparison = try PolicyComparison(policy, with: other)
        let failure = forEachEvent { event in
            comparison.add(event)
            return true
        }
        if let failure { throw failure }
        let summary = comparison.finish()
        let text: [UInt8]
        do {
            text = asJSON ? try summary.json() : Array(summary.text.utf8)
        } catch {
            throw AgentError(.software, "could not write the comparison as JSON: \(error)")
        }
        guard Self.write(text) else { throw Self.outputFailed() }
    }

    /// Calls `body` for each line until it says no; the answer is what is wrong with the first line that is no event.
    private func forEachEvent(_ body: (RecordedEvent) -> Bool) -> AgentError? {
        let reader = RecordedEventReader()
        var lines = LineReader(descriptor: STDIN_FILENO)
        do {
            while let line = try lines.next() {
                if line.isEmpty { continue }
                guard body(try reader.read(line)) else { return Self.outputFailed() }
            }
            return nil
        } catch {
            return AgentError(.badData, "stdin:\(max(lines.number, 1)): \(error)")
        }
    }

    private static func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func outputFailed() -> AgentError {
        AgentError(.inputOutput, "stdout: could not write (errno \(errno))")
    }
}
