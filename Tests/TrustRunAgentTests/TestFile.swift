// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A file without a name, and what was written to it.
final class TestFile {
    let descriptor: Int32

    init() {
        var path = Array("/tmp/trustrun-test-XXXXXX\0".utf8.map(CChar.init(bitPattern:)))
        descriptor = mkstemp(&path)
        unlink(path)
    }

    deinit { close(descriptor) }

    var text: String {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
