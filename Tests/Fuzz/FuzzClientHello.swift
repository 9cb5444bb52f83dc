// SPDX-License-Identifier: Apache-2.0

internal import TrustRunEvents
internal import TrustRunWire

/// Parses arbitrary bytes as the start of a TLS stream, at once and in pieces, which must agree.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzClientHello(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count).bytes
    if count > 0 { _ = try? TLSClientHello(body: bytes.extracting(droppingFirst: 1)) }
    let whole = Outcome(TLSClientHello.parse(bytes))
    let piece = 1 + count % 97
    var assembler = ClientHelloAssembler()
    var joined = whole
    var offset = 0
    while offset < count {
        let size = min(piece, count - offset)
        let from = max(0, offset - count % 5)
        switch assembler.append(bytes.extracting(from..<(offset + size)), at: from) {
        case .parsed(let result): joined = Outcome(result)
        case .gap: preconditionFailure("a gap in a whole stream")
        }
        precondition(assembler.byteCount <= ClientHelloAssembler.maximumByteCount)
        offset += size
    }
    precondition(whole == joined)
    return 0
}

private enum Outcome: Equatable {
    case needMore
    case notTLS
    case malformed(DecodeError)
    case clientHello(DomainName?, Bool, ApplicationProtocols, UInt16)

    init(_ result: TLSClientHello.ParseResult) {
        switch result {
        case .needMore: self = .needMore
        case .notTLS: self = .notTLS
        case .malformed(let error): self = .malformed(error)
        case .clientHello(let hello):
            self = .clientHello(hello.serverName, hello.hasECH, hello.applicationProtocols, hello.highestVersion)
        }
    }
}
