// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Takes down what is enforced without an agent; what runs there is not held any more.",
        discussion: """
            Needs root. An instance whose agent lives is not touched: end the agent. `trustrun-agent status` lists the instances.
            Exit status: 0, 64 wrong usage, 69 there is no such instance, or its agent lives, 71 the system would not.
            """
    )

    @Argument(help: "Names of instances.")
    var instances: [String] = []

    @Flag(help: "Every instance without an agent.")
    var all = false

    func validate() throws {
        guard all != !instances.isEmpty else { throw ValidationError("name instances, or --all") }
    }

    func run() throws {
        try Failure.reporting {
            for line in try InstanceRelease.run(instances) { Failure.tell(line) }
        }
    }
}
