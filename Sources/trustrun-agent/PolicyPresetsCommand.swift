// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct PolicyPresetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presets",
        abstract: "Lists the presets: what each allows or blocks, its parameters, and the pages it rests on."
    )

    @Flag(help: "One JSON object on one line.")
    var json = false

    func run() throws {
        try Failure.reporting { try PolicyTools.presets(asJSON: json) }
    }
}
