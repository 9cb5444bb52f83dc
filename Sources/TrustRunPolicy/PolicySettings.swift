// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// What a policy says besides its rules. A setting that the root document does not state is taken from the first inherited document that does.
package struct PolicySettings: Sendable {
    /// A value, and where it was stated; nil: nowhere, it is the default.
    package struct Setting<Value: Sendable>: Sendable {
        package var value: Value
        package var origin: Origin?

        package init(_ value: Value, origin: Origin? = nil) {
            self.value = value
            self.origin = origin
        }
    }

    package enum CaptureLevel: String, Sendable, CaseIterable {
        case metadata, headers, full
    }

    package enum NameLookup: String, Sendable, CaseIterable {
        case strict, open
    }

    package enum EncryptedClientHello: String, Sendable, CaseIterable {
        case mark, refuse
    }

    package enum Inbound: String, Sendable, CaseIterable {
        case block, allow
    }

    package var defaultAction = Setting(PolicyAction.alert)
    package var captureLevel = Setting(CaptureLevel.metadata)
    /// nil: `strict` if the default action blocks, else `open`.
    package var dns = Setting<NameLookup?>(nil)
    /// What becomes of a ClientHello with a second name that is encrypted, where the address is allowed by name only.
    package var ech = Setting(EncryptedClientHello.mark)
    /// Whether who connects in is judged by the address rules.
    package var inbound = Setting(Inbound.block)
    package var bindingGraceSeconds = Setting<UInt32>(3600)
    /// nil: those of resolv.conf.
    package var resolvers = Setting<[IPAddress]?>(nil)
    /// Which unix sockets of processes outside a scope's processes may connect to; nil: any.
    package var unixSockets = Setting<[UnixPath]?>(nil)
    package var content: [ContentRule] = []

    package init() {}
}

/// A line of `content:`: what is done about plaintext that holds certain findings.
package struct ContentRule: Sendable, Hashable {
    /// Kinds of findings, one of which is enough.
    package var findings: [String]
    /// Whether it concerns only destinations that no rule allows.
    package var isNotAllowedOnly: Bool
    package var action: PolicyAction
    package var reason: String?
    package var origin: Origin

    package init(
        findings: [String], isNotAllowedOnly: Bool, action: PolicyAction, reason: String?, origin: Origin
    ) {
        self.findings = findings
        self.isNotAllowedOnly = isNotAllowedOnly
        self.action = action
        self.reason = reason
        self.origin = origin
    }
}
