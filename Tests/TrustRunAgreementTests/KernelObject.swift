// SPDX-License-Identifier: Apache-2.0
import CLibBPF
import Foundation

/// A parser of the gates, loaded into the kernel and never attached.
@safe final class KernelObject {
    struct Failure: Error {
        let text: String
    }

    private static let ethernet = [UInt8](repeating: 0, count: 14)

    private let path: String
    private let object: OpaquePointer

    init(_ name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../BPF/Objects/\(name).bpf.o")
        path = file.path
        guard let object = unsafe bpf_object__open_file(path, nil) else {
            throw Failure(text: "\(path) cannot be opened; run make bpf")
        }
        unsafe self.object = object
        let result = unsafe bpf_object__load(object)
        guard result == 0 else { throw Failure(text: "\(path) does not load: error \(result)") }
    }

    deinit { unsafe bpf_object__close(object) }

    func program(_ name: String) throws -> Int32 {
        guard let program = unsafe bpf_object__find_program_by_name(object, name) else {
            throw Failure(text: "\(path) has no program \(name)")
        }
        return unsafe bpf_program__fd(program)
    }

    func map(_ name: String) throws -> OpaquePointer {
        guard let map = unsafe bpf_object__find_map_by_name(object, name) else {
            throw Failure(text: "\(path) has no map \(name)")
        }
        return unsafe map
    }

    /// Runs a program on a packet with this payload; what it returns.
    func run(_ program: Int32, _ payload: [UInt8]) throws -> Int32 {
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

    /// The first value of an array.
    static func first(of map: OpaquePointer) throws -> [UInt8] {
        var key: UInt32 = 0
        var value = [UInt8](repeating: 0, count: Int(unsafe bpf_map__value_size(map)))
        guard unsafe bpf_map__lookup_elem(map, &key, 4, &value, value.count, 0) == 0 else {
            throw Failure(text: "no reading")
        }
        return value
    }
}

extension [UInt8] {
    /// A number of the machine.
    func number(at offset: Int) -> UInt32 {
        unsafe withUnsafeBytes { bytes in unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }

    /// A `tr_name_key`: a length in bits, and text from right to left with a zero behind it.
    func name(at offset: Int) -> String {
        let text = self[(offset + 4)...].prefix(Int(number(at: offset) / 8) - 1)
        return String(decoding: text.reversed(), as: UTF8.self)
    }
}
