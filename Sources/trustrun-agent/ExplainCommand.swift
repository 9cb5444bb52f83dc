// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tells from recorded events what happened to a connection, why, and what would let it through.",
        discussion: """
            Reads what `monitor` or `run --events` wrote. Needs no root. \
            Exit status: 0, 1 the recording has no such connection, 64 wrong usage, 65 a line is no event, 66 the file cannot be read, \
            74 stdout failed.
            """
    )

    @Option(help: ArgumentHelp("Its id: the member `connection` of its events.", valueName: "id"))
    var connection: String

    @Option(help: ArgumentHelp("The recording; stdin if it is not said.", valueName: "file"))
    var events: String?

    func run() throws {
        try Failure.reporting {
            guard try ConnectionExplanation.run(connection: connection, recording: events) else {
                Failure.tell("\(events ?? "stdin") has no connection \(connection)")
                throw ExitCode(1)
            }
        }
    }
}
