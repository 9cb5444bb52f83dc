// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension TextEncoder {
    /// Writes what the policy says: the action everywhere, why where it is a violation.
    func append(_ verdict: Verdict, of type: EventType, to buffer: inout OutputBuffer) {
        guard type == .violation || type == .connect || type == .accept || type == .sni else { return }
        buffer.append("  ")
        set(Self.colour(of: verdict.action), in: &buffer)
        if !verdict.isEnforced, !verdict.action.letsThrough { buffer.append("would ") }
        buffer.append(verdict.action.text)
        set(.plain, in: &buffer)
        guard type == .violation else { return }
        buffer.append(" by ")
        if let rule = verdict.rule {
            buffer.append(printable: rule)
        } else {
            buffer.append(verdict.basis.text)
        }
        if let name = verdict.name {
            buffer.append(" for ")
            buffer.append(name.bytes)
        }
        if let reason = verdict.reason {
            buffer.append(": ")
            buffer.append(printable: reason)
        }
    }

    private static func colour(of action: PolicyAction) -> Colour {
        switch action {
        case .allow: .green
        case .alert: .yellow
        case .block, .kill: .red
        }
    }
}
