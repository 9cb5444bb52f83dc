// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents
import TrustRunWire

/// The bytes that hex digits spell; anything else in the text is skipped.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// A number in network order.
func bigEndian(_ value: Int, byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * (byteCount - 1 - $0))) }
}

/// Bytes behind their length.
func vector(_ bytes: [UInt8], lengthBytes: Int) -> [UInt8] {
    bigEndian(bytes.count, byteCount: lengthBytes) + bytes
}

extension DNSMessage {
    /// The answers as text, `address ttl`.
    var answerTexts: [String] {
        (0..<answers.count).map { "\(answers[$0].address) \(answers[$0].timeToLiveSeconds)" }
    }

    /// The aliases as text, `?` for one that is no host name.
    func aliasTexts(in bytes: [UInt8]) -> [String] {
        (0..<aliasCount).map { alias($0, in: bytes.rawSpan)?.description ?? "?" }
    }
}

/// Decodes a message; nil if it is refused.
func decodeError(_ bytes: [UInt8]) -> DecodeError? {
    do throws(DecodeError) {
        _ = try DNSMessage(bytes.rawSpan)
        return nil
    } catch {
        return error
    }
}
