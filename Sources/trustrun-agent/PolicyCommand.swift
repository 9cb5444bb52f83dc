// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Checks, shows and explains policies. Needs no root.",
        discussion: """
            A policy is a YAML file, or preset:NAME(parameter=value,...). docs/policy.md describes it. \
            Exit status: 0, 64 wrong usage, 65 a policy is wrong, 66 a file cannot be read, 74 stdout failed.
            """,
        subcommands: [
            PolicyCheckCommand.self, PolicyShowCommand.self, PolicyExplainCommand.self, PolicyTestCommand.self,
            PolicyEvalCommand.self,
            PolicyPresetsCommand.self,
        ]
    )
}

/// The policy of a command.
struct PolicyOptions: ParsableArguments {
    @Option(
        name: .customLong("policy"),
        help: ArgumentHelp(
            "A policy: a file or preset:NAME(parameter=value,...). The first one's rules come before those of others.",
            valueName: "file"))
    var references: [String]
}
