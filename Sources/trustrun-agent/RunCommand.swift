// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract:
            "Runs a command that the kernel holds to a policy: what it does not allow is refused before a byte leaves.",
        discussion: """
            `sudo trustrun-agent run --policy FILE --enforce -- COMMAND` runs the command as whoever called sudo, without capabilities, \
            in a control group of its own. Before it starts, a process in that group tries what must be refused. \
            When the command ends, what it left running is killed. docs/policy.md says how names are enforced. \
            Standard input, output and error are the command's own; a summary goes to stderr. \
            Signals go to the command, but SIGHUP reloads the policy, as a change of its files does; docs/enforcement.md.
            Exit status: the command's own, 128+N if signal N ended it, 64 wrong usage, 125 the policy could not be enforced and nothing \
            was run, or it could not be any more and the command was killed, 126 or 127 the command cannot be run.
            """
    )

    @OptionGroup var policy: PolicyOptions

    @Flag(help: "Hold the command to the policy.")
    var enforce = false

    @Flag(help: "Let the command go on unheld if the agent dies, instead of held by what it pinned.")
    var failOpen = false

    @Flag(
        help:
            "Run the command as root, without capabilities, instead of as whoever called sudo; its files can lead it out."
    )
    var asRoot = false

    @Option(help: ArgumentHelp("Try the gates from within the scope again this often.", valueName: "time"))
    var proveEvery = TimeSpan(nanoseconds: 60_000_000_000)

    @Option(
        help: ArgumentHelp(
            "Write an event for each connection, violation and process of the command there: a new file, or fd:N, a descriptor that is open for writing.",
            valueName: "file|fd:N"))
    var events: EventsTarget?

    @Argument(parsing: .postTerminator, help: "What to run, after --.")
    var command: [String] = []

    func validate() throws {
        guard enforce else { throw ValidationError("run needs --enforce") }
        guard !command.isEmpty else { throw ValidationError("what to run is missing: -- COMMAND") }
        guard !policy.references.isEmpty else { throw ValidationError("run needs a --policy") }
    }

    func run() throws {
        try Failure.reporting {
            var configuration = EnforcedRun.Configuration(policies: policy.references)
            configuration.failsOpen = failOpen
            configuration.staysRoot = asRoot
            configuration.proofMilliseconds = max(proveEvery.nanoseconds / 1_000_000, 1)
            configuration.events = events
            let ending = try EnforcedRun.run(command, configuration, tell: Failure.tell)
            for line in ending.report { Failure.tell(line) }
            throw ExitCode(ending.status)
        }
    }
}

extension EventsTarget: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(text: argument)
    }
}
