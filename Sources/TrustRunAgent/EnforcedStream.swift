// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc
internal import Synchronization
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSensor
internal import TrustRunSinks

/// The events of what runs in enforced scopes, or on the whole machine, written by a thread of its own from `start` to `finish`. Any thread may tell it of enforcement.
final class EnforcedStream: Sendable {
    /// What the events are of.
    struct Subject: Sendable {
        let scopes: WatchedScopes
        let policies: PolicyGenerations
        let newest: PolicyGenerations.Entry
        /// The gates'; it must outlive the stream.
        let ring: Sensor.Ring
        let output: EventsOutput
        var containment = SessionStart.Containment(level: .none, missing: [])
        /// Whether processes of the scopes get no sockets that others made.
        var refusesHandover = true
        /// Whether what happens outside of the scopes is told too, without verdicts.
        var coversMachine = false
        var format = MonitorConfiguration.Format.jsonl
        var filter = EventFilter()
        var eventLimit: UInt64?
        var firstHook: String?

        init(
            _ scopes: WatchedScopes, _ policies: PolicyGenerations, newest: PolicyGenerations.Entry, ring: Gate.Ring,
            output: EventsOutput
        ) {
            self.scopes = scopes
            self.policies = policies
            self.newest = newest
            self.ring = Sensor.Ring(events: ring.events, drops: ring.drops)
            self.output = output
        }
    }

    /// Why there will be no more events.
    enum Completion: Sendable {
        /// As many as were asked for have been written.
        case count
        case readerGone
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

    /// That it is to end.
    struct End: Sendable {
        var totals: Totals
        /// nil: nobody reads why.
        var reason: SessionSummary.Reason?
    }

    private struct State {
        var startError: AgentError?
        var waiting: [EnforcementEvent] = []
        var end: End?
        var completion: Completion?
        var ending = Ending(failure: "the thread that writes events did not end")
    }

    private static let finishMilliseconds = 60000

    private let subject: Subject
    private let state = Mutex(State())
    private let ready: WakePipe
    private let finished: WakePipe
    private let completed: WakePipe

    private init(_ subject: Subject) throws(OutputError) {
        self.subject = subject
        ready = try WakePipe()
        finished = try WakePipe()
        completed = try WakePipe()
    }

    /// Can be read when there is a `completion`.
    var completedDescriptor: Int32 { completed.descriptor }
    var completion: Completion? { state.withLock { state in state.completion } }

    /// The thread that writes: tells that there will be no more events.
    func complete(_ completion: Completion) {
        state.withLock { state in state.completion = state.completion ?? completion }
        completed.raise()
    }

    /// Where the events go, as the user said it.
    var label: String { subject.output.label }

    /// Returns when the sensor sees what begins from now on, and the first line is written; throws if it cannot.
    static func start(_ subject: Subject) throws(AgentError) -> EnforcedStream {
        let stream: EnforcedStream
        do {
            stream = try EnforcedStream(subject)
        } catch {
            throw AgentError(.notEnforced, "\(error)")
        }
        try stream.startThread()
        stream.ready.wait()
        if let error = stream.state.withLock({ state in state.startError }) {
            throw AgentError(
                .notEnforced, "what is enforced cannot be told: \(error.message)")
        }
        return stream
    }

    /// Puts an event into the stream at its next tick.
    func tell(_ event: EnforcementEvent) {
        state.withLock { state in state.waiting.append(event) }
    }

    func tell(
        _ state: EnforcementEvent.State, scope: String, policy: String, generation: UInt32, reason: String? = nil
    ) {
        tell(
            EnforcementEvent(
                time: Clock.wall, state: state, scope: scope, policy: policy, generation: generation, reason: reason))
    }

    /// Writes what is left and the last line; waits until all of it is out.
    func finish(_ totals: Totals, _ reason: SessionSummary.Reason?) -> Ending {
        state.withLock { state in state.end = End(totals: totals, reason: reason) }
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
                unsafe Unmanaged<EnforcedStream>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            unsafe context.release()
            throw AgentError(.notEnforced, "could not start the thread that writes events: \(ErrorText.of(result))")
        }
        pthread_detach(thread)
    }

    private func takeNews() -> (enforcement: [EnforcementEvent], end: End?) {
        state.withLock { state in
            defer { state.waiting.removeAll() }
            return (state.waiting, state.end)
        }
    }

    private func run() {
        // Signals are the command's.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        defer { finished.raise() }
        let session: EnforcedSession
        do {
            session = try EnforcedSession(subject)
            try session.begin()
        } catch {
            state.withLock { state in state.startError = error }
            return ready.raise()
        }
        ready.raise()
        let ending = session.run(takeNews: takeNews, complete: complete)
        state.withLock { state in state.ending = ending }
    }
}
