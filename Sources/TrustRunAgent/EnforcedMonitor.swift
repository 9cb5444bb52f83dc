// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// Monitors the machine, and holds some of its control groups to a policy: those that are there, and those that appear. One thread owns it.
package final class EnforcedMonitor {
    private let configuration: Configuration
    private let hierarchy: CgroupHierarchy
    private let patterns: [ScopePattern]
    private let tell: (String) -> Void
    private let scopes: EnforcedScopes
    private let watched = WatchedScopes()
    private let watch: CgroupWatch
    private let loop = DescriptorLoop()
    private var keeper: ScopeKeeper?
    /// Whether something has been held, which is not let go of because of an error.
    private var hasHeld = false
    private var held: [EnforcedScopes.Held] = []
    /// Groups that are gone, and may have left sockets: TCP goes on sending what a closed socket holds.
    private var ended: [EnforcedScope] = []
    /// What gates counted that are gone.
    private var past: [(totals: Gate.Totals, outcomes: [GateOutcome])] = []
    /// Groups that another agent holds, and that were told.
    private var foreign: Set<String> = []
    /// What degrades each group and was told, by its path.
    private var told: [String: Set<String>] = [:]
    private var reason: SessionSummary.Reason?
    private var failure: AgentError?

    /// `tell` gets lines for the user.
    package init(_ configuration: Configuration, tell: @escaping (String) -> Void) throws(AgentError) {
        let missing = Capabilities.missing()
        guard missing.isEmpty else {
            throw AgentError(
                .notPermitted,
                "enforcing needs \(missing.joined(separator: ", ")), which this process does not have; "
                    + "run: sudo \(CommandLine.arguments.joined(separator: " "))")
        }
        guard let hierarchy = CgroupHierarchy.find() else {
            throw AgentError(
                .notEnforced, "no cgroup v2 hierarchy is mounted; mount one: mount -t cgroup2 none /sys/fs/cgroup")
        }
        var patterns: [ScopePattern] = []
        for text in configuration.scopes { patterns.append(try ScopePattern(text, in: hierarchy)) }
        if let process = configuration.process { patterns.append(ScopePattern(exactly: process.path)) }
        self.configuration = configuration
        self.hierarchy = hierarchy
        self.patterns = patterns
        self.tell = tell
        scopes = EnforcedScopes(
            EnforcedPolicies(configuration.monitor.policy), in: hierarchy, failsOpen: configuration.failsOpen,
            tell: tell)
        watch = try CgroupWatch()
    }

    /// Runs until a signal, the duration, the count, or the end of the reader; throws if something is not held that should be. Returns the
    /// violations that the gates counted, by `PolicyAction.rawValue`.
    package func run() throws(AgentError) -> [UInt64] {
        do {
            return try runUntilEnd()
        } catch {
            // Nothing has held the process yet: it goes back where it came from.
            if !hasHeld { configuration.process?.moveBack() }
            throw error
        }
    }

    private func runUntilEnd() throws(AgentError) -> [UInt64] {
        let signals = try CommandSignals()
        InstanceSweep.run(in: hierarchy).forEach(tell)
        let paths = find()
        try scopes.load(for: paths)
        paths.forEach(watched.add)
        let stream = try startStream()
        let keeper = try ScopeKeeper(
            scopes.policies, canKill: scopes.canKill, in: loop, proofMilliseconds: configuration.proofMilliseconds,
            tell: tell
        ) { scope in self.replace(scope) }
        self.keeper = keeper
        keeper.stream = stream
        keeper.reloaded = scopes.reloadSpare
        for path in paths {
            do {
                try hold(path, allowsDegraded: configuration.allowsDegraded)
            } catch {
                throw AgentError(.notEnforced, error.message)
            }
        }
        tellWhatIsMissing(paths)
        try makeSpare()
        ServiceManager.tellReady()
        let timers = try waitForEnd(signals, stream)
        if let process = configuration.process { watch.watch(eventsOf: hierarchy.mountPoint + process.path) }
        loop.add(watch.descriptor) { self.rescan() }
        rescan()
        loop.run()
        withExtendedLifetime(timers) {}
        return try finish(stream)
    }

    private func startStream() throws(AgentError) -> EnforcedStream {
        guard let ring = scopes.ring, let newest = scopes.policies.newest else {
            throw AgentError(.software, "there is no policy to tell of")
        }
        let monitor = configuration.monitor
        var subject = EnforcedStream.Subject(
            watched, scopes.policies.generations, newest: newest, ring: ring,
            output: try EventsOutput(.descriptor(STDOUT_FILENO), for: nil))
        subject.coversMachine = true
        subject.refusesHandover = scopes.refusesHandover
        subject.format = monitor.format
        subject.filter = monitor.filter
        subject.eventLimit = monitor.eventLimit
        subject.firstHook = monitor.firstHook
        return try EnforcedStream.start(subject)
    }

    private func waitForEnd(
        _ signals: CommandSignals, _ stream: EnforcedStream
    ) throws(AgentError) -> [TimerDescriptor] {
        loop.add(signals.descriptor) {
            while let signal = signals.take() {
                switch signal.number {
                case SIGHUP: self.keeper?.reload()
                case SIGINT, SIGTERM: self.end(.signal)
                default: break
                }
            }
        }
        loop.add(stream.completedDescriptor) { self.end(stream.completion == .count ? .count : nil) }
        // What inotify had no room for, and what another agent let go of.
        let second = try TimerDescriptor()
        second.arm(milliseconds: 1000, repeats: true)
        loop.add(second.descriptor) {
            second.take()
            self.rescan()
        }
        let inspection = try TimerDescriptor()
        inspection.arm(milliseconds: configuration.proofMilliseconds, repeats: true)
        loop.add(inspection.descriptor) {
            inspection.take()
            self.inspectAgain()
        }
        guard let nanoseconds = configuration.monitor.durationNanoseconds else { return [second, inspection] }
        let end = try TimerDescriptor()
        end.arm(milliseconds: max(nanoseconds / 1_000_000, 1))
        loop.add(end.descriptor) { self.end(.duration) }
        return [second, inspection, end]
    }

    private func end(_ reason: SessionSummary.Reason?) {
        self.reason = reason
        loop.end()
    }

    /// The groups that are to be held, without those below another.
    private func find() -> [String] {
        guard !configuration.coversHost else { return ["/"] }
        // Watched first: what appears meanwhile is found, or told.
        for _ in 0..<2 { watch.watch(patterns.flatMap { pattern in pattern.find(in: hierarchy).folders }) }
        let paths = Set(patterns.flatMap { pattern in pattern.find(in: hierarchy).paths })
        return paths.filter { path in !paths.contains { other in path.hasPrefix(other + "/") } }.sorted()
    }

    private func tellWhatIsMissing(_ paths: [String]) {
        for pattern in patterns where pattern.find(in: hierarchy).paths.isEmpty {
            tell("there is no control group \(pattern.text) yet; it is held as soon as it is there")
        }
    }

    /// Holds the groups that have appeared, and lets go of those that are gone.
    private func rescan() {
        watch.take()
        if let process = configuration.process, !ScopeDirectory.isPopulated(hierarchy.mountPoint + process.path) {
            return end(.process)
        }
        for gone in held where !gone.group.isThere { forget(gone) }
        let paths = find()
        foreign.formIntersection(paths)
        for path in paths where !isHeld(path) {
            if foreign.contains(path), EnforcedScopes.hasAgent(path) { continue }
            watched.add(path)
            do {
                try hold(path, allowsDegraded: true)
                foreign.remove(path)
            } catch {
                guard error.code == .unavailable else { return fail(error) }
                watched.remove(path)
                if foreign.insert(path).inserted { tell(error.message) }
            }
        }
        do { try makeSpare() } catch { fail(error) }
    }

    private func isHeld(_ path: String) -> Bool {
        held.contains { known in path == known.group.path || path.hasPrefix(known.group.path + "/") }
    }

    /// Where a group may appear at any time, gates wait for it.
    private func makeSpare() throws(AgentError) {
        let isWaiting = patterns.contains { pattern in pattern.isOpen || pattern.find(in: hierarchy).paths.isEmpty }
        if isWaiting, configuration.process == nil { try scopes.makeSpare() }
    }

    private func hold(_ path: String, allowsDegraded: Bool) throws(AgentError) {
        guard
            let now = try scopes.hold(
                path, ownsScope: configuration.process?.isMoved ?? false, allowsDegraded: allowsDegraded)
        else {
            return watched.remove(path)
        }
        take(now)
    }

    private func take(_ now: EnforcedScopes.Held) {
        let path = now.group.path
        held.append(now)
        hasHeld = true
        keeper?.add(now.scope)
        let policy = scopes.policies.newest?.compiled.policy.name ?? ""
        tell("\(path) is held to \(policy): proven")
        keeper?.report(now.scope, .proven)
        tellOf(now.weaknesses, in: now)
    }

    /// Each is told once a group.
    private func tellOf(_ weaknesses: [ScopeFindings.Weakness], in known: EnforcedScopes.Held) {
        let path = known.group.path
        let new = weaknesses.filter { weakness in !(told[path]?.contains(weakness.key) ?? false) }
        guard !new.isEmpty else { return }
        told[path, default: []].formUnion(new.map(\.key))
        let reason = new.map(\.text).joined(separator: "; ")
        tell("enforcement: degraded in \(path): \(reason)")
        keeper?.report(known.scope, .degraded, reason)
    }

    /// Processes may have come with what gates do not hold.
    private func inspectAgain() {
        ended.removeAll { scope in scope.isOff }
        for known in held {
            do { tellOf(try scopes.inspectAgain(known), in: known) } catch { tell(error.message) }
        }
    }

    private func forget(_ gone: EnforcedScopes.Held) {
        let counted = count(gone.scope)
        tell("\(gone.group.path) is gone: \(EnforcementReport.describe(counted.totals))")
        past.append(counted)
        keeper?.remove(gone.scope)
        held.removeAll { known in known.scope === gone.scope }
        watched.remove(gone.group.path)
        told[gone.group.path] = nil
        do { try gone.scope.unpin() } catch { tell(error.message) }
        ended.append(gone.scope)
    }

    /// Puts new gates up where the ones before do not hold any more.
    private func replace(_ scope: EnforcedScope) {
        guard let lost = held.first(where: { known in known.scope === scope }) else { return }
        past.append(count(scope))
        keeper?.remove(scope)
        held.removeAll { known in known.scope === scope }
        // `proven` comes next, so what degrades it is told again.
        told[lost.group.path] = nil
        do throws(AgentError) {
            if let now = try scopes.replace(lost) { take(now) }
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: AgentError) {
        failure = AgentError(.notEnforced, error.message)
        loop.end()
    }

    private func count(_ scope: EnforcedScope) -> (totals: Gate.Totals, outcomes: [GateOutcome]) {
        do {
            return (try scope.totals(), scope.outcomes())
        } catch {
            tell(error.message)
            return (.none, [])
        }
    }

    private func finish(_ stream: EnforcedStream) throws(AgentError) -> [UInt64] {
        let totals = EnforcedStream.Totals(past + held.map { known in count(known.scope) })
        for known in held { known.scope.noteCounts() }
        let ending = stream.finish(totals, failure == nil ? reason : nil)
        if reason == .process {
            // Nobody is left to hold.
            for gone in held { do { try gone.scope.unpin() } catch { tell(error.message) } }
            held.removeAll()
            configuration.process?.removeIfEmpty()
        }
        if let failure { throw failure }
        if let failed = ending.failure { throw AgentError(.inputOutput, failed) }
        if !configuration.failsOpen, !held.isEmpty {
            let names = held.map { known in EnforcedScopes.name(of: known.group.path) }.joined(separator: " ")
            tell(
                "\(held.map(\.group.path).joined(separator: ", ")) is held on without an agent; "
                    + "to end that: trustrun-agent release \(names)")
        }
        return totals.violations
    }
}
