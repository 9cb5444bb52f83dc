// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Logging
internal import TrustRunAgent
internal import TrustRunEvents

struct MonitorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "Writes every connection of this machine to stdout, one event a line.",
        discussion: """
            Needs root. Ends with SIGINT or SIGTERM, and quietly when its reader goes away.
            docs/events.md describes the events. Exit status: 0, 1 violations that --fail-on names, 64 wrong usage, \
            65 the policy is wrong, 66 it cannot be read, 69 the kernel cannot, 71 the system would not, \
            74 stdout failed, 77 not permitted, 125 what was to be enforced is not.

            With --enforce, the kernel refuses what the policy does not allow to the processes of the scopes; what happens elsewhere is told \
            without a verdict. What is held stays so when the agent ends, and the next one takes it over; docs/enforcement.md.
            """
    )

    @Option(help: "jsonl (JSON Lines) or text (for people).")
    var format = MonitorConfiguration.Format.jsonl

    @Option(
        help: ArgumentHelp("Only these events: connect,accept,close,dns,sni,exec,exit,violation.", valueName: "types"))
    var types: EventTypes?

    @Option(
        help: ArgumentHelp("Only processes in control groups whose path fits; * crosses slashes.", valueName: "glob"))
    var cgroup: String?

    @Option(help: "Only this process and what descends from it.")
    var pid: UInt32?

    @Option(help: ArgumentHelp("End after this long: 30, 30s, 5m, 1h.", valueName: "time"))
    var duration: TimeSpan?

    @Option(help: "End after this many events.")
    var count: UInt64?

    @Option(
        help: ArgumentHelp(
            "Judge each connection by this policy: a file, or preset:NAME(parameter=value); several together are one.",
            valueName: "policy"))
    var policy: [String] = []

    @Option(
        help: ArgumentHelp(
            "Exit with 1 if the policy would alert, block or kill (alert), or block or kill (block).",
            valueName: "action"))
    var failOn: FailOn?

    @Option(help: ArgumentHelp("Begin the ladders of hooks here: fentry, kprobe or state.", valueName: "hook"))
    var hooks: HookRung?

    @OptionGroup(title: "Enforcement") var enforcement: EnforcementOptions

    func run() throws {
        var monitor = MonitorConfiguration()
        monitor.format = format
        monitor.filter = EventFilter(types: types?.types, cgroup: cgroup, pid: pid)
        monitor.durationNanoseconds = duration?.nanoseconds
        monitor.eventLimit = count
        monitor.firstHook = hooks?.rawValue
        try Failure.reporting {
            monitor.policy = policy
            if let configuration = try enforcement.configuration(monitor) {
                return try fail(on: EnforcedMonitor(configuration, tell: Failure.tell).run())
            }
            let session = try Monitor(monitor, logger: Log.standardError())
            InstanceSweep.run().forEach(Failure.tell)
            try session.run()
            try fail(on: session.violations)
        }
    }

    private func fail(on violations: [UInt64]) throws {
        guard let failOn, failOn.isMet(by: violations) else { return }
        throw ExitCode(1)
    }

    func validate() throws {
        guard failOn == nil || !policy.isEmpty || enforcement.config != nil else {
            throw ValidationError("--fail-on needs a --policy")
        }
        try enforcement.validate(hasPolicy: !policy.isEmpty)
    }
}

/// From which verdict on a session has failed.
enum FailOn: String, ExpressibleByArgument, CaseIterable {
    case alert, block

    /// `violations` are by `PolicyAction.rawValue`.
    func isMet(by violations: [UInt64]) -> Bool {
        let least: PolicyAction = self == .alert ? .alert : .block
        return violations.dropFirst(Int(least.rawValue)).contains { count in count > 0 }
    }
}

extension MonitorConfiguration.Format: ExpressibleByArgument {}

/// The rungs that a user can begin at.
enum HookRung: String, ExpressibleByArgument, CaseIterable {
    case fentry, kprobe, state
}
