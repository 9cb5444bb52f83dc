// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract:
            "Writes every connection of a process that runs already, and of what descends from it; holds them to a policy.",
        discussion: """
            Needs root. Ends when the process has, or with SIGINT or SIGTERM. With --enforce, the process is held in its own control group if \
            nothing else is in it; else it is moved with what descends from it into one of its own. What it has open already was made \
            elsewhere: TCP that the policy does not allow is ended, and a listener or a UDP socket keeps it from being held, unless \
            --allow-degraded says otherwise. If the agent ends first, the process stays held; docs/enforcement.md.
            Exit status: as of monitor, and 66 there is no such process.
            """
    )

    @Argument(help: "The process.")
    var pid: Int32

    @Option(help: "jsonl (JSON Lines) or text (for people).")
    var format = MonitorConfiguration.Format.jsonl

    @Option(
        help: ArgumentHelp("Only these events: connect,accept,close,dns,sni,exec,exit,violation.", valueName: "types"))
    var types: EventTypes?

    @Option(help: ArgumentHelp("End after this long: 30, 30s, 5m, 1h.", valueName: "time"))
    var duration: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "Judge each connection by this policy: a file, or preset:NAME(parameter=value); several together are one.",
            valueName: "policy"))
    var policy: [String] = []

    @Flag(help: "Hold the process to the policy.")
    var enforce = false

    @Flag(help: "Let go of the process when the agent ends.")
    var failOpen = false

    @Flag(help: "Hold it although it has sockets that no gate sees.")
    var allowDegraded = false

    @Option(help: ArgumentHelp("Try the gates again this often.", valueName: "time"))
    var proveEvery = TimeSpan(nanoseconds: 60_000_000_000)

    func validate() throws {
        guard pid > 1 else { throw ValidationError("process \(pid) is the machine: monitor --enforce --host") }
        guard !enforce || !policy.isEmpty else { throw ValidationError("--enforce needs a --policy") }
        guard enforce || !failOpen && !allowDegraded else {
            throw ValidationError("--fail-open and --allow-degraded need --enforce")
        }
    }

    func run() throws {
        var monitor = MonitorConfiguration()
        monitor.format = format
        monitor.filter = EventFilter(types: types?.types, pid: UInt32(pid))
        monitor.durationNanoseconds = duration?.nanoseconds
        monitor.policy = policy
        monitor.process = pid
        try Failure.reporting {
            guard enforce else {
                let session = try Monitor(monitor, logger: Log.standardError())
                return try session.run()
            }
            let process = try WatchedProcess(pid)
            var configuration = EnforcedMonitor.Configuration(monitor)
            configuration.process = process
            configuration.failsOpen = failOpen
            configuration.allowsDegraded = allowDegraded
            configuration.proofMilliseconds = max(proveEvery.nanoseconds / 1_000_000, 1)
            let session: EnforcedMonitor
            do {
                session = try EnforcedMonitor(configuration, tell: Failure.tell)
            } catch {
                process.moveBack()
                throw error
            }
            _ = try session.run()
        }
    }
}
