// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tells what the kernel enforces now: scopes, policies, counts, and whether an agent lives for each.",
        discussion:
            "Needs root. docs/enforcement.md describes it. Exit status: 0, 64 wrong usage, 71 the system would not."
    )

    @Flag(help: "One JSON object on one line.")
    var json = false

    @Flag(help: "With --json: what was refused or recorded, by destination, rule and generation.")
    var outcomes = false

    func validate() throws {
        guard json || !outcomes else { throw ValidationError("--outcomes needs --json") }
    }

    func run() throws {
        try Failure.reporting { try InstanceStatus.show(asJSON: json, withOutcomes: outcomes) }
    }
}
