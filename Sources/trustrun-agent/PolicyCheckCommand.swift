// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct PolicyCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Loads each policy with all that it inherits, and says what is wrong with it.",
        discussion: """
            Also what a policy that loads lets through unexpectedly, and rules without effect: docs/policy.md lists the findings. \
            Exit status: 0, 1 a warning with --strict, 64 wrong usage, 65 a policy is wrong, 66 a file cannot be read, 74 stdout failed.
            """
    )

    @Argument(
        help: ArgumentHelp("Policies, each by itself: files or preset:NAME(parameter=value,...).", valueName: "file"))
    var references: [String]

    @Flag(help: "One JSON object on one line.")
    var json = false

    @Flag(help: "Exit with 1 if there is a warning.")
    var strict = false

    func run() throws {
        try Failure.reporting {
            let (hasWarning, errors) = try PolicyTools.check(references, asJSON: json)
            for error in errors { Failure.write(error) }
            if let first = errors.first { throw ExitCode(first.code.rawValue) }
            if strict, hasWarning { throw ExitCode(1) }
        }
    }
}
