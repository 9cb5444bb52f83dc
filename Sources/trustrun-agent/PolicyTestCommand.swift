// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct PolicyTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Holds policies to expectations: what is let through, what is refused, and by which rule.",
        discussion: """
            docs/policy.md describes the files. \
            Exit status: 0 all is as expected, 1 something is not, 64 wrong usage, 65 a file or policy is wrong, 66 a file cannot be read, \
            74 stdout failed.
            """
    )

    @Argument(help: ArgumentHelp("Files of expectations.", valueName: "file"))
    var files: [String]

    @Option(
        name: .customLong("policy"),
        help: ArgumentHelp(
            "Test this instead of what the files name: a file or preset:NAME(parameter=value,...). Repeat it to inherit.",
            valueName: "file"))
    var references: [String] = []

    @Flag(help: "One JSON object on one line.")
    var json = false

    func run() throws {
        try Failure.reporting {
            let (holds, errors) = try PolicyTools.test(files, policies: references, asJSON: json)
            for error in errors { Failure.write(error) }
            if let first = errors.first { throw ExitCode(first.code.rawValue) }
            guard holds else { throw ExitCode(1) }
        }
    }
}
