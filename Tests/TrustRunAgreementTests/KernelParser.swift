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

    struct Failure: Error {
        let text: String
    }

    /// `struct tr_name_key`: a length in bits, and text from right to left with a zero behind it.
    private static let nameTextOffset = 12
    private static let ethernet = [UInt8](repeating: 0, count: 14)

    private let object: OpaquePointer
    private let programs: (query: Int32, answer: Int32)
    private let reading: OpaquePointer
    private let bindings: OpaquePointer

    init() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../BPF/Objects/dns_parser.bpf.o"
        ).path
        guard let object = unsafe bpf_object__open_file(path, nil) else {
            throw Failure(text: "\(path) cannot be opened; run make bpf")
        }
        unsafe self.object = object
        let result = unsafe bpf_object__load(object)
        guard result == 0, let query = unsafe bpf_object__find_program_by_name(object, "query"),
            let answer = unsafe bpf_object__find_program_by_name(object, "answer"),
            let reading = unsafe bpf_object__find_map_by_name(object, "reading"),
            let bindings = unsafe bpf_object__find_map_by_name(object, "bindings")
        else { throw Failure(text: "\(path) does not load: error \(result)") }
        programs = unsafe (bpf_program__fd(query), bpf_program__fd(answer))
        unsafe self.reading = reading
        unsafe self.bindings = bindings
    }

    deinit { unsafe bpf_object__close(object) }

    /// What the gates take a query for; nil: not for one plain question.
    func question(in message: [UInt8]) throws -> Question? {
        guard try run(programs.query, message) == 1 else { return nil }
        var key: UInt32 = 0
        var value = [UInt8](repeating: 0, count: Int(unsafe bpf_map__value_size(reading)))
        guard unsafe bpf_map__lookup_elem(reading, &key, 4, &value, value.count, 0) == 0 else {
            throw Failure(text: "no reading")
        }
        let numbers = unsafe value.withUnsafeBytes { bytes in
            (0..<3).map { index in unsafe bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self) }
        }
        let text = value[Self.nameTextOffset...].prefix(Int(numbers[2] / 8) - 1)
        return Question(
            name: String(decoding: text.reversed(), as: UTF8.self), type: UInt16(numbers[0]), id: UInt16(numbers[1]))
    }

    /// The addresses that the gates tie to the name of a query by an answer, as IPv6 has them; nil: it is none to that query.
    func addresses(of answer: [UInt8], to query: [UInt8]) throws -> Set<[UInt8]>? {
        let size = [UInt8(query.count >> 8), UInt8(query.count & 0xff)]
        let result = try run(programs.answer, size + query + answer)
        guard result >= 0 else { throw Failure(text: "not a query: \(query)") }
        let found = takeBindings()
        return result == 1 ? found : nil
    }

    private func run(_ program: Int32, _ payload: [UInt8]) throws -> Int32 {
        let packet = Self.ethernet + payload
        return try unsafe packet.withUnsafeBytes { bytes in
            var options = unsafe bpf_test_run_opts()
            unsafe options.sz = MemoryLayout<bpf_test_run_opts>.size
            unsafe options.data_in = bytes.baseAddress
            unsafe options.data_size_in = UInt32(bytes.count)
            let result = unsafe bpf_prog_test_run_opts(program, &options)
            guard result == 0 else { throw Failure(text: "BPF_PROG_TEST_RUN: error \(result)") }
            return unsafe Int32(bitPattern: options.retval)
        }
    }

    private func takeBindings() -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        var key = [UInt8](repeating: 0, count: Int(unsafe bpf_map__key_size(bindings)))
        while unsafe bpf_map__get_next_key(bindings, nil, &key, key.count) == 0 {
            found.insert(Array(key[..<16]))
            _ = unsafe bpf_map__delete_elem(bindings, &key, key.count, 0)
        }
        return found
    }
}
