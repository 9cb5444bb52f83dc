// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent
internal import TrustRunPolicy

/// Which policy a command works with.
struct PolicyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A policy: a file, or preset:NAME(parameter=value). Several are one: the first inherits the others.",
            valueName: "policy"))
    var policy: [String]

    func load() throws -> Policy { try PolicyFiles.load(policy) }
}
