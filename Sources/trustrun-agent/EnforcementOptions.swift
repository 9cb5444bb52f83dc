// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

/// What `monitor` holds to its policy.
struct EnforcementOptions: ParsableArguments {
    @Flag(help: "Hold the scopes to the policy: the kernel refuses what it does not allow.")
    var enforce = false

    @Option(
        help: ArgumentHelp(
            "With --enforce: a control group, from the root of the hierarchy, with all below it; *, ? and [...] stand for others, and groups that appear later are held too.",
            valueName: "path"))
    var scope: [String] = []

    @Option(
        help: ArgumentHelp(
            "Enforce what this file says, instead of --enforce, --policy, --scope and the like; docs/enforcement.md.",
            valueName: "file"))
    var config: String?

    @Flag(help: "With --enforce: hold the whole machine, this agent and your own session too.")
    var host = false

    @Flag(help: "Let go of the scopes when the agent ends, instead of leaving them held by what it pinned.")
    var failOpen = false

    @Flag(help: "Hold scopes too whose processes have sockets that no gate sees.")
    var allowDegraded = false

    @Option(help: ArgumentHelp("Try the gates from within each scope again this often.", valueName: "time"))
    var proveEvery = TimeSpan(nanoseconds: 60_000_000_000)

    func validate(hasPolicy: Bool) throws {
        guard config == nil else {
            guard !enforce, !hasPolicy, scope.isEmpty, !host, !failOpen, !allowDegraded else {
                throw ValidationError("--config says all of it: leave --enforce, --policy, --scope and the like out")
            }
            return
        }
        guard enforce else {
            guard scope.isEmpty, !host, !failOpen, !allowDegraded else {
                throw ValidationError(
                    "--scope, --host, --fail-open and --allow-degraded need --enforce; to look at some groups only: --cgroup"
                )
            }
            return
        }
        guard hasPolicy else { throw ValidationError("--enforce needs a --policy") }
        guard scope.isEmpty == host else {
            throw ValidationError(
                host
                    ? "--host is the whole machine: leave --scope out"
                    : "--enforce needs a --scope, or --host for the whole machine")
        }
    }

    /// nil: nothing is to be enforced.
    func configuration(_ monitor: MonitorConfiguration) throws -> EnforcedMonitor.Configuration? {
        if let config { return try EnforcedMonitor.Configuration(monitor, file: config) }
        guard enforce else { return nil }
        var configuration = EnforcedMonitor.Configuration(monitor)
        configuration.scopes = scope
        configuration.coversHost = host
        configuration.failsOpen = failOpen
        configuration.allowsDegraded = allowDegraded
        configuration.proofMilliseconds = max(proveEvery.nanoseconds / 1_000_000, 1)
        return configuration
    }
}
