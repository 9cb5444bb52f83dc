// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension JSONLinesEncoder {
    private static let verdictMax = 16 << 10

    @inline(always)
    static func isPrepared(_ verdict: borrowing Verdict?) -> Bool {
        unsafe verdict == nil || !text(of: verdict).isEmpty
    }

    /// Makes the text that is kept in a verdict; false if it is too long.
    @inline(never)
    static func prepare(_ verdict: Verdict?) -> Bool {
        guard let verdict else { return true }
        let text = member(verdict)
        verdict.text.keep(text.span)
        return isPrepared(verdict)
    }

    /// `,"verdict":{...}`; empty if it is too long.
    package static func member(_ verdict: Verdict) -> [UInt8] {
        var buffer = OutputBuffer(capacity: verdictMax)
        append(verdict, to: &buffer)
        return buffer.copy(from: 0) ?? []
    }

    /// The text that is kept in a verdict, as long as that lives.
    @inline(always)
    static func text(of verdict: borrowing Verdict?) -> UnsafeBufferPointer<UInt8> {
        switch verdict {
        case .some(let verdict): unsafe bytes(at: verdict.text.place)
        case .none: unsafe UnsafeBufferPointer(start: nil, count: 0)
        }
    }

    /// Writes `,"verdict":{...}`.
    static func append(_ verdict: Verdict, to buffer: inout OutputBuffer) {
        buffer.append(",\"verdict\":{\"action\":\"")
        buffer.append(verdict.action.text)
        buffer.append(verdict.isEnforced ? "\",\"enforced\":true" : "\",\"enforced\":false")
        if !verdict.isEnforced, !verdict.action.letsThrough { buffer.append(",\"would_block\":true") }
        if let rule = verdict.rule {
            buffer.append(",\"rule\":")
            buffer.append(jsonString: rule)
        }
        buffer.append(",\"basis\":\"")
        buffer.append(verdict.basis.text)
        buffer.append("\"")
        if let name = verdict.name {
            buffer.append(",\"name\":\"")
            buffer.append(name.bytes)
            buffer.append("\"")
        }
        if let reason = verdict.reason {
            buffer.append(",\"reason\":")
            buffer.append(jsonString: reason)
        }
        if let gate = verdict.gate {
            buffer.append(",\"gate\":\"")
            buffer.append(gate.text)
            buffer.append("\"")
        }
        if verdict.generation != 0 {
            buffer.append(",\"generation\":")
            buffer.append(decimal: UInt64(verdict.generation))
        }
        if verdict.isDivergent { buffer.append(",\"divergent\":true") }
        buffer.append(",\"policy\":")
        buffer.append(jsonString: verdict.policy)
        buffer.append("}")
    }
}
