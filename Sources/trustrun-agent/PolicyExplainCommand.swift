// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunAgent
internal import TrustRunEvents

struct PolicyExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says what a policy says of a destination: each rule that matches, and why one of them decides.",
        discussion: """
            Exit status: 0 whatever the verdict, 64 wrong usage, 65 the policy is wrong, 66 a file cannot be read, 74 stdout failed.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "HOST, ADDRESS or HOST@ADDRESS, each with :PORT or without; an IPv6 address with a port in brackets.",
            valueName: "destination"))
    var destination: String

    @OptionGroup var policy: PolicyOptions

    @Option(name: .customLong("protocol"), help: "The transport: tcp or udp.")
    var transport = Transport.tcp

    @Option(help: ArgumentHelp("The path of the executable that connects.", valueName: "path"))
    var process: String?

    @Flag(help: "The destination is who connects in.")
    var inbound = false

    @Flag(help: "One JSON object on one line.")
    var json = false

    enum Transport: String, CaseIterable, ExpressibleByArgument {
        case tcp, udp
    }

    func run() throws {
        try Failure.reporting {
            try PolicyTools.explain(
                destination, policies: policy.references, transport: transport == .udp ? .udp : .tcp,
                executable: process, isInbound: inbound, asJSON: json)
        }
    }
}
