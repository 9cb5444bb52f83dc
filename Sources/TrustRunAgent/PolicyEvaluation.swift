// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunPolicy
internal import TrustRunReplay
internal import TrustRunSinks

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

    /// Loads the policies. A summary compares with `others`, or with the recording's own verdicts if that is empty.
    package init(_ references: [String], comparedWith others: [String], output: Output) throws(AgentError) {
        policy = try PolicyFiles.loadOrFail(references)
        other = others.isEmpty ? nil : try PolicyFiles.loadOrFail(others)
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
        let failure = forEachEvent { (event) throws(AgentError) in
            guard let line = replay.line(of: event) else { return }
            pending += line
            pending.append(UInt8(ascii: "\n"))
            guard pending.count >= 64 << 10 else { return }
            defer { pending.removeAll(keepingCapacity: true) }
            try StandardOutput.write(pending)
        }
        try StandardOutput.write(pending)
        if let failure { throw failure }
    }

    private func compare(asJSON: Bool) throws(AgentError) {
        let comparison = try PolicyComparison(policy, with: other)
        let failure = forEachEvent { event in comparison.add(event) }
        if let failure { throw failure }
        let summary = comparison.finish()
        if asJSON {
            try StandardOutput.write { buffer in summary.writeJSON(to: &buffer) }
        } else {
            try StandardOutput.write(summary.text)
        }
    }

    /// Calls `body` for each line; the answer is why that ended early.
    private func forEachEvent(_ body: (RecordedEvent) throws(AgentError) -> Void) -> AgentError? {
        let reader = RecordedEventReader()
        var lines = LineReader(descriptor: STDIN_FILENO)
        do {
            while let line = try lines.next() {
                if !line.isEmpty { try body(try reader.read(line)) }
            }
            return nil
        } catch let error as AgentError {
            return error
        } catch {
            return AgentError(.badData, "stdin:\(max(lines.number, 1)): \(error)")
        }
    }
}
