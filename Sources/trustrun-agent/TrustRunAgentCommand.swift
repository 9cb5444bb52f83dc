// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent

@main
struct TrustRunAgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trustrun-agent",
        abstract: "Shows where the programs of a Linux machine send data, with evidence.",
        version: AgentVersion.text,
        subcommands: [
            MonitorCommand.self, WatchCommand.self, RunCommand.self, StatusCommand.self, ReleaseCommand.self,
            ExplainCommand.self,
            LearnCommand.self, PolicyCommand.self, DoctorCommand.self, AttackCommand.self,
        ]
    )
}
