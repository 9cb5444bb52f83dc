// SPDX-License-Identifier: Apache-2.0
internal import TrustRunSinks

// The members of JSON objects, each with a comma before it unless it is the first.
extension OutputBuffer {
    mutating func append(member key: String, _ value: String) {
        append(key: key)
        append(jsonString: value)
    }

    mutating func append(member key: String, ifAny value: String?) {
        if let value { append(member: key, value) }
    }

    mutating func append(member key: String, _ value: Int) {
        append(key: key)
        append(decimal: UInt64(max(value, 0)))
    }

    mutating func append(member key: String, _ value: Bool) {
        append(key: key)
        append(value ? "true" : "false")
    }

    mutating func append<Element>(
        list key: String, _ elements: [Element], _ write: (Element, inout OutputBuffer) -> Void
    ) {
        append(key: key)
        append("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            write(element, &self)
        }
        append("]")
    }

    mutating func append(list key: String, _ texts: [String]) {
        append(list: key, texts) { text, buffer in buffer.append(jsonString: text) }
    }

    /// An object, whose members `write` appends.
    mutating func append(object key: String, _ write: (inout OutputBuffer) -> Void) {
        append(key: key)
        append("{")
        write(&self)
        append("}")
    }

    private mutating func append(key: String) {
        if lastByte != UInt8(ascii: "{") { append(",") }
        append(jsonString: key)
        append(":")
    }

    private var lastByte: UInt8? {
        count == 0 ? nil : unsafe bytes.unsafeLoad(fromByteOffset: count - 1, as: UInt8.self)
    }
}
