// SPDX-License-Identifier: Apache-2.0

extension OutputBuffer {
    /// Writes a number in decimal.
    package mutating func append(decimal value: UInt64) {
        append(decimal: value, digits: DecimalDigits.count(value))
    }

    /// Writes the last `digits` digits of a number, with zeros in front.
    package mutating func append(decimal value: UInt64, digits: Int) {
        guard let target = unsafe extend(by: digits) else { return }
        unsafe DecimalDigits.write(value, digits: digits, to: target)
    }

    /// Writes a number in hexadecimal, lower case, without leading zeros.
    package mutating func append(hex value: UInt64) {
        guard var cursor = cursor(atMost: 16) else { return }
        cursor.put(hex: value)
        commit(cursor)
    }

    /// Writes two hexadecimal digits.
    mutating func append(hexByte value: UInt8) {
        append(byte: Self.hexDigit(UInt64(value >> 4)))
        append(byte: Self.hexDigit(UInt64(value)))
    }

    private static func hexDigit(_ value: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: value & 0xf)
        return digit < 10 ? 48 + digit : 87 + digit
    }
}
