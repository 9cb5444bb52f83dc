// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Checks policies, explains them, and tries them on recorded traffic.",
        subcommands: [PolicyEvalCommand.self])
}
