// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import TrustRunAgent
internal import TrustRunEvents

struct LearnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract:
            "Watches a command, this machine or a recording, and writes the smallest policy that allows what it saw.",
        discussion: """
            `learn -- COMMAND` needs root and runs the command as whoever called sudo; it ends with the command and all that \
            descends from it. Without a command it watches the whole machine until SIGINT or --duration. \
            The file is new and readable by its owner alone; one that exists is never overwritten. \
            docs/policy.md tells what is written.
            Exit status: 0, 64 wrong usage, 65 a line of the recording is wrong, 66 it cannot be read, 69 the kernel cannot, \
            71 the system would not, 73 the file exists or cannot be made, 77 not permitted, 126 or 127 the command cannot be run.
            """
    )

    @Option(help: ArgumentHelp("The policy to write.", valueName: "file"))
    var output = "policy.yaml"

    @Option(help: "The policy's name.")
    var name = "learned"

    @Option(help: ArgumentHelp("What the policy does about everything else.", valueName: "action"))
    var defaultAction = DefaultAction.block

    @Option(help: ArgumentHelp("End after this long: 30, 30s, 5m, 1h.", valueName: "time"))
    var duration: TimeSpan?

    @Option(help: ArgumentHelp("Learn from events that `monitor` wrote; - is stdin.", valueName: "file"))
    var from: String?

    @Option(help: ArgumentHelp("Begin the ladders of hooks here: fentry, kprobe or state.", valueName: "hook"))
    var hooks: HookRung?

    @Argument(parsing: .postTerminator, help: "What to run and learn from, after --.")
    var command: [String] = []

    func validate() throws {
        guard from == nil || (command.isEmpty && duration == nil && hooks == nil) else {
            throw ValidationError("--from learns from a recording: no command, --duration or --hooks goes with it")
        }
        guard (1...128).contains(name.utf8.count), !name.unicodeScalars.contains(where: Self.isControl) else {
            throw ValidationError("--name is 1 to 128 bytes of text")
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }

    func run() throws {
        var learn = LearnConfiguration()
        learn.output = output
        learn.name = name
        learn.defaultAction = defaultAction.action
        learn.durationNanoseconds = duration?.nanoseconds
        learn.firstHook = hooks?.rawValue
        if let from { learn.source = .recording(from) }
        if !command.isEmpty { learn.source = .command(command) }
        try Failure.reporting {
            for line in try Learning.run(learn, logger: Log.standardError()) { Failure.tell(line) }
        }
    }
}

/// The words of `PolicyAction`.
enum DefaultAction: String, ExpressibleByArgument, CaseIterable {
    case block, alert, kill, allow

    var action: PolicyAction {
        switch self {
        case .block: .block
        case .alert: .alert
        case .kill: .kill
        case .allow: .allow
        }
    }
}
