// SPDX-License-Identifier: Apache-2.0

/// The matching that globs of paths and of labels share: `*` stands for any bytes or none, `?` for one.
enum ByteGlob {
    /// Only the last star seen is ever gone back to, so the time is at most the product of both lengths, whatever the glob.
    static func matches(_ glob: Span<UInt8>, _ text: Span<UInt8>) -> Bool {
        var (inGlob, inText) = (0, 0)
        // Behind the last star, and where what it stands for ends.
        var (afterStar, resume) = (-1, 0)
        while inText < text.count {
            if inGlob < glob.count, glob[inGlob] == UInt8(ascii: "*") {
                inGlob += 1
                (afterStar, resume) = (inGlob, inText)
            } else if inGlob < glob.count, glob[inGlob] == UInt8(ascii: "?") || glob[inGlob] == text[inText] {
                inGlob += 1
                inText += 1
            } else if afterStar >= 0 {
                resume += 1
                (inGlob, inText) = (afterStar, resume)
            } else {
                return false
            }
        }
        while inGlob < glob.count, glob[inGlob] == UInt8(ascii: "*") { inGlob += 1 }
        return inGlob == glob.count
    }
}
