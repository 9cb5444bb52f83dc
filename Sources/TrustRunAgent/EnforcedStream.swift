// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc
internal import Synchronization
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSensor
internal import TrustRunSinks

/// The events of what runs in an enforced scope, written by a thread of its own from `start` to `finish`. Any thread may tell it of enforcement.
final class RunStream: Sendable {
    /// What the events are of.
    struct Subject: Sendable {
        /// The control group, from the root of the hierarchy.
        let scope: String
        let policy: Policy
        let policies: PolicyGenerations
        let newest: PolicyGenerations.Entry
        /// The gate's; it must outlive the stream.
        let ring: Sensor.Ring
        let canLeakByDNS: Bool
        let output: EventsOutput
    }

    /// What the gates counted, for the last line.
    struct Totals: Sendable {
        var gates: SessionSummary.GateCounts
        /// By `PolicyAction.rawValue`.
        var violations: [UInt64]
    }

    /// How the stream ended.
    struct Ending: Sendable {
        var written: UInt64 = 0
        var lost: UInt64 = 0
        var divergences: UInt64 = 0
        /// Why it is not whole; nil: it is.
        var failure: String?
    }

    private struct State {
        var startError: AgentError?
        var waiting: [EnforcementEvent] = []
        var totals: Totals?
        var ending = Ending(failure: "the thread that writes events did not end")
    }

    private static let finishMilliseconds = 60000

    private let subject: Subject
    private let state = Mutex(State())
    private let ready: WakePipe
    private let finished: WakePipe

    private init(_ subject: Subject) throws(OutputError) {
        self.subject = subject
        ready = try WakePipe()
        finished = try WakePipe()
    }

    /// Where the events go, as the user said it.
    var label: String { subject.output.label }

    /// Returns when the sensor sees what begins from now on, and the first line is written; throws if it cannot.
    static func start(_ subject: Subject) throws(AgentError) -> RunStream {
        let stream: RunStream
        do {
            stream = try RunStream(subject)
        } catch {
            throw AgentError(.notEnforced, "\(error)")
        }
        try stream.startThread()
        stream.ready.wait()
        if let error = stream.state.withLock({ state in state.startError }) {
            throw AgentError(
                .notEnforced, "the events of the command cannot be told, and --events asks for them: \(error.message)")
        }
        return stream
    }

    /// Puts an event into the stream at its next tick.
    func tell(_ event: EnforcementEvent) {
        state.withLock { state in state.waiting.append(event) }
    }

    func tell(_ state: EnforcementEvent.State, policy: String, generation: UInt32, reason: String? = nil) {
        tell(
            EnforcementEvent(
                time: Clock.wall, state: state, scope: subject.scope, policy: policy, generation: generation,
                reason: reason))
    }

    /// Writes what is left and the last line; waits until all of it is out.
    func finish(_ totals: Totals) -> Ending {
        state.withLock { state in state.totals = totals }
        _ = finished.isRaised(withinMilliseconds: Self.finishMilliseconds)
        return state.withLock { state in state.ending }
    }

    private func startThread() throws(AgentError) {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self)
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<RunStream>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            unsafe context.release()
            throw AgentError(.notEnforced, "could not start the thread that writes events: \(ErrorText.of(result))")
        }
        pthread_detach(thread)
    }

    private func takeNews() -> (enforcement: [EnforcementEvent], totals: Totals?) {
        state.withLock { state in
            defer { state.waiting.removeAll() }
            return (state.waiting, state.totals)
        }
    }

    private func run() {
        // Signals are the command's.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        defer { finished.raise() }
        let session: RunSession
        do {
            session = try RunSession(subject)
            try session.begin()
        } catch {
            state.withLock { state in state.startError = error }
            return ready.raise()
        }
        ready.raise()
        let ending = session.run { takeNews() }
        state.withLock { state in state.ending = ending }
    }
}
