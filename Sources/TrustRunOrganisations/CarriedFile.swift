// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunAssets

/// The bytes of a file that this program carries: never written and never freed.
@safe struct CarriedFile: Sendable {
    static var publicSuffixes: CarriedFile { unsafe CarriedFile(tr_public_suffixes()) }
    static var organisations: CarriedFile { unsafe CarriedFile(tr_organisations()) }

    private nonisolated(unsafe) let bytes: UnsafeBufferPointer<UInt8>

    private init(_ asset: UnsafePointer<tr_asset>) {
        unsafe bytes = UnsafeBufferPointer(start: asset.pointee.bytes, count: asset.pointee.size)
    }

    var span: Span<UInt8> {
        @_lifetime(immortal)
        get {
            let span = unsafe Span(_unsafeElements: bytes)
            return unsafe _overrideLifetime(span, copying: ())
        }
    }
}
