// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSensor

/// Runs a command in a scope of its own, where the kernel enforces a policy.
package enum EnforcedRun {
    /// How the command ended.
    package struct Ending {
        /// As a shell has it: its own, or 128 and the number of the signal.
        package let status: Int32
        /// What to tell the user.
        package let report: [String]
    }

    package struct Configuration: Sendable {
        /// As for `PolicyFiles.load`.
        package var policies: [String]
        /// Whether the gates go when the agent dies.
        package var failsOpen = false
        /// Whether the command stays uid 0, without capabilities.
        package var staysRoot = false
        /// How long after a proof the next one is made.
        package var proofMilliseconds: UInt64 = 60_000
        /// Where events go; nil: nowhere.
        package var events: EventsTarget?

        package init(policies: [String]) { self.policies = policies }
    }

    /// Throws if the policy cannot be enforced; then nothing ran. `tell` gets lines for the user while the command runs.
    package static func run(
        _ words: [String], _ configuration: Configuration, tell: @escaping (String) -> Void
    ) throws(AgentError) -> Ending {
        try ContainerRuntime.check(words)
        let missing = Capabilities.missing()
        guard missing.isEmpty else {
            throw AgentError(.notEnforced, "enforcing needs \(missing.joined(separator: ", ")); run it with sudo")
        }
        let invoker = configuration.staysRoot ? nil : try findInvoker()
        try checkStandardDescriptors()
        guard let hierarchy = CgroupHierarchy.find() else {
            throw AgentError(
                .notEnforced, "no cgroup v2 hierarchy is mounted; mount one: mount -t cgroup2 none /sys/fs/cgroup")
        }
        InstanceSweep.run(in: hierarchy).forEach(tell)
        let name = "run-\(getpid())-" + String(UInt32.random(in: .min ... .max), radix: 16)
        // Before anything of that name is there: a sweep takes what has no lock for left behind.
        guard let lock = try unenforced({ () throws(EnforcementError) in try InstanceLock(name) }) else {
            throw AgentError(.notEnforced, "another agent has the lock of \(name)")
        }
        defer { withExtendedLifetime(lock) {} }
        let output = try configuration.events.map { target throws(AgentError) in
            try EventsOutput(target, for: invoker)
        }
        do throws(AgentError) {
            return try run(words, configuration, as: invoker, ScopeDirectory(in: hierarchy, named: name), output, tell)
        } catch {
            output?.discard()
            throw error
        }
    }

    private static func run(
        _ words: [String], _ configuration: Configuration, as invoker: Invoker?, _ scope: ScopeDirectory,
        _ output: EventsOutput?, _ tell: @escaping (String) -> Void
    ) throws(AgentError) -> Ending {
        let policies = EnforcedPolicies(configuration.policies)
        let enforced = try EnforcedScope(
            tells: output != nil, namespaces: ResolverNamespaces(inodes: SystemFacts.networkNamespaces))
        let entry = try unenforced { () throws(AgentError) in try policies.load(canKill: enforced.canKill) }
        try unenforced { () throws(AgentError) in try enforced.enforce(entry) }
        try enforced.hold(scope.group)
        let confinement = Confinement(asRoot: configuration.staysRoot)
        let stream = try output.map { output throws(AgentError) in
            try startStream(to: output, policies, entry, enforced, scope.group.path, confinement)
        }
        if !configuration.failsOpen {
            try enforced.pin(as: scope.name, policy: entry.compiled.policy.name, ownsScope: true)
        }
        let signals = try CommandSignals()
        let terminal = try unenforced { () throws(AgentError) in try CommandTerminal.make(for: invoker) }
        let command = try unenforced { () throws(AgentError) in
            try CommandProcess(words, as: invoker, confinement: confinement, terminal: terminal)
        }
        try scope.group.add(command.pid)
        do {
            try terminal?.join()
            try command.release()
        } catch {
            // A command that is missing has a status of its own; whatever else keeps it from running is a scope that could not be made.
            throw error.code == .operatingSystem ? AgentError(.notEnforced, error.message) : error
        }
        let isLost = try unenforced { () throws(AgentError) in
            try keep(enforced, policies, configuration, command, terminal, signals, stream, tell)
        }
        // While the gates hold still: nothing of the scope outlives them.
        var isGuarded = true
        do {
            try enforced.leaveToSockets()
        } catch {
            tell(error.message)
            isGuarded = false
        }
        let left = scope.end()
        if left == nil { SocketGuard.take(off: scope.group.descriptor) }
        terminal?.leave()
        let isStopped = isLost && !configuration.failsOpen
        let openings = enforced.refusesHandover ? [] : [EnforcedScope.openHandover]
        return Ending(
            status: isStopped ? AgentError.Code.notEnforced.rawValue : command.exitStatus,
            report: finish(enforced, policies, left: left, isGuarded: isGuarded, stream) + confinement.report + openings
        )
    }

    /// Waits until the command has ended, or is not held any more and must not go on; returns whether it is not.
    private static func keep(
        _ enforced: EnforcedScope, _ policies: EnforcedPolicies, _ configuration: Configuration,
        _ command: CommandProcess, _ terminal: CommandTerminal?, _ signals: CommandSignals, _ stream: EnforcedStream?,
        _ tell: @escaping (String) -> Void
    ) throws(AgentError) -> Bool {
        let loop = DescriptorLoop()
        var isLost = false
        let keeper = try ScopeKeeper(
            policies, canKill: enforced.canKill, in: loop, proofMilliseconds: configuration.proofMilliseconds,
            // While the command has the terminal, it shows bytes as they are.
            tell: { line in tell(terminal?.isJoined == true && isatty(STDERR_FILENO) == 1 ? line + "\r" : line) }
        ) { _ in
            isLost = true
            if !configuration.failsOpen { loop.end() }
        }
        keeper.stream = stream
        keeper.add(enforced)
        loop.add(signals.descriptor) {
            while let signal = signals.take() {
                switch (signal.number, signal.isFromTerminal) {
                case (SIGCHLD, _): break
                case (SIGWINCH, _): terminal?.resize()
                // The terminal is gone; the command has another one.
                case (SIGHUP, true): if terminal != nil { command.send(signal: SIGHUP) }
                case (SIGHUP, false): keeper.reload()
                // The command has got it itself.
                case (_, true): break
                default: command.send(signal: signal.number)
                }
            }
            if command.isOver() || command.status != nil { loop.end() }
        }
        loop.run()
        return isLost
    }

    private static func finish(
        _ enforced: EnforcedScope, _ policies: EnforcedPolicies, left: Int?, isGuarded: Bool, _ stream: EnforcedStream?
    ) -> [String] {
        var lines: [String] = []
        do {
            let totals = try enforced.totals()
            let outcomes = enforced.outcomes()
            var report = EnforcementReport(policies, enforced.status)
            if let stream {
                let counted = EnforcedStream.Totals([(totals, outcomes)])
                report.events = (stream.finish(counted, .command), counted, stream.label)
            }
            lines = report.lines(totals, outcomes) + EnforcementReport.describe(left: left)
        } catch {
            lines = ["what was refused is not known: \(error.message)"]
        }
        // Whatever would not end, or has no other gates, stays held by what is pinned; the next sweep looks again.
        guard left != nil, isGuarded else { return lines }
        do { try enforced.unpin() } catch { lines.append(error.message) }
        return lines
    }

    /// The thread that writes the command's events; nothing runs without it if events were asked for.
    private static func startStream(
        to output: EventsOutput, _ policies: EnforcedPolicies, _ entry: PolicyGenerations.Entry,
        _ enforced: EnforcedScope, _ path: String, _ confinement: Confinement
    ) throws(AgentError) -> EnforcedStream {
        let scopes = WatchedScopes()
        scopes.add(path)
        var subject = EnforcedStream.Subject(
            scopes, policies.generations, newest: entry, ring: enforced.ring, output: output)
        subject.containment = confinement.facts
        subject.refusesHandover = enforced.refusesHandover
        let stream = try EnforcedStream.start(subject)
        stream.tell(.proven, scope: path, policy: entry.compiled.policy.name, generation: entry.generation)
        return stream
    }

    /// Whoever called sudo: root could leave the scope.
    private static func findInvoker() throws(AgentError) -> Invoker {
        let invoker: Invoker?
        do { invoker = try Invoker.find() } catch { throw AgentError(.notEnforced, error.message) }
        guard let invoker else {
            throw AgentError(
                .notEnforced,
                "a command is run as whoever calls sudo, and root could leave the scope; as an ordinary user: sudo trustrun-agent run ...; "
                    + "or --as-root, which keeps uid 0 without capabilities and can hold it less"
            )
        }
        return invoker
    }

    /// A socket that was made elsewhere is not of the scope, and the gates do not see it.
    private static func checkStandardDescriptors() throws(AgentError) {
        for descriptor in STDIN_FILENO...STDERR_FILENO {
            var address = sockaddr()
            var size = socklen_t(MemoryLayout<sockaddr>.size)
            guard unsafe getsockname(descriptor, &address, &size) == 0,
                Int32(address.sa_family) != AF_UNIX
            else { continue }
            throw AgentError(
                .notEnforced,
                "descriptor \(descriptor) is a network socket that was made outside of the scope, through which data could leave; "
                    + "put a pipe in between")
        }
    }

    private static func unenforced<Value: ~Copyable, Failure: CustomStringConvertible>(
        _ body: () throws(Failure) -> Value
    ) throws(AgentError) -> Value {
        do { return try body() } catch { throw AgentError(.notEnforced, error.description) }
    }
}
