// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct PolicyShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints a policy with all that it inherits, each part with where it was stated.",
        discussion: """
            What it prints loads again as an equal policy. \
            Exit status: 0, 64 wrong usage, 65 the policy is wrong, 66 a file cannot be read, 74 stdout failed.
            """
    )

    @OptionGroup var policy: PolicyOptions

    @Flag(help: "One JSON object on one line.")
    var json = false

    func run() throws {
        try Failure.reporting { try PolicyTools.show(policy.references, asJSON: json) }
    }
}
