// SPDX-License-Identifier: Apache-2.0

/// Writes network namespaces; keeps the text of the last one, because most connections share it with the one before.
struct NamespaceText {
    private static let label: StaticString = ",\"network_namespace\":"

    private var number: UInt32 = 0
    private var text = InlineArray<32, UInt8>(repeating: 0)
    private var length = 0

    init() {}

    /// Writes the member of a namespace that is not 0, into memory that is enough.
    @inline(always)
    mutating func put(_ namespace: UInt32, at cursor: inout LineCursor) {
        if namespace != number { render(namespace) }
        cursor.put(text, length: length)
    }

    private mutating func render(_ namespace: UInt32) {
        number = namespace
        var buffer = OutputBuffer(capacity: text.count)
        buffer.append(Self.label)
        buffer.append(decimal: UInt64(namespace))
        let written = buffer.copy(from: 0) ?? []
        for index in written.indices { text[index] = written[index] }
        length = written.count
    }
}
