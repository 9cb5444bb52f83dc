// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// Runs a command in a scope of its own, where the kernel enforces a policy.
package enum EnforcedRun {
    /// How the command ended.
    package struct Ending {
        /// As a shell has it: its own, or 128 and the number of the signal.
        package let status: Int32
        /// What to tell the user.
        package let report: [String]
    }

    /// Throws if the policy cannot be enforced; then nothing ran. `references` are as for `PolicyFiles.load`.
    package static func run(_ words: [String], policies references: [String]) throws(AgentError) -> Ending {
        let missing = Capabilities.missing()
        guard missing.isEmpty else {
            throw AgentError(.notEnforced, "enforcing needs \(missing.joined(separator: ", ")); run it with sudo")
        }
        let invoker = try findInvoker()
        try checkStandardDescriptors()
        let policy = try unenforced { () throws(PolicyError) in try PolicyFiles.load(references) }
        let compiled = try unenforced { () throws(PolicyError) in try PolicyFiles.compile(policy) }
        let resolvers = policy.settings.resolvers.value ?? SystemFacts.resolvers
        guard let hierarchy = CgroupHierarchy.find() else {
            throw AgentError(
                .notEnforced, "no cgroup v2 hierarchy is mounted; mount one: mount -t cgroup2 none /sys/fs/cgroup")
        }
        let scope = try ScopeDirectory(in: hierarchy)
        let gate = try open(policy, compiled, resolvers: resolvers, scope)
        var signals = CommandSignals()
        let command = try unenforced { () throws(AgentError) in
            try CommandProcess(words, as: invoker, isConfined: true)
        }
        try scope.add(command.pid)
        do {
            try command.release()
        } catch {
            // A command that is missing has a status of its own; whatever else keeps it from running is a scope that could not be made.
            throw error.code == .operatingSystem ? AgentError(.notEnforced, error.message) : error
        }
        signals.wait(for: command)
        // While the gates hold still: nothing of the scope outlives them.
        let left = scope.end()
        let report = EnforcementReport(policy, resolvers: resolvers, left: left)
        do {
            return Ending(status: command.exitStatus, report: try report.lines(of: gate))
        } catch {
            return Ending(status: command.exitStatus, report: ["what was refused is not known: \(error.message)"])
        }
    }

    private static func open(
        _ policy: Policy, _ compiled: CompiledPolicy, resolvers: [IPAddress], _ scope: ScopeDirectory
    ) throws(AgentError) -> Gate {
        var random = SystemRandomNumberGenerator()
        var gate = try unenforced { () throws(EnforcementError) in try Gate(probe: ProbeDestination(using: &random)) }
        let canKill = gate.canKill
        try unenforced { () throws(PolicyError) in
            try Enforceability.check(policy, resolvers: resolvers, canKill: canKill)
        }
        do {
            try gate.setPolicy(compiled, resolvers: resolvers, namespaces: SystemFacts.networkNamespaces)
            try gate.attach(toDirectory: scope.descriptor)
            try gate.prove(inDirectory: scope.descriptor)
        } catch {
            throw AgentError(.notEnforced, error.description)
        }
        return gate
    }

    /// Whoever called sudo: root could leave the scope.
    private static func findInvoker() throws(AgentError) -> Invoker {
        let invoker: Invoker?
        do { invoker = try Invoker.find() } catch { throw AgentError(.notEnforced, error.message) }
        guard let invoker else {
            throw AgentError(
                .notEnforced,
                "a command is run as whoever calls sudo, and root could leave the scope; as an ordinary user: sudo trustrun-agent run ..."
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
                [AF_INET, AF_INET6].contains(Int32(address.sa_family))
            else { continue }
            throw AgentError(
                .notEnforced,
                "descriptor \(descriptor) is an internet socket that was made outside of the scope, through which data could leave; "
                    + "put a pipe in between")
        }
    }

    private static func unenforced<Value: ~Copyable, Failure: CustomStringConvertible>(
        _ body: () throws(Failure) -> Value
    ) throws(AgentError) -> Value {
        do { return try body() } catch { throw AgentError(.notEnforced, error.description) }
    }
}
