// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct PolicyEvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract:
            "Judges recorded events by a policy: JSON Lines of `monitor` on stdin, the same with verdicts on stdout.",
        discussion: """
            Every event that tells of a connection gets the verdict that the policy would have given; others pass as they are. \
            The violations of the recording are left out: another policy told them.
            Exit status: 0, 64 wrong usage, 65 the policy or a line is wrong, 66 a file cannot be read, 74 stdout failed.
            """
    )

    @OptionGroup var policy: PolicyOptions

    @Flag(help: "Compare instead: how many connections each policy allows, and which are judged otherwise.")
    var summary = false

    @Option(help: ArgumentHelp("Compare with this policy, not with the recording's own verdicts.", valueName: "policy"))
    var against: [String] = []

    @Flag(help: "The comparison as one JSON object.")
    var json = false

    func validate() throws {
        guard summary || (against.isEmpty && !json) else {
            throw ValidationError("--against and --json need --summary")
        }
    }

    func run() throws {
        try Failure.reporting {
            let output: PolicyEvaluation.Output = summary ? .summary(asJSON: json) : .events
            try PolicyEvaluation(policy.references, comparedWith: against, output: output).run()
        }
    }
}
