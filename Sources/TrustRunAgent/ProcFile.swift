// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Small files of the kernel, read whole.
enum ProcFile {
    /// The file's text; nil if it cannot be read.
    static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// Where a link leads; nil if it cannot be read.
    static func link(_ path: String) -> String? {
        var text = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink(path, &text, text.count)
        return count > 0 ? String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}
