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
            docs/events.md describes the events. Exit status: 0, 64 wrong usage, 69 the kernel cannot, \
            71 the system would not, 74 stdout failed, 77 not permitted.
            """
    )

    @Option(help: "jsonl (JSON Lines) or text (for people).")
    var format = MonitorConfiguration.Format.jsonl

    @Option(help: ArgumentHelp("Only these events: connect,accept,close,dns,sni,exec,exit.", valueName: "types"))
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

    @Option(help: ArgumentHelp("Begin the ladders of hooks here: fentry, kprobe or state.", valueName: "hook"))
    var hooks: HookRung?

    func run() throws {
        var monitor = MonitorConfiguration()
        monitor.format = format
        monitor.filter = EventFilter(types: types?.types, cgroup: cgroup, pid: pid)
        monitor.durationNanoseconds = duration?.nanoseconds
        monitor.eventLimit = count
        monitor.firstHook = hooks?.rawValue
        try Failure.reporting {
            try Monitor(monitor, logger: Log.standardError()).run()
        }
    }
}

extension MonitorConfiguration.Format: ExpressibleByArgument {}

/// The rungs that a user can begin at.
enum HookRung: String, ExpressibleByArgument, CaseIterable {
    case fentry, kprobe, state
}
