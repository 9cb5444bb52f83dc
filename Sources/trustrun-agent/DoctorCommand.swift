// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Tells what can be seen on this machine, and what cannot, by trying.",
        discussion: "Exit status: 0 everything, 1 degraded, 2 cannot run here, 64 wrong usage."
    )

    @Flag(help: "One JSON object on one line.")
    var json = false

    @Option(help: ArgumentHelp("Begin the ladders of hooks here: fentry, kprobe or state.", valueName: "hook"))
    var hooks: HookRung?

    func run() throws {
        let report = Doctor.examine(firstHook: hooks?.rawValue)
        report.write(asJSON: json)
        throw ExitCode(report.status.rawValue)
    }
}
