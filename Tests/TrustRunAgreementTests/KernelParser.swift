// SPDX-License-Identifier: Apache-2.0
import CLibBPF
import Foundation
import TrustRunEvents

/// The gates' parser of DNS, in the kernel.
@safe final class KernelParser {
    /// One plain question, as the gates read it.
    struct Question: Equatable {
        /// Lower case, without a dot at the end.
        let name: String
        let type: UInt16
        let id: UInt16
    }

    private let object: KernelObject
    private let programs: (query: Int32, answer: Int32)
    private let reading: OpaquePointer
    private let bindings: OpaquePointer
    private let counts: OpaquePointer

    init() throws {
        object = try KernelObject("dns_parser")
        programs = (try object.program("query"), try object.program("answer"))
        unsafe reading = try object.map("reading")
        unsafe bindings = try object.map("bindings")
        unsafe counts = try object.map("name_counts")
    }

    /// What the gates take a query for; nil: not for one plain question.
    func question(in message: [UInt8]) throws -> Question? {
        guard try object.run(programs.query, message) == 1 else { return nil }
        let value = try unsafe KernelObject.first(of: reading)
        return Question(
            name: value.name(at: 8), type: UInt16(value.number(at: 0)), id: UInt16(value.number(at: 4)))
    }

    /// The addresses that the gates tie to the name of a query by an answer, as IPv6 has them; nil: it is none to that query.
    func addresses(of answer: [UInt8], to query: [UInt8]) throws -> Set<[UInt8]>? {
        let size = [UInt8(query.count >> 8), UInt8(query.count & 0xff)]
        let result = try object.run(programs.answer, size + query + answer)
        guard result >= 0 else { throw KernelObject.Failure(text: "not a query: \(query)") }
        let found = takeBindings()
        return result == 1 ? found : nil
    }

    private func takeBindings() -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        var key = [UInt8](repeating: 0, count: Int(unsafe bpf_map__key_size(bindings)))
        while unsafe bpf_map__get_next_key(bindings, nil, &key, key.count) == 0 {
            found.insert(Array(key[..<16]))
            _ = unsafe bpf_map__delete_elem(bindings, &key, key.count, 0)
        }
        // Nobody counts names apart here: what they share is full in the end.
        var first: UInt32 = 0
        var none: Int64 = 0
        _ = unsafe bpf_map__update_elem(
            counts, &first, MemoryLayout.size(ofValue: first), &none, MemoryLayout.size(ofValue: none), 0)
        return found
    }
}
