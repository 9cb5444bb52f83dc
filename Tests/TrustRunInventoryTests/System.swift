// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// What the tests find on the machine they run on.
enum System {
    static let libssl = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"]
        .map { (directory: String) -> String in directory + "/libssl.so.3" }
        .first { access($0, R_OK) == 0 }

    static func reportNoLibssl() {
        print("NOT TESTED: there is no libssl.so.3 in /usr/lib; install libssl3 to test against a real one")
    }
}

struct Failure: Error {
    var call: String
    var number = errno
}

/// A directory that is removed, with what was put into it, with the last reference to it.
final class TemporaryDirectory {
    let path: String
    private var names: [String] = []

    init() throws {
        var template = Array("/tmp/trustrun-inventory-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(call: "mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names.reversed() { remove(path + "/" + name) }
        rmdir(path)
    }

    func makeDirectories(_ names: [String]) throws {
        for name in names {
            guard mkdir(path + "/" + name, 0o700) == 0 else { throw Failure(call: "mkdir \(name)") }
            self.names.append(name)
        }
    }

    func makeFIFO(_ name: String) throws {
        guard mkfifo(path + "/" + name, 0o600) == 0 else { throw Failure(call: "mkfifo \(name)") }
        names.append(name)
    }

    func link(_ name: String, to target: String) throws {
        guard symlink(target, path + "/" + name) == 0 else { throw Failure(call: "symlink \(name)") }
        names.append(name)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        names.append(name)
        guard bytes.withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
            throw Failure(call: "write \(name)")
        }
    }
}

/// A file mapped as the dynamic linker maps code.
struct ExecutableMapping {
    private let address: UnsafeMutableRawPointer
    private static let byteCount = 4096

    init?(_ path: String) {
        let descriptor = open(path, O_RDONLY)
        defer { Glibc.close(descriptor) }
        let address = mmap(nil, Self.byteCount, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else { return nil }
        self.address = address
    }

    func close() {
        munmap(address, Self.byteCount)
    }
}
