// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct AttackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attack",
        abstract: "Tries every known way around the gates on this machine, and tells which get through.",
        discussion: """
            Needs root, Python 3.9 and iproute2. The attempts are made in network namespaces of their own, against a canary there, by an ordinary user \
            under `run --enforce` and by others in its group; nothing of this machine's network is touched. What counts is what the canary sees. An \
            attempt that gets through and is known to (docs/threat-model.md) is listed with its reason, and fails with --strict only.
            Exit status: 0 nothing got through that should not, 1 something did, 64 wrong usage, 65 the policy is wrong, 66 it cannot be read, \
            69 something that this needs is missing, 77 not permitted.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Attack under this policy, with rules of the suite's own before it for what must get through; else under one of its own.",
            valueName: "file"))
    var policy: String?

    @Option(name: .customShort("k"), help: ArgumentHelp("Only attempts whose name contains this.", valueName: "text"))
    var pattern = ""

    @Flag(help: "One JSON object on one line, instead of the table.")
    var json = false

    @Flag(name: .shortAndLong, help: "What each attempt was answered.")
    var verbose = false

    @Flag(help: "Ways out that are known count as failures.")
    var strict = false

    func run() throws {
        var options = AttackSuite.Options()
        options.policy = policy
        options.pattern = pattern
        options.asJSON = json
        options.isVerbose = verbose
        options.isStrict = strict
        try Failure.reporting { try AttackSuite.run(options) }
    }
}
