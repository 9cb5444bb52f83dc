// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunSensor

/// Loads the kernel side and says what to do where it cannot be.
enum SensorStart {
    /// `ring`: as for `Sensor`.
    static func open(firstHook: String?, ring: Sensor.Ring? = nil) throws(AgentError) -> Sensor {
        let missing = Capabilities.missing()
        guard missing.isEmpty else {
            throw AgentError(
                .notPermitted,
                "BPF programs need \(missing.joined(separator: ", ")), which this process does not have; "
                    + "run: sudo \(CommandLine.arguments.joined(separator: " "))"
            )
        }
        do {
            return try Sensor(
                cgroupRoot: CgroupHierarchy.find()?.mountPoint,
                ladder: firstHook.flatMap(Sensor.Ladder.init(rawValue:)),
                ring: ring
            )
        } catch {
            if error.isMissingBTF {
                throw AgentError(
                    .unavailable,
                    "this kernel has no type information at /sys/kernel/btf/vmlinux; "
                        + "use one that is built with CONFIG_DEBUG_INFO_BTF=y (5.10 or later)"
                )
            }
            let code: AgentError.Code = error.isNotPermitted ? .notPermitted : .unavailable
            throw AgentError(code, "\(error); run `trustrun-agent doctor` to see what this kernel allows")
        }
    }

    /// Whether a hook of its own tells which process accepts a connection.
    static func namesAcceptors(_ capabilities: [Sensor.Capability]) -> Bool {
        let accept = capabilities.first { capability in capability.name == "accept" }
        let close = capabilities.first { capability in capability.name == "close" }
        return accept?.hook != nil && accept?.hook != close?.hook
    }

    /// The hooks that were chosen, for the events that rest on them.
    static func hooks(of capabilities: [Sensor.Capability]) -> [StaticHook: String] {
        let names: [StaticHook: String] = [
            .exec: "exec", .exit: "exit", .connect: "connect", .connectRefusedHere: "connect_refused_here",
            .accept: "accept", .close: "close",
            .existingConnections: "existing_connections", .udp: "udp", .udpClose: "udp_close", .dns: "dns",
            .clientHello: "client_hello", .sslCtrl: "ssl_ctrl",
        ]
        return names.compactMapValues { name in capabilities.first { capability in capability.name == name }?.hook }
    }
}
